"""drgn as a library of this Python: nothing is started."""

from __future__ import annotations

from importlib.machinery import PathFinder

from gdbext.backends.programs import Program

ATTACHES = False
INSTALL = "pip install 'gdbext[drgn]'"
COST = "reports on cores are made in a debugger's own process, which takes longer"


def find() -> Program | None:
    return Program("drgn", [], {}) if PathFinder.find_spec("_drgn") else None


def command_line(program: Program, code: str) -> list[str]:
    return program.command
