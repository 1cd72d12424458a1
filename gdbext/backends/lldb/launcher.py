"""Finds LLDB and starts it over an untrusted core: no start-up files, no scripts out of the
target's folders.
"""

from __future__ import annotations

from gdbext.backends.programs import Program, explicit, on_path, repeated, wheel

ATTACHES = True
INSTALL = "pip install lldb-for-pwndbg (no root needed), or your system's package lldb"
COST = "there are no `ft` commands in LLDB"
QUIET_SETTINGS = (
    "settings set target.load-script-from-symbol-file false",
    "settings set target.load-cwd-lldbinit false",
)
"""What loads nothing of the target's own, and asks nothing."""
DEBUG_FOLDERS = "target.debug-file-search-paths"
"""LLDB's setting of the folders that it searches for debug information."""
SETTINGS = (
    *QUIET_SETTINGS,
    "settings set auto-confirm true",
    "settings set use-color false",
)


def find() -> Program | None:
    # The wheel's wrapper looks libpython up in its own way each time.
    return explicit("lldb") or wheel("lldb", is_direct=False) or on_path("lldb")


def command_line(program: Program, code: str) -> list[str]:
    settings = repeated("-O", SETTINGS)
    return [*program.command, "--no-lldbinit", "--batch", *settings, "-o", f"script {code}"]
