"""Finds a debugger and lets it work, once, in a process of its own, with everything of the target's
own switched off.

A debugger that is a library works in a copy of this process: a core that makes it crash or hang
costs no more than that.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from gdbext.backends import registry
from gdbext.backends.programs import Program, explicit

FAILED = 70
"""The status of a copy of this process that could not even begin."""
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""The folder that has the package ``gdbext``."""
NAMES = registry.NAMES
DEFAULT = f"default: for cores {NAMES[0]} if it is here, else {', else '.join(NAMES[1:])}"
"""What ``--debugger`` is where it is not given."""
INSTALL = "pip install 'gdbext[drgn]' or 'gdbext[debuggers]', or your system's package gdb"


class LaunchError(Exception):
    """No debugger could do the job; the message says which was tried and what to do."""


def find(name: str = "auto", *, live: bool = False) -> Program:
    """The debugger of that name; for ``auto`` the first of :func:`candidates`.

    Raises:
        LaunchError: if there is none.
    """
    return candidates(name, live=live)[0]


def candidates(name: str = "auto", *, live: bool = False) -> list[Program]:
    """The debuggers to try, the best first: the one that is named, or for ``auto`` all that are
    here.

    ``live`` is for a running process, which not all can inspect.  ``GDBEXT_GDB`` and
    ``GDBEXT_LLDB`` name a debugger's file; ``auto`` then means that debugger alone.  Else the wheel
    of this environment comes first, then PATH.

    Raises:
        LaunchError: if there is none.
    """
    if name != "auto":
        found = registry.launcher(name).find()
        if found is None:
            raise LaunchError(f"no {name} here; install it: {registry.launcher(name).INSTALL}")
        return [found]
    named = [program for each in NAMES if (program := explicit(each))]
    usable = [
        program
        for each in NAMES
        if (registry.launcher(each).ATTACHES or not live)
        and (program := registry.launcher(each).find())
    ]
    if not named and not usable:
        raise LaunchError(f"no {', no '.join(NAMES)} here; install one: {INSTALL}")
    return named or usable


def lack(chosen: Program) -> str | None:
    """Why a debugger was chosen that is not the best for cores; None if it is, or was named."""
    best = registry.launcher(NAMES[0])
    if chosen.name == NAMES[0] or explicit(chosen.name) or best.find():
        return None
    return (
        f"{NAMES[0]} is not installed ({best.INSTALL}); {chosen.name} is used, which takes longer"
    )


def others(debugger: Program) -> list[str]:
    """The names of the other debuggers that are here."""
    return [
        name
        for name in NAMES
        if name != debugger.name and registry.launcher(name).find() is not None
    ]


def command_line(debugger: Program) -> list[str]:
    """The whole command; the work itself is ``inside.main``, which reads the request from the
    environment.
    """
    code = (
        f"import sys; sys.path.insert(0, {ROOT!r}); import gdbext.engine.inside as inside; "
        "inside.main()"
    )
    return registry.launcher(debugger.name).command_line(debugger, code)


def plain_environment(debugger: Program) -> dict[str, str]:
    """Our environment for the debugger: our own PYTHON… settings are not meant for its Python."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k != "DEBUGINFOD_URLS"
    }
    return {**kept, **debugger.environment}


def environment(debugger: Program, request: dict[str, Any]) -> dict[str, str]:
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


def run(debugger: Program, request: dict[str, Any], timeout: float) -> Result:
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
        start = _spawn if debugger.command else _fork
        pid = start(debugger, request, noise)
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


def _spawn(debugger: Program, request: dict[str, Any], noise: int) -> int:
    """Start the debugger; returns its pid."""
    command = command_line(debugger)
    nothing = os.open(os.devnull, os.O_RDONLY)
    actions = [
        (os.POSIX_SPAWN_DUP2, nothing, 0),
        (os.POSIX_SPAWN_DUP2, noise, 1),
        (os.POSIX_SPAWN_DUP2, noise, 2),
    ]
    try:
        return os.posix_spawn(
            command[0], command, environment(debugger, request), file_actions=actions
        )
    except OSError as error:
        raise LaunchError(f"cannot start {command[0]}: {error.strerror}") from None
    finally:
        os.close(nothing)


def _fork(debugger: Program, request: dict[str, Any], noise: int) -> int:
    """Let a copy of this process do the debugger's work; returns its pid."""
    from gdbext.engine import inside

    sys.stdout.flush()
    sys.stderr.flush()
    if pid := os.fork():
        return pid
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGALRM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for descriptor, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, noise), (2, noise)):
            os.dup2(source, descriptor)
        inside.answer({**request, "debugger": debugger.name})
    finally:
        os._exit(FAILED)


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
