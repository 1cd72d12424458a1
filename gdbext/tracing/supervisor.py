"""Runs one command: in our place among processes, traced, with the signals that are meant for it,
and perhaps a time limit.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from gdbext.tracing import kernel_cores, proc, ptrace
from gdbext.tracing.diagnoses import Diagnoses, RunOptions, say
from gdbext.tracing.relay import Relay
from gdbext.tracing.scratch import Scratch
from gdbext.tracing.tracer import DEADLY, StoppedProcess, Tracer

if TYPE_CHECKING:
    from gdbext.tracing.pauses import Pauses

KILL_AFTER = 10.0
"""Seconds from SIGTERM to SIGKILL for a command that is over its time."""
NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit statuses of a command that cannot be started, as a shell has them."""
AWAITED = tuple(
    sorted(int(number) for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
)
"""Plain numbers: they are gone through at each wait, and an enum's members cost a multiple."""
CHILD = int(signal.SIGCHLD)
LEAVE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def supervise(
    command: list[str], options: RunOptions, timeout: float | None = None, with_pauses: bool = False
) -> int:
    """Run the command to its end, tell what died in it, and return its exit status, 128+N for
    signal N.

    ``with_pauses``: its threads are stopped at random, one at a time, for a few milliseconds.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    with Scratch() as scratch:
        diagnoses = Diagnoses(options, scratch, mask)
        status = _Supervisor(command, diagnoses, scratch, mask, timeout, with_pauses).run()
        try:
            diagnoses.tell()
            sys.stderr.flush()
        except OSError:
            # Nobody reads our stderr any more; Python must not fail at exit over what is left in
            # its buffer.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


class _Supervisor:
    def __init__(
        self,
        command: list[str],
        diagnoses: Diagnoses,
        scratch: Scratch,
        mask: set[int],
        timeout: float | None,
        with_pauses: bool,
    ) -> None:
        self._command = command
        self._diagnoses = diagnoses
        self._mask = mask
        self._timeout = timeout
        self._tracer = Tracer(scratch, diagnoses.start, self._ended, self._signalled, self._stopped)
        self._pauses: Pauses | None = None
        if with_pauses:
            from gdbext.tracing.pauses import Pauses

            self._pauses = Pauses(self._tracer)
        self._main = 0
        self._status: int | None = None
        self._refused: str | None = None
        self._stop_self = False

    def run(self) -> int:
        """The wait status of the command."""
        started = time.time()
        self._start()
        self._relay = Relay(self._main, proc.process_of, self._asked)
        try:
            self._follow()
        except Exception as error:  # A defect of ours must not cost the command its life.
            say(
                f"internal error, the command goes on without gdbext: {type(error).__name__}: "
                f"{error}"
            )
            self._let_go()
        assert self._status is not None
        if self._refused and os.WIFSIGNALED(self._status) and os.WTERMSIG(self._status) in DEADLY:
            self._look_for_core(os.WTERMSIG(self._status), started)
        while self._diagnoses.pending:
            info = _next_signal(1.0)
            if info is not None and info.si_signo in LEAVE:
                self._diagnoses.cancel()
            self._tracer.drain()
        return self._status

    def _start(self) -> None:
        read, write = os.pipe()
        self._main = os.fork()
        if self._main == 0:
            os.close(write)
            _become(self._command, self._mask, os.read(read, 1) == b"t")
        os.close(read)
        try:
            self._tracer.follow(self._main)
        except OSError as error:
            self._refused = _why_refused(error)
        # Whoever wakes late misses what the other threads do after a fault.
        with contextlib.suppress(OSError, AttributeError):
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        os.write(write, b"f" if self._refused else b"t")
        os.close(write)

    def _follow(self) -> None:
        """Until the command has ended."""
        end = time.monotonic() + self._timeout if self._timeout else None
        kill: float | None = None
        over = False
        while self._status is None:
            now = time.monotonic()
            if kill is not None and now >= kill:
                kill = None
                self._end_all(signal.SIGKILL)
            elif end is not None and now >= end:
                end, kill, over = None, now + KILL_AFTER, True
                self._over_time()
            pause = self._pauses.due if self._pauses is not None else None
            due = (end, kill, self._relay.due, pause)
            moments = [moment for moment in due if moment is not None]
            info = _next_signal(min(moments) - now if moments else None)
            if info is not None and info.si_signo != CHILD:
                self._relay.received(info.si_signo, info.si_pid if info.si_code <= 0 else None)
            self._tracer.drain()
            self._relay.send_due()
            if self._pauses is not None:
                self._pauses.turn()
            if self._stop_self and self._status is None:
                # Ctrl-Z stopped the command; the shell waits for us to stop as well, and wakes
                # both.
                self._stop_self = False
                os.kill(os.getpid(), signal.SIGSTOP)
        if over:
            self._end_all(signal.SIGKILL)

    def _over_time(self) -> None:
        from gdbext.wording.grammar import in_seconds

        assert self._timeout is not None
        say(f"over its time of {in_seconds(self._timeout)}; looking at what hangs, then ending it")
        if self._refused:
            problem = f"it cannot be traced ({self._refused})"
            self._diagnoses.start(
                StoppedProcess(
                    self._main,
                    proc.name(self._main),
                    proc.command(self._main),
                    0,
                    None,
                    problem,
                    over_time=self._timeout,
                )
            )
        self._look(is_asked=False)
        self._end_all(signal.SIGTERM)

    def _asked(self) -> None:
        """The user wants to know what the command is doing."""
        if self._refused:
            say(f"cannot look at the command: it cannot be traced ({self._refused})")
        elif not self._look(is_asked=True):
            say("no Python runs in the command now")

    def _look(self, is_asked: bool) -> bool:
        """Diagnose every Python that is being followed; False if there is none."""
        pythons = [pid for pid in self._tracer.processes if proc.is_python(pid)]
        for pid in pythons:
            self._tracer.look(pid, is_asked, None if is_asked else self._timeout)
        self._tracer.drain()
        return bool(pythons)

    def _end_all(self, number: int) -> None:
        """Signal the command and all that it started, as timeout(1) does with its process group."""
        for pid in {self._main, *self._tracer.processes}:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)

    def _let_go(self) -> None:
        self._tracer.release_all()
        while self._status is None:
            task, status = os.waitpid(-1, ptrace.WALL)
            if os.WIFSTOPPED(status):
                self._tracer.release(task, status)
            else:
                self._ended(task, status)

    def _ended(self, task: int, status: int) -> None:
        if task == self._main:
            self._status = status
        else:
            self._diagnoses.ended(task, status)

    def _signalled(self, task: int, number: int, sender: int | None) -> None:
        self._relay.seen(task, number, sender)

    def _stopped(self, task: int, number: int) -> None:
        if number != signal.SIGSTOP and proc.process_of(task) == self._main:
            self._stop_self = True

    def _look_for_core(self, number: int, since: float) -> None:
        """Without tracing a core has to be found; only the command's own death can be seen then."""
        found, lack = kernel_cores.newest(self._main, since)
        problem = None if found else f"it cannot be traced ({self._refused}), and {lack}"
        name = os.path.basename(self._command[0])
        self._diagnoses.start(
            StoppedProcess(self._main, name, " ".join(self._command), number, found, problem)
        )


def _become(command: list[str], mask: set[int], is_traced: bool) -> None:
    """In the child: turn into the command, with everything as we found it.  Never returns."""
    ptrace.die_with_parent(signal.SIGKILL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them
    if not is_traced:
        kernel_cores.allow()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"gdbext: cannot run {command[0]}: {error.strerror}\n".encode())
        os._exit(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE)


def _why_refused(error: OSError) -> str:
    with contextlib.suppress(OSError):
        if (tracer := proc.status(os.getpid()).get("TracerPid", "0")) != "0":
            return f"gdbext itself is being traced, by process {tracer}"
    with contextlib.suppress(OSError), open("/proc/sys/kernel/yama/ptrace_scope") as stream:
        if (scope := stream.read().strip()) in ("2", "3"):
            return f"kernel.yama.ptrace_scope is {scope}"
    return f"ptrace: {error.strerror}; in a container allow it with --cap-add=SYS_PTRACE"


def _next_signal(seconds: float | None) -> Any:
    """The next signal's ``struct_siginfo``; None when the time is up."""
    if seconds is None:
        return signal.sigwaitinfo(AWAITED)
    return signal.sigtimedwait(AWAITED, max(seconds, 0.0))
