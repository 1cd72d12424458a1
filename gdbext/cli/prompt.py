"""A debugger at its prompt over a core or a process: the program found, ``ft`` loaded, the triage
shown.

The user's own start-up files are read, as always.  Nothing that lies beside the target is loaded,
and no symbol server is asked, so the debugger has no questions before the first prompt.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from gdbext.backends import registry
from gdbext.backends.programs import Opening, Program
from gdbext.cli import compressed, init, parsers
from gdbext.engine import core_target, debuginfod, launch
from gdbext.engine.outcome import USAGE, Failure
from gdbext.reports.sanitize import inert, visible
from gdbext.target.protocol import DebuggerError

EXAMPLES = """\
examples:
  gdbext {name} core.1234
  gdbext {name} core.1234.zst --exe ./python
  gdbext {name} 4711                # a running process; it goes on when you leave the debugger

At the prompt `ft help` lists the commands. {note}"""


def parser(name: str) -> argparse.ArgumentParser:
    made = parsers.new(name, EXAMPLES.format(name=name, note=registry.prompt(name).NOTE))
    made.add_argument("core", metavar="CORE", help="the core file, or the PID of a process")
    parsers.add_program(made)
    parsers.add_symbol_server(made)
    made.add_argument(
        "--no-triage", action="store_true", help="only load the commands, and show nothing"
    )
    return made


def run(name: str, arguments: argparse.Namespace) -> int:
    """The debugger's exit status."""

    def begin(target: Sequence[str], debug_folder: str | None = None) -> int:
        opening = Opening(
            target, init.path(name), arguments.sysroot, debug_folder, not arguments.no_triage
        )
        return converse(debugger, registry.prompt(name).arguments(opening))

    try:
        debugger = launch.find(name)
        if arguments.core.isdecimal() and not os.path.exists(arguments.core):
            if arguments.debuginfod:
                raise Failure("--debuginfod asks for the files of a core, not of a process", USAGE)
            return begin(["-p", arguments.core])
        with compressed.unpacked(arguments.core) as path:
            found = core_target.open_target(path, arguments.exe, arguments.sysroot, arguments.core)
            for warning in found.warnings:
                print(f"gdbext: {inert(visible(warning))}", file=sys.stderr)
            core = [found.executable, "-c", os.path.abspath(found.core)]
            return begin(core, _debug_folder(path, arguments))
    except (launch.LaunchError, compressed.UnpackError, DebuggerError) as error:
        raise Failure(str(error)) from None


def _debug_folder(core: str, arguments: argparse.Namespace) -> str | None:
    """The folder that has what the symbol server sent, if one was named."""

    def say(line: str) -> None:
        print(f"gdbext: {inert(visible(line))}", file=sys.stderr)

    sysroot = os.path.abspath(arguments.sysroot) if arguments.sysroot else None
    request = {"core": core, "sysroot": sysroot, "debuginfod": arguments.debuginfod}
    return debuginfod.with_folder(request, say).get("debug_folder")


def converse(debugger: Program, words: Sequence[str]) -> int:
    """Leave the terminal to the debugger until it ends; Ctrl-C is its own meanwhile."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        command = [*debugger.command, *words]
        return subprocess.call(command, env=launch.plain_environment(debugger))
    except OSError as error:
        raise Failure(f"cannot start {debugger.command[0]}: {error.strerror}") from None
    finally:
        signal.signal(signal.SIGINT, before)
