"""The debuggers, by name.  A new one is a folder beside this file, its name and modules here."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from gdbext.backends.drgn import adapter as drgn
    from gdbext.backends.drgn import launcher as drgn_launcher
    from gdbext.backends.gdb import adapter as gdb
    from gdbext.backends.gdb import launcher as gdb_launcher
    from gdbext.backends.gdb import prompt as gdb_prompt
    from gdbext.backends.lldb import adapter as lldb
    from gdbext.backends.lldb import launcher as lldb_launcher
    from gdbext.backends.lldb import prompt as lldb_prompt
    from gdbext.backends.programs import Launcher, Prompt
    from gdbext.target.protocol import Backend

NAMES = ("drgn", "gdb", "lldb")
"""The best for cores first."""
WITH_PROMPT = ("gdb", "lldb")
"""Those that a person types into."""
if TYPE_CHECKING:
    # For mypy: each keeps to the protocols.
    LAUNCHERS: tuple[Launcher, ...] = (drgn_launcher, gdb_launcher, lldb_launcher)
    ADAPTERS: tuple[Backend, ...] = (drgn, gdb, lldb)
    PROMPTS: tuple[Prompt, ...] = (gdb_prompt, lldb_prompt)


def launcher(name: str) -> Launcher:
    """How the debugger is found and started."""
    return cast("Launcher", importlib.import_module(f"gdbext.backends.{name}.launcher"))


def prompt(name: str) -> Prompt:
    """The debugger at its prompt; one of :data:`WITH_PROMPT`."""
    return cast("Prompt", importlib.import_module(f"gdbext.backends.{name}.prompt"))


def adapter(name: str) -> Backend:
    """The adapter, to be imported where the debugger is: in its own Python, or in this one."""
    return cast("Backend", importlib.import_module(f"gdbext.backends.{name}.adapter"))
