"""Finds a debugger and starts it, once, with everything of the target's own switched off.

A core is untrusted: no start-up files, no auto-loaded scripts (``python-gdb.py`` beside the
program, ``.debug_gdb_scripts`` in it), no network symbol servers.  Only the small imports of this
module happen before the debugger starts: its start is most of the time that ``gdbext triage``
takes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from typing import Any, NamedTuple

from gdbext import user_cache

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""The folder that has the package ``gdbext``."""
QUIET_GDB_SETTINGS = ("set auto-load no", "set debuginfod enabled off")
"""What loads nothing of the target's own, and asks nothing."""
GDB_SETTINGS = (
    *QUIET_GDB_SETTINGS,
    "set confirm off",
    "set pagination off",
    "set width 0",
    "set style enabled off",
)
QUIET_LLDB_SETTINGS = (
    "settings set target.load-script-from-symbol-file false",
    "settings set target.load-cwd-lldbinit false",
)
LLDB_SETTINGS = (
    *QUIET_LLDB_SETTINGS,
    "settings set auto-confirm true",
    "settings set use-color false",
)
NAMES = ("gdb", "lldb")


class LaunchError(Exception):
    """No debugger could do the job; the message says which was tried and what to do."""


class Debugger(NamedTuple):
    """A debugger to start: ``command`` is its first words, ``environment`` what it needs beyond
    ours.
    """

    name: str
    command: list[str]
    environment: dict[str, str]


def find(name: str = "auto") -> Debugger:
    """The debugger of that name; ``auto`` takes gdb, else lldb.

    ``GDBEXT_GDB`` and ``GDBEXT_LLDB`` name one explicitly; then comes the wheel of this
    environment, then PATH.

    Raises:
        LaunchError: if there is none.
    """
    for each in NAMES if name == "auto" else (name,):
        if found := _explicit(each) or _wheel(each) or _on_path(each):
            return found
    if name == "auto":
        raise LaunchError(
            "no gdb and no lldb here; install one: pip install 'gdbext[debuggers]', "
            "or your system's package gdb"
        )
    raise LaunchError(
        f"no {name} here; install it: pip install {name}-for-pwndbg, or your system's package "
        f"{name}"
    )


def _explicit(name: str) -> Debugger | None:
    path = os.environ.get(f"GDBEXT_{name.upper()}")
    return Debugger(name, [path], {}) if path else None


def _wheel(name: str) -> Debugger | None:
    """The debugger of a wheel of this environment, started without its Python wrapper, which would
    cost a second start of Python.

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
        "PYTHONPATH": ":".join(_library_path()),
        "PYTHONHOME": f"{sys.prefix}:{sys.exec_prefix}",
    }
    # The wrapper of lldb looks libpython up in its own way each time.
    if name == "gdb" and os.path.exists(binary) and _has_libpython():
        return Debugger(
            name, [binary, "--data-directory", os.path.join(vendor, "share", "gdb")], environment
        )
    return Debugger(name, [sys.executable, "-I", wrapper], {}) if os.path.exists(wrapper) else None


def _has_libpython() -> bool:
    start = f"libpython{sys.version_info[0]}.{sys.version_info[1]}"
    with contextlib.suppress(OSError):
        return sys.prefix == sys.base_prefix or any(
            n.startswith(start) and ".so" in n
            for n in os.listdir(os.path.join(sys.exec_prefix, "lib"))
        )
    return False


def _library_path() -> list[str]:
    """This Python's own libraries and site-packages.

    Never the current folder, which may be the target's.
    """
    homes = tuple(
        os.path.join(os.path.realpath(p), "")
        for p in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    )
    return [p for p in sys.path if p and os.path.realpath(p).startswith(homes)]


def _on_path(name: str) -> Debugger | None:
    import shutil

    found = shutil.which(name)
    return Debugger(name, [found], {}) if found else None


def command_line(debugger: Debugger) -> list[str]:
    """The whole command; the work itself is ``inside.main``, which reads the request from the
    environment.
    """
    code = (
        f"import sys; sys.path.insert(0, {ROOT!r}); import gdbext.engine.inside as inside; "
        "inside.main()"
    )
    if debugger.name == "gdb":
        # gdb's own index of a program's DWARF, kept by build id: a fifth of the time that opening a
        # core takes.
        index = (
            f"set index-cache directory {user_cache.folder()}/gdb-index",
            "set index-cache enabled on",
        )
        settings = [word for setting in (*GDB_SETTINGS, *index) for word in ("-iex", setting)]
        return [*debugger.command, "-nx", "-batch", *settings, "-ex", f"python {code}"]
    settings = [word for setting in LLDB_SETTINGS for word in ("-O", setting)]
    return [*debugger.command, "--no-lldbinit", "--batch", *settings, "-o", f"script {code}"]


def plain_environment(debugger: Debugger) -> dict[str, str]:
    """Our environment for the debugger: our own PYTHON… settings are not meant for its Python."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k != "DEBUGINFOD_URLS"
    }
    return {**kept, **debugger.environment}


