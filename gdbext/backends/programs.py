"""How a debugger is found and started: what the launchers of ``backends/*/launcher.py`` have in
common.

Nothing here imports a debugger, and only small modules are imported: a debugger's start is most of
the time that ``gdbext triage`` takes.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from typing import NamedTuple, Protocol

UNUSABLE = 71
"""The status of a debugger that cannot be loaded, or cannot open what others may be able to."""


class Program(NamedTuple):
    """A debugger to start: ``command`` is its first words, ``environment`` what it needs beyond
    ours.

    Without a command it is a library, and works in this process.
    """

    name: str
    command: list[str]
    environment: dict[str, str]


class Launcher(Protocol):
    """A module ``backends/NAME/launcher.py``."""

    ATTACHES: bool
    """Whether it can stop and inspect a running process."""
    INSTALL: str
    """How to get it."""
    COST: str
    """What there is not without it, for ``gdbext doctor``."""

    def find(self) -> Program | None:
        """The debugger, if it is here."""

    def command_line(self, program: Program, code: str) -> list[str]:
        """What starts it, with everything of the target's own switched off, and makes its Python
        run ``code``.
        """


class Opening(NamedTuple):
    """What a debugger at its prompt begins with."""

    target: Sequence[str]
    """The words that name it: a program and its core, or a process."""
    loader: str
    """Path of gdbext's file for that debugger."""
    sysroot: str | None = None
    debug_folder: str | None = None
    """A folder that has more debug information, by build id."""
    is_triaged: bool = True
    """Whether the triage is shown at once."""


class Prompt(Protocol):
    """A module ``backends/NAME/prompt.py``: a debugger that a person types into, with the
    ``ft`` commands.
    """

    LOADER: str
    """The file of gdbext that the debugger loads."""
    NOTE: str
    """What is switched off, and how to switch it on; for ``--help``."""

    def loading(self, path: str) -> str:
        """The line of a start-up file that loads the file ``path``."""

    def startup_file(self) -> str:
        """The file that the debugger reads when it starts; it need not exist."""

    def arguments(self, opening: Opening) -> list[str]:
        """The debugger's arguments: settings, gdbext, what to run first, and the target."""


def repeated(option: str, values: Sequence[str]) -> list[str]:
    """The option before each value.

    >>> repeated("-ex", ["bt", "quit"])
    ['-ex', 'bt', '-ex', 'quit']
    """
    return [word for value in values for word in (option, value)]


def explicit(name: str) -> Program | None:
    """The one that the environment names: ``GDBEXT_GDB``, ``GDBEXT_LLDB``."""
    path = os.environ.get(f"GDBEXT_{name.upper()}")
    return Program(name, [path], {}) if path else None


def wheel(name: str, is_direct: bool) -> Program | None:
    """The debugger of a wheel of this environment.

    ``is_direct`` starts it without its Python wrapper, which would cost a second start of Python.
    The wrapper prepares the environment on its first run (it links libpython into the venv); until
    then it is used itself.
    """
    package = PathFinder.find_spec(f"{name}_for_pwndbg")
    wrapper = os.path.join(os.path.dirname(sys.executable), name)
    if package is None or not package.submodule_search_locations:
        return None
    vendor = os.path.join(next(iter(package.submodule_search_locations)), "_vendor")
    binary = os.path.join(vendor, "bin", name)
    environment = {
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": ":".join(library_path()),
        "PYTHONHOME": f"{sys.prefix}:{sys.exec_prefix}",
    }
    if is_direct and os.path.exists(binary) and _has_libpython():
        return Program(
            name, [binary, "--data-directory", os.path.join(vendor, "share", name)], environment
        )
    return Program(name, [sys.executable, "-I", wrapper], {}) if os.path.exists(wrapper) else None


def _has_libpython() -> bool:
    start = f"libpython{sys.version_info[0]}.{sys.version_info[1]}"
    with contextlib.suppress(OSError):
        return sys.prefix == sys.base_prefix or any(
            n.startswith(start) and ".so" in n
            for n in os.listdir(os.path.join(sys.exec_prefix, "lib"))
        )
    return False


def library_path() -> list[str]:
    """This Python's own libraries and site-packages.  Never the current folder, which may be the
    target's.
    """
    homes = tuple(
        os.path.join(os.path.realpath(p), "")
        for p in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    )
    return [p for p in sys.path if p and os.path.realpath(p).startswith(homes)]


def on_path(name: str) -> Program | None:
    import shutil

    found = shutil.which(name)
    return Program(name, [found], {}) if found else None
