"""gdb at its prompt, with gdbext loaded."""

from __future__ import annotations

import os

from gdbext.backends.gdb.launcher import QUIET_SETTINGS
from gdbext.backends.programs import Opening, repeated

LOADER = "gdbinit.py"
NOTE = (
    "Symbol servers and python-gdb.py stay off: `set debuginfod\n"
    "enabled on` and `source FILE` switch them on."
)


def loading(path: str) -> str:
    return f"source {path}"


def startup_file() -> str:
    home = os.path.expanduser("~")
    modern = os.path.join(
        os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "gdb", "gdbinit"
    )
    # gdb reads only the first that exists.
    return modern if os.path.exists(modern) else os.path.join(home, ".gdbinit")


def arguments(opening: Opening) -> list[str]:
    adapter = "python import gdbext.backends.gdb.adapter as adapter; adapter"
    folder = opening.debug_folder
    root = [f"set sysroot {opening.sysroot}"] if opening.sysroot else []
    libraries = [f"{adapter}.find_libraries()"] if opening.sysroot else []
    triage = ["with pagination off -- ft triage"] if opening.is_triaged else []
    return [
        "-q",
        *repeated("-iex", [*QUIET_SETTINGS, *root]),
        *("-ix", opening.loader),
        *repeated("-iex", [f"{adapter}.add_debug_folder({folder!r})"] if folder else []),
        *repeated("-ex", [*libraries, *triage]),
        *opening.target,
    ]
