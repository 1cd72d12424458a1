"""A core of a process that goes on living."""

from __future__ import annotations

import contextlib
import os
import time

from gdbext.tracing import proc, ptrace
from gdbext.tracing.snapshot import SnapshotError, write_core

STOP_SECONDS = 2.0
POLL_SECONDS = 0.00005


def snapshot(pid: int, path: str) -> None:
    """Stop all threads of the process, copy it to a core, let it go on.

    Raises:
        SnapshotError: when there is no such process, that is not permitted, or no thread could be
            stopped.
    """
    held: dict[int, int] = {}
    try:
        _hold_all(pid, held)
        threads = sorted(held, key=lambda task: (task != pid, task))
        if not threads and not proc.tasks(pid):
            raise SnapshotError(f"there is no process {pid}")
        if not threads:
            raise SnapshotError(f"no thread of process {pid} could be stopped")
        write_core(path, pid, threads)
    finally:
        for task, status in held.items():
            with contextlib.suppress(OSError):
                ptrace.detach(task, 0 if ptrace.event(status) else os.WSTOPSIG(status))


def _hold_all(pid: int, held: dict[int, int]) -> None:
    asked: set[int] = set()
    deadline = time.monotonic() + STOP_SECONDS
    while fresh := [task for task in proc.tasks(pid) if task not in asked]:
        asked.update(fresh)
        for task in fresh:
            try:
                ptrace.seize(task, 0)
                ptrace.interrupt(task)
            except ProcessLookupError:
                continue
            except OSError as error:
                raise SnapshotError(f"cannot stop process {pid}: {error.strerror}") from None
        for task in fresh:
            while task not in held and time.monotonic() < deadline:
                try:
                    found, status = os.waitpid(task, os.WNOHANG | ptrace.WALL)
                except ChildProcessError:
                    break
                if found and os.WIFSTOPPED(status):
                    held[task] = status
                elif found:
                    break
                else:
                    time.sleep(POLL_SECONDS)
