"""LLDB at its prompt, with gdbext loaded."""

from __future__ import annotations

import os

from gdbext.backends.lldb.launcher import DEBUG_FOLDERS, QUIET_SETTINGS
from gdbext.backends.programs import Opening, repeated

LOADER = "lldbinit.py"
NOTE = "Scripts beside the program stay off."


def loading(path: str) -> str:
    return f"command script import {path}"


def startup_file() -> str:
    return os.path.join(os.path.expanduser("~"), ".lldbinit")


def arguments(opening: Opening) -> list[str]:
    sysroot, folder = opening.sysroot, opening.debug_folder
    settings = [
        *QUIET_SETTINGS,
        *([f'platform select --sysroot "{sysroot}" remote-linux'] if sysroot else []),
        *([f'settings append {DEBUG_FOLDERS} "{folder}"'] if folder else []),
        f'command script import "{opening.loader}"',
    ]
    triage = ["ft triage"] if opening.is_triaged else []
    return ["-Q", *repeated("-O", settings), *repeated("-o", triage), *opening.target]