def environment(debugger: Debugger, request: dict[str, Any]) -> dict[str, str]:
    """The same, with what ``inside`` is to do."""
    import json

    return {
        **plain_environment(debugger),
        "GDBEXT_REQUEST": json.dumps({**request, "debugger": debugger.name}),
    }


class Result(NamedTuple):
    """``code`` is inside's exit code; ``noise`` the end of what the debugger itself printed."""

    code: int
    noise: str


def run(debugger: Debugger, request: dict[str, Any], timeout: float) -> Result:
    """Start the debugger, wait for it, and tell how it ended.

    What inside writes to ``stdout`` and ``stderr`` are ours; what the debugger prints goes to a
    file nobody sees unless it fails.

    Raises:
        LaunchError: when it cannot be started, or does not end within ``timeout`` seconds (it is
        killed then).
    """
    with _inherited(1) as stdout, _inherited(2) as stderr, _scratch() as noise:
        request = {
            **request,
            "stdout": stdout,
            "stderr": stderr,
            "encoding": sys.stdout.encoding or "utf-8",
        }
        command = command_line(debugger)
        nothing = os.open(os.devnull, os.O_RDONLY)
        actions = [
            (os.POSIX_SPAWN_DUP2, nothing, 0),
            (os.POSIX_SPAWN_DUP2, noise, 1),
            (os.POSIX_SPAWN_DUP2, noise, 2),
        ]
        try:
            pid = os.posix_spawn(
                command[0], command, environment(debugger, request), file_actions=actions
            )
        except OSError as error:
            raise LaunchError(f"cannot start {command[0]}: {error.strerror}") from None
        finally:
            os.close(nothing)
        status = _wait(pid, timeout)
        code = os.waitstatus_to_exitcode(status) if status is not None else None
        size = os.lseek(noise, 0, os.SEEK_END)
        said = os.pread(noise, 2000, max(size - 2000, 0)).decode(errors="replace").strip()
    if code is None:
        raise LaunchError(
            f"{debugger.name} did not finish within {timeout:g} s, and was stopped; a longer time: "
            "--timeout S"
        )
    return Result(code, said)


def _wait(pid: int, timeout: float) -> int | None:
    """The wait status, or None when the time was up and the process was killed."""

    def ring(_number: int, _frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, timeout)
    try:
        return os.waitpid(pid, 0)[1]
    except BaseException as error:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        if isinstance(error, TimeoutError):
            return None
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _inherited(descriptor: int) -> Iterator[int]:
    """A duplicate that the debugger inherits."""
    copy = os.dup(descriptor)
    os.set_inheritable(copy, True)
    try:
        yield copy
    finally:
        os.close(copy)


@contextlib.contextmanager
def _scratch() -> Iterator[int]:
    descriptor = (
        os.memfd_create("gdbext")
        if hasattr(os, "memfd_create")
        else os.open("/tmp", os.O_TMPFILE | os.O_RDWR)
    )
    try:
        yield descriptor
    finally:
        os.close(descriptor)
