"""Follows a command and all its descendants, and takes a core of each that is about to die.

A process runs free until a signal is on its way to it.  One that will kill it stops only the
receiving thread; the others are interrupted at once, the core is written, and everything goes on as
it would have.

A handler may be in the way: pytest switches ``faulthandler`` on, which catches SIGSEGV, prints,
puts the default action back and raises it again.  By then other threads have gone on and the
evidence may be gone.  So in a Python process the core is taken when the fault happens, and used
when the same thread then dies of the same signal; a fault that the program survives costs a few of
those cores and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gdbext.tracing import proc, ptrace
from gdbext.tracing.scratch import Scratch
from gdbext.tracing.snapshot import SnapshotError, StopReason, write_core

DEADLY = frozenset(
    int(getattr(signal, name))
    for name in ("SIGSEGV", "SIGBUS", "SIGABRT", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS")
)
CHILD = int(signal.SIGCHLD)
FREEZE_SECONDS = 2.0
"""How long threads get to stop; one that sleeps uninterruptibly is left out of the core."""
POLL_SECONDS = 0.00005
CAUGHT_FAULTS = 3
"""Cores that are taken of one process for faults that it catches."""
DEBUGGERS = frozenset({"gdb", "gdbserver", "lldb", "lldb-server", "strace", "ltrace", "rr"})
"""Programs that trace others.  They are let go, for a process has one tracer at most."""


class StoppedProcess(NamedTuple):
    """A process that died, or with ``number`` 0 hangs.

    ``core`` is None where ``problem`` says why there is none.  ``over_time`` are the seconds that
    one that hangs was given.

    ``is_asked``: nothing happened to it, the user wants to know what it is doing.
    """

    pid: int
    name: str
    command: str
    number: int
    core: str | None
    problem: str | None = None
    is_asked: bool = False
    over_time: float | None = None


class _Early(NamedTuple):
    """A core of the moment a fault happened that the program has a handler for."""

    number: int
    core: str
    name: str
    command: str


class Tracer:
    """Follows tasks.  Feed it with :meth:`drain`, whenever SIGCHLD says that there is something.

    ``scratch`` is where cores go.  ``crashed`` is called for each death, the process still stopped
    at it; ``signalled`` for every signal that reaches a process, with (task, signal, sender);
    ``stopped`` when a task enters a job-control stop. ``ended`` is called with (task, wait status).
    """

    def __init__(
        self,
        scratch: Scratch,
        crashed: Callable[[StoppedProcess], None],
        ended: Callable[[int, int], None],
        signalled: Callable[[int, int, int | None], None] = lambda task, number, sender: None,
        stopped: Callable[[int, int], None] = lambda task, number: None,
        limit: int = 16,
    ) -> None:
        self._scratch = scratch
        self._numbers = itertools.count(1)
        self._crashed = crashed
        self._ended = ended
        self._signalled = signalled
        self._stopped_by_job_control = stopped
        self._left = limit
        self._tasks: set[int] = set()
        self._early: dict[int, dict[int, _Early]] = {}
        self._caught: dict[int, int] = {}
        self._calm: set[int] = set()
        """Tasks whose process catches its faults, and has had enough cores of them."""
        self._doomed: set[int] = set()
        self._later: deque[tuple[int, int]] = deque()
        self._pausing: set[int] = set()
        """Tasks that were asked to stop for a pause and have not done so yet."""
        self._paused: dict[int, int] = {}
        """Wait status of each task that is in a pause."""

    def follow(self, task: int) -> None:
        """Begin with this process; it may be stopped or running.

        Raises:
            OSError: when the system does not permit it.
        """
        ptrace.seize(task)
        self._tasks.add(task)

    @property
    def processes(self) -> list[int]:
        """The processes that are being followed."""
        return sorted(
            task
            for task in self._tasks
            if proc.process_of(task) == task and os.path.exists(f"/proc/{task}")
        )

    def drain(self) -> None:
        """Handle all that has happened, without waiting."""
        while True:
            if self._later:
                task, status = self._later.popleft()
            else:
                try:
                    task, status = os.waitpid(-1, os.WNOHANG | ptrace.WALL)
                except ChildProcessError:
                    return
                if task == 0:
                    return
            self.handle(task, status)

    def handle(self, task: int, status: int) -> None:
        """Handle one wait status."""
        if not os.WIFSTOPPED(status):
            self._gone(task, status)
            return
        self._tasks.add(task)
        number = os.WSTOPSIG(status)
        try:
            if ptrace.is_job_stop(status):
                ptrace.listen(task)
                self._stopped_by_job_control(task, number)
            elif ptrace.event(status) == ptrace.EVENT_STOP and task in self._pausing:
                self._pausing.discard(task)
                self._paused[task] = status
            elif ptrace.event(status):
                if ptrace.event(status) == ptrace.EVENT_EXEC and self._executed(task):
                    return
                ptrace.resume(task)
            else:
                if number in DEADLY:
                    self._deadly(task, number)
                elif number != CHILD:
                    self._signalled(task, number, ptrace.signal_info(task).sender)
                ptrace.resume(task, number)
        except ProcessLookupError:
            pass  # killed while it was stopped; its end comes as a status of its own

    def release(self, task: int, status: int) -> None:
        """Instead of :meth:`handle`, when nothing is to be followed any more: let the task go on
        for good.
        """
        if os.WIFSTOPPED(status):
            with contextlib.suppress(OSError):
                ptrace.detach(task, 0 if ptrace.event(status) else os.WSTOPSIG(status))
        self._tasks.discard(task)

    def release_all(self) -> None:
        """Let everything that is stopped go on for good; what runs is released at its next stop.

        A fault that was on its way is lost with that, and happens again at once, with nobody in
        between.
        """
        for task, status in self._later:
            self.release(task, status)
        self._later.clear()
        for task in tuple(self._tasks):
            with contextlib.suppress(OSError):
                ptrace.detach(task)

    def pause(self, choose: Callable[[Sequence[int]], int]) -> int | None:
        """Stop one thread of a process that has several; it stays so until :meth:`end_pause`.

        ``choose`` picks the task, which is returned; None where there is none to pick.
        """
        idle = self._pausing | self._paused.keys()
        tasks = sorted(t for t in self._tasks - idle if len(proc.tasks(t)) > 1)
        if not tasks:
            return None
        task = choose(tasks)
        try:
            ptrace.interrupt(task)
        except OSError:
            return None
        self._pausing.add(task)
        return task

    def end_pause(self, task: int) -> None:
        """Let a paused task go on; nothing happens to one that goes on already."""
        self._pausing.discard(task)
        if self._paused.pop(task, None) is not None:
            with contextlib.suppress(OSError):
                ptrace.resume(task)

    def look(self, pid: int, is_asked: bool, over_time: float | None = None) -> None:
        """Take a core of a process that hangs, or that the user asks for; it goes on afterwards."""
        held = self._freeze(pid)
        threads = sorted((task for task, _ in held), key=lambda task: (task != pid, task))
        core, problem = (
            self._write(pid, threads, StopReason())
            if threads
            else (None, "none of its threads could be stopped")
        )
        if core and is_asked:
            self._left += 1  # however often the user asks, crashes have theirs
        self._crashed(
            StoppedProcess(
                pid,
                proc.name(pid),
                proc.command(pid),
                0,
                core,
                problem,
                is_asked,
                over_time,
            )
        )
        self._thaw(held)

    # --- the end of a process -------------------------------------------------------------------

    def _deadly(self, task: int, number: int) -> None:
        """A signal that may kill is on its way to ``task``: take a core if it will, or might."""
        info = ptrace.signal_info(task)
        # Its own fault or abort, not a signal from elsewhere: each microsecond that the other
        # threads go on costs evidence, so they are stopped first and everything else is found out
        # then.
        at_once = task not in self._calm and (info.code > 0 or proc.has_task(task, info.sender))
        held = self._freeze(task, task) if at_once else []
        pid = proc.process_of(task)
        try:
            fields = proc.status(task)
            if pid in self._doomed or proc.ignores(fields, number):
                return
            if proc.catches(fields, number):
                if at_once:
                    self._remember(pid, task, StopReason(number, info.raw), held)
                return
            self._doomed.add(pid)
            early = self._early.get(pid, {}).get(task)
            if early is not None and early.number == number:
                self._crashed(self._of_early(pid, task))
            else:
                held = held or self._freeze(pid, task)
                threads = [task, *(t for t, _ in held)]
                core, problem = self._write(pid, threads, StopReason(number, info.raw))
                self._crashed(
                    StoppedProcess(pid, proc.name(pid), proc.command(pid), number, core, problem)
                )
        finally:
            self._thaw(held)

    def _remember(
        self, pid: int, task: int, death: StopReason, held: list[tuple[int, int]]
    ) -> None:
        if self._caught.get(pid, 0) >= CAUGHT_FAULTS or not proc.is_python(pid):
            self._calm.add(task)
            return
        self._caught[pid] = self._caught.get(pid, 0) + 1
        core, _ = self._write(pid, [task, *(t for t, _ in held)], death)
        if core is not None:
            early = _Early(death.number, core, proc.name(pid), proc.command(pid))
            self._early.setdefault(pid, {})[task] = early

    def _write(
        self, pid: int, threads: list[int], death: StopReason
    ) -> tuple[str | None, str | None]:
        """(path of the core, None), or (None, why there is none)."""
        if self._left <= 0:
            return None, "enough cores were taken of this command already"
        folder = self._scratch.path
        room = os.statvfs(folder)
        if proc.resident_bytes(pid) > room.f_bavail * room.f_frsize // 2:
            return None, f"its memory does not fit into {folder}; set TMPDIR"
        path = os.path.join(folder, f"core.{pid}.{next(self._numbers)}")
        self._left -= 1
        try:
            write_core(path, pid, threads, death)
        except (SnapshotError, ProcessLookupError) as error:
            return None, str(error)
        return path, None

    def _of_early(self, pid: int, task: int) -> StoppedProcess:
        """The crash whose core was taken when its fault was caught; by now the process
        may be gone.
        """
        early = self._early[pid].pop(task)
        return StoppedProcess(pid, early.name, early.command, early.number, early.core)

    def _gone(self, task: int, status: int) -> None:
        if os.WIFSIGNALED(status) and task not in self._doomed:
            # Two threads that fault at once may end a process with neither of them stopping again.
            number = os.WTERMSIG(status)
            early = self._early.get(task, {})
            if (
                died := next((t for t, e in early.items() if e.number == number), None)
            ) is not None:
                self._crashed(self._of_early(task, died))
        self._tasks.discard(task)
        self._calm.discard(task)
        self._pausing.discard(task)
        self._paused.pop(task, None)
        self._forget(task)
        self._ended(task, status)

    def _forget(self, pid: int) -> None:
        for early in self._early.pop(pid, {}).values():
            os.unlink(early.core)
            self._left += 1
        self._caught.pop(pid, None)
        self._doomed.discard(pid)

    def _executed(self, pid: int) -> bool:
        """The process runs another program now; True when it was let go."""
        self._forget(pid)
        self._tasks.discard(ptrace.event_message(pid))
        self._tasks.add(pid)
        words = proc.command(pid).split(" ")[:2]
        if any(os.path.basename(word) in DEBUGGERS for word in words):
            ptrace.detach(pid)
            self._tasks.discard(pid)
            return True
        return False

    # --- all threads of a process ---------------------------------------------------------------

    def _freeze(self, pid: int, first: int | None = None) -> list[tuple[int, int]]:
        """Stop all threads of a process but ``first``, which is stopped already: (task, wait
        status) of each that did stop.

        Any thread's id will do for ``pid``.
        """
        # What is in a pause is stopped already, and goes on with the others.
        self._later.extend(self._paused.items())
        self._paused.clear()
        self._pausing.clear()
        held: list[tuple[int, int]] = []
        asked = {first}
        deadline = time.monotonic() + FREEZE_SECONDS
        # A thread may have been starting another meanwhile.
        while fresh := [task for task in proc.tasks(pid) if task not in asked]:
            for task in fresh:
                with contextlib.suppress(OSError):  # ending, or not ours
                    ptrace.interrupt(task)
            asked.update(fresh)
            # What was stopped before and has not had its turn yet is not reported again.
            held += [entry for entry in self._later if entry[0] in fresh]
            self._later = deque(entry for entry in self._later if entry[0] not in fresh)
            for task in fresh:
                if (
                    not any(task == entry[0] for entry in held)
                    and (status := self._await_stop(task, deadline)) is not None
                ):
                    held.append((task, status))
        return held

    def _await_stop(self, task: int, deadline: float) -> int | None:
        while True:
            try:
                found, status = os.waitpid(task, os.WNOHANG | ptrace.WALL)
            except ChildProcessError:
                return None
            if found:
                if os.WIFSTOPPED(status):
                    self._tasks.add(task)
                    return status
                self._gone(task, status)
                return None
            if time.monotonic() > deadline:
                return None
            time.sleep(POLL_SECONDS)

    def _thaw(self, held: list[tuple[int, int]]) -> None:
        """Let the threads go on: what stopped them, other than we, is handled in its turn."""
        self._later.extend(held)
