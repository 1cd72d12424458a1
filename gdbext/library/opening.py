"""The three ways in: a report on a core, a core to look around in, a running process."""

from __future__ import annotations

import os
from contextlib import ExitStack
from tempfile import TemporaryDirectory

from gdbext.backends import registry
from gdbext.cli import compressed
from gdbext.engine import core_target
from gdbext.library.report import Report
from gdbext.library.session import Session
from gdbext.target.protocol import DebuggerError
from gdbext.tracing import live
from gdbext.tracing.snapshot import SnapshotError

ENGINE = registry.NAMES[0]
"""The debugger that is a library."""
Path = str | os.PathLike[str]


def triage(core: Path, *, exe: Path | None = None, sysroot: Path | None = None) -> Report:
    """Diagnose a core.

    ``exe`` is the program that made it, where it cannot be found from the core; ``sysroot`` a
    folder that stands for ``/`` of the machine where it crashed.  Cores compressed with zstd, gzip,
    xz or lz4 are read as they are.

    >>> triage("core.1234")                                     # doctest: +SKIP
    <Report FT101 proven: stale container item: repr(list) uses a types.UnionType that was freed>

    Raises:
        DebuggerError: when there is nothing to diagnose; the message says what to try.
    """
    with open(core, exe=exe, sysroot=sysroot) as session:
        return session.report


def open(core: Path, *, exe: Path | None = None, sysroot: Path | None = None) -> Session:
    """Open a core to look around in; the arguments are those of :func:`triage`.

    >>> with open("core.1234") as session:                      # doctest: +SKIP
    ...     print(session.threads)

    Raises:
        DebuggerError: when it cannot be opened; the message says what to try.
    """
    kept = ExitStack()
    try:
        with kept:
            path = kept.enter_context(compressed.unpacked(os.fspath(core)))
            return _session(path, kept.pop_all(), os.fspath(core), exe, sysroot)
    except compressed.UnpackError as error:
        raise DebuggerError(str(error)) from None


def attach(pid: int) -> Session:
    """Look around in a running process, as it is now.

    It is stopped only while its memory is copied, some hundredths of a second, and goes on; what
    the session shows is the copy.

    >>> with attach(4711) as session:                           # doctest: +SKIP
    ...     print(session.locks)

    Raises:
        DebuggerError: when it may not be stopped, or is not CPython.
    """
    with ExitStack() as kept:
        core = os.path.join(kept.enter_context(TemporaryDirectory(prefix="gdbext-")), "core")
        try:
            live.snapshot(pid, core)
        except (SnapshotError, OSError) as error:
            raise DebuggerError(str(error)) from None
        return _session(core, kept.pop_all(), None, None, None, pid)


def _session(
    core: str,
    kept: ExitStack,
    shown: str | None,
    exe: Path | None,
    sysroot: Path | None,
    pid: int | None = None,
) -> Session:
    """``kept`` holds what must not be deleted before the session is closed."""
    with kept:
        launcher = registry.launcher(ENGINE)
        if launcher.find() is None:
            raise DebuggerError(f"the library needs {ENGINE}: {launcher.INSTALL}")
        root = os.fspath(sysroot) if sysroot is not None else None
        program = os.fspath(exe) if exe is not None else None
        found = core_target.open_target(core, program, root, shown)
        debugger = registry.adapter(ENGINE).open_core(found.executable, found.core, root)
        request = {"core": core, "shown": shown, "live": pid}
        return Session(debugger, request, found.warnings, kept.pop_all())
