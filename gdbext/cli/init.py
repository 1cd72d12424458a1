"""``gdbext init gdb|lldb``: the line that makes a debugger load gdbext's commands, printed or put
into its start-up file.
"""

from __future__ import annotations

import argparse
import os

from gdbext.backends import registry
from gdbext.cli import parsers
from gdbext.engine import launch
from gdbext.engine.outcome import Failure

EXAMPLES = """\
examples:
  gdbext init gdb              # prints the line
  gdbext init gdb --install    # adds it to the start-up file"""


def parser() -> argparse.ArgumentParser:
    made = parsers.new("init", EXAMPLES)
    made.add_argument("debugger", choices=registry.WITH_PROMPT, help="which debugger")
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
    return os.path.join(launch.ROOT, "gdbext", registry.prompt(debugger).LOADER)


def run(arguments: argparse.Namespace) -> int:
    prompt = registry.prompt(arguments.debugger)
    wanted = prompt.loading(path(arguments.debugger))
    if not arguments.install:
        print(wanted)
        return 0
    file = arguments.file or prompt.startup_file()
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
