"""gdbext explains crashes of free-threaded CPython, inside gdb and LLDB and from the command line.

The packages, from the bottom up; each imports only what stands below it: ``model``, ``target``,
``binfmt``, ``cpython``, ``session``, ``diagnosis``, ``wording``, ``reports``, ``commands``,
``backends``, ``engine``, ``tracing``, ``cli``, ``library``.
"""

from __future__ import annotations

__version__ = "0.2.0"
"""The one place of the version: packaging, reports and ``gdbext --version`` read it here."""

LIBRARY = (
    "DebuggerError",
    "Item",
    "Object",
    "Report",
    "Session",
    "Table",
    "attach",
    "open",
    "text_of",
    "triage",
)
"""What ``gdbext.library`` offers here as well, loaded when it is first asked for."""


def __getattr__(name: str) -> object:
    if name in LIBRARY:
        from importlib import import_module

        return getattr(import_module("gdbext.library"), name)
    raise AttributeError(f"module 'gdbext' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *LIBRARY]
