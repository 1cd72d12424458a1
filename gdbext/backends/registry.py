"""The debuggers, by name.  A new one is a folder beside this file, and its name here."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from gdbext.backends.programs import Launcher
    from gdbext.target.protocol import Backend

NAMES = ("drgn", "gdb", "lldb")
"""The best for cores first."""


def launcher(name: str) -> Launcher:
    """How the debugger is found and started."""
    return cast("Launcher", importlib.import_module(f"gdbext.backends.{name}.launcher"))


def adapter(name: str) -> Backend:
    """The adapter, to be imported where the debugger is: in its own Python, or in this one."""
    return cast("Backend", importlib.import_module(f"gdbext.backends.{name}.adapter"))
