"""Finds gdb and starts it over an untrusted core.

No start-up files, no auto-loaded scripts (``python-gdb.py`` beside the program,
``.debug_gdb_scripts`` in it), no symbol servers.
"""

from __future__ import annotations

from gdbext import user_cache
from gdbext.backends.programs import Program, explicit, on_path, repeated, wheel

ATTACHES = True
INSTALL = "pip install gdb-for-pwndbg (no root needed), or your system's package gdb"
COST = "there are no `ft` commands in gdb; reports are made in another debugger"
QUIET_SETTINGS = ("set auto-load no", "set debuginfod enabled off")
"""What loads nothing of the target's own, and asks nothing."""
SETTINGS = (
    *QUIET_SETTINGS,
    "set confirm off",
    "set pagination off",
    "set width 0",
    "set style enabled off",
)


def find() -> Program | None:
    return explicit("gdb") or wheel("gdb", is_direct=True) or on_path("gdb")


def command_line(program: Program, code: str) -> list[str]:
    # gdb's own index of a program's DWARF, kept by build id: a fifth of the time that opening a
    # core takes.
    index = (
        f"set index-cache directory {user_cache.folder()}/gdb-index",
        "set index-cache enabled on",
    )
    settings = repeated("-iex", [*SETTINGS, *index])
    return [*program.command, "-nx", "-batch", *settings, "-ex", f"python {code}"]
