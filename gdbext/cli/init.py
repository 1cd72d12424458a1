"""``gdbext init gdb|lldb``: the line that makes a debugger load gdbext's commands, printed or put
into its start-up file.
"""

from __future__ import annotations

import argparse
import os

from gdbext.cli import parsers
from gdbext.engine import launch
from gdbext.engine.outcome import Failure

EXAMPLES = """\
examples:
  gdbext init gdb              # prints the line
  gdbext init gdb --install    # adds it to the start-up file"""
FILES = {
    "gdb": ("gdbinit.py", "source {path}"),
    "lldb": ("lldbinit.py", "command script import {path}"),
}


def parser() -> argparse.ArgumentParser:
    made = parsers.new("init", EXAMPLES)
    made.add_argument("debugger", choices=tuple(FILES), help="which debugger")
    made.add_argument(
        "--install",
        action="store_true",
        help="add the line to the debugger's start-up file, unless it is there",
    )
    made.add_argument(
        "--file", metavar="FILE", help="that start-up file, where it is not the usual one"
    )
    return made


def path(debugger: str) -> str:
    """The file that the debugger loads."""
    return os.path.join(launch.ROOT, "gdbext", FILES[debugger][0])


def line(debugger: str) -> str:
    """What the start-up file needs."""
    return FILES[debugger][1].format(path=path(debugger))


def startup_file(debugger: str) -> str:
    """The file that the debugger reads when it starts; it need not exist."""
    home = os.path.expanduser("~")
    if debugger == "lldb":
        return os.path.join(home, ".lldbinit")
    modern = os.path.join(
        os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "gdb", "gdbinit"
    )
    # gdb reads only the first that exists.
    return modern if os.path.exists(modern) else os.path.join(home, ".gdbinit")


def run(arguments: argparse.Namespace) -> int:
    wanted = line(arguments.debugger)
    if not arguments.install:
        print(wanted)
        return 0
    file = arguments.file or startup_file(arguments.debugger)
    try:
        present = ""
        if os.path.exists(file):
            with open(file, encoding="utf-8", errors="surrogateescape") as stream:
                present = stream.read()
        if wanted in present.splitlines():
            print(f"{file} has it already: {wanted}")
            return 0
        with open(file, "a", encoding="utf-8") as stream:
            stream.write(("" if present.endswith("\n") or not present else "\n") + wanted + "\n")
    except OSError as error:
        raise Failure(f"cannot change {file}: {error.strerror}") from None
    print(f"added to {file}: {wanted}")
    return 0
