"""``gdbext run -- COMMAND``: run a command unchanged; if a Python in it dies or hangs, say why."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from gdbext.cli import launch, outputs
from gdbext.cli.main import COMMANDS, USAGE, Failure
from gdbext.cli.tracing import cores, process, ptrace
from gdbext.cli.tracing.relay import Relay
from gdbext.cli.tracing.tracer import DEADLY, Crash, Tracer

HELP = """\
The command's output, input, signals, terminal and exit status are its own (128+N when signal N killed it). It runs
free: it is traced, but stops at nothing except signals, so races behave as they do without gdbext. Its child processes
are followed too, pytest-xdist's workers among them.

When a process dies of a fault or an abort, it is copied to a core at that very moment, whatever core_pattern and
`ulimit -c` say, and the core is diagnosed. The report goes to stderr after the command's own output; --on-crash DIR also
gets it in every format, or in those that --format names. In a GitHub job the step summary and annotations are written too.

exit status:
  that of COMMAND; 126 or 127 when it cannot be started; 2 wrong usage

examples:
  gdbext run -- python3.13t -m pytest -n 4
  gdbext run --on-crash reports --timeout 1800 --keep-core -- python3.14t stress.py

limits: a process that is followed cannot be attached to by another tracer, and programs that gain rights when they start
(sudo) do not gain them, unless gdbext runs as root. Debuggers and strace that the command starts are let go."""
KILL_AFTER = 10.0
"""Seconds from SIGTERM to SIGKILL for a command that is over its time."""
STATUS_NOT_FOUND, STATUS_NOT_EXECUTABLE = 127, 126


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="gdbext run",
        usage="gdbext run [options] -- COMMAND [ARGUMENT …]",
        description=COMMANDS["run"].capitalize() + ".",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("command", metavar="COMMAND", nargs=argparse.REMAINDER, help="what to run, and its arguments")
    made.add_argument("--on-crash", metavar="DIR", help="a folder for the reports, made when there is a crash")
    made.add_argument(
        "--format",
        metavar="FORMAT",
        dest="formats",
        choices=tuple(outputs.ENDINGS),
        action="append",
        help="which reports (default: all)",
    )
    made.add_argument("--timeout", metavar="S", type=_seconds, help="diagnose what hangs after S seconds, then end the command")
    made.add_argument("--keep-core", action="store_true", help="keep the core, compressed (needs --on-crash)")
    made.add_argument("--debugger", choices=("auto", *launch.NAMES), default="auto", help="default: gdb if there is one, else lldb")
    outputs.add_looks(made)
    return made


def _seconds(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def run(arguments: argparse.Namespace) -> int:
    words = arguments.command
    command = words[1:] if words[:1] == ["--"] else words
    if not command:
        raise Failure("run what? gdbext run [options] -- COMMAND [ARGUMENT …]", USAGE)
    if arguments.keep_core and not arguments.on_crash:
        raise Failure("--keep-core needs --on-crash DIR to keep it in", USAGE)
    if arguments.formats and not arguments.on_crash:
        raise Failure("--format needs --on-crash DIR for the reports", USAGE)
    return Supervisor(arguments, command).run()


class Job(NamedTuple):
    """A crash and the process that diagnoses it; ``files`` are the reports by format."""

    crash: Crash
    text: str
    said: str
    files: dict[str, str]


class Supervisor:
    """One run of one command."""

    def __init__(self, arguments: argparse.Namespace, command: list[str]) -> None:
        self._arguments = arguments
        self._command = command
        self._main = 0
        self._status: int | None = None
        self._jobs: dict[int, Job] = {}
        self._done: list[tuple[Job, int]] = []
        self._undiagnosed: list[Crash] = []
        self._stop_self = False

    def run(self) -> int:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        with tempfile.TemporaryDirectory(prefix="gdbext-run-") as folder:
            self._folder = folder
            self._mask = mask
            started = time.time()
            self._tracer = Tracer(folder, self._diagnose, self._ended, self._signalled, self._stopped)
            refused = self._start(mask)
            self._relay = Relay(self._main, process.process_of)
            try:
                self._follow()
            except Exception as error:  # A defect of ours must not cost the command its life.
                print(
                    f"gdbext: internal error, the command goes on without gdbext: {type(error).__name__}: {error}", file=sys.stderr
                )
                self._let_go()
            if refused:
                self._look_for_core(refused, started)
            self._finish()
            self._tell()
        assert self._status is not None
        code = os.waitstatus_to_exitcode(self._status)
        return code if code >= 0 else 128 - code

    # --- the command ----------------------------------------------------------------------------

    def _start(self, mask: set[int]) -> str | None:
        """Start the command.  Returns why it cannot be traced, None if it is."""
        read, write = os.pipe()
        self._main = os.fork()
        if self._main == 0:
            os.close(write)
            _become(self._command, mask, os.read(read, 1) == b"t")
        os.close(read)
        refused = None
        try:
            self._tracer.follow(self._main)
        except OSError as error:
            refused = _why_refused(error)
        # Whoever wakes late misses what the other threads do after a fault.
        with contextlib.suppress(OSError, AttributeError):
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        os.write(write, b"f" if refused else b"t")
        os.close(write)
        return refused

    def _follow(self) -> None:
        """Until the command has ended."""
        end = time.monotonic() + self._arguments.timeout if self._arguments.timeout else None
        kill: float | None = None
        over = False
        while self._status is None:
            now = time.monotonic()
            if kill is not None and now >= kill:
                self._end_all(signal.SIGKILL)
                kill = None
            elif end is not None and now >= end:
                end = None
                kill = now + KILL_AFTER
                self._over_time()
                over = True
            moments = [moment for moment in (end, kill, self._relay.due) if moment is not None]
            info = _next_signal(min(moments) - now if moments else None)
            if info is not None and info.si_signo != signal.SIGCHLD:
                self._relay.received(info.si_signo, info.si_pid if info.si_code <= 0 else None)
            self._tracer.drain()
            self._relay.send_due()
            if self._stop_self and self._status is None:
                # Ctrl-Z stopped the command; the shell waits for us to stop as well, and wakes both.
                self._stop_self = False
                os.kill(os.getpid(), signal.SIGSTOP)
        if over:
            self._end_all(signal.SIGKILL)

    def _end_all(self, number: int) -> None:
        """Signal the command and all that it started, as timeout(1) does with its process group."""
        for pid in {self._main, *self._tracer.processes}:
            _send(pid, number)
            _send(pid, signal.SIGCONT)

    def _let_go(self) -> None:
        while self._status is None:
            task, status = os.waitpid(-1, ptrace.WALL)
            if os.WIFSTOPPED(status):
                self._tracer.release(task, status)
            else:
                self._ended(task, status)

    def _over_time(self) -> None:
        print(f"gdbext: over its time of {self._arguments.timeout:g} s; looking at what hangs, then ending it", file=sys.stderr)
        for pid in self._tracer.processes:
            if process.is_python(pid):
                self._tracer.hanging(pid)
        self._tracer.drain()
        self._end_all(signal.SIGTERM)

    def _ended(self, task: int, status: int) -> None:
        if task == self._main:
            self._status = status
        elif task in self._jobs:
            self._done.append((self._jobs.pop(task), os.waitstatus_to_exitcode(status)))

    def _signalled(self, task: int, number: int, sender: int | None) -> None:
        self._relay.seen(task, number, sender)

    def _stopped(self, task: int, number: int) -> None:
        if number != signal.SIGSTOP and process.process_of(task) == self._main:
            self._stop_self = True

    # --- diagnosis ------------------------------------------------------------------------------

    def _diagnose(self, crash: Crash) -> None:
        """Start to diagnose a crash, while the command goes on."""
        if crash.core is None:
            self._undiagnosed.append(crash)
            return
        base = os.path.join(self._folder, f"crash-{crash.pid}-{len(self._jobs) + len(self._done)}")
        text, said = f"{base}.out", f"{base}.err"
        files = self._report_files(crash)
        kept = self._kept_core(crash)
        request = {
            "core": crash.core,
            "shown": kept,
            "outputs": [("text", outputs.STDOUT), *files.items()],
            "redact": self._arguments.redact,
            "verbose": self._arguments.verbose,
            "color": {"always": True, "never": False}.get(self._arguments.color, _colored(sys.stderr)),
        }
        code = f"import sys; sys.path.insert(0, {launch.ROOT!r}); from gdbext.cli.tracing.job import main; sys.exit(main())"
        import json

        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-c", code, json.dumps(request), self._arguments.debugger, kept or ""],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, text, os.O_WRONLY | os.O_CREAT, 0o600),
                (os.POSIX_SPAWN_OPEN, 2, said, os.O_WRONLY | os.O_CREAT, 0o600),
            ],
            setsigmask=self._mask,
            setpgroup=0,
        )
        self._jobs[pid] = Job(crash, text, said, files)

    def _report_files(self, crash: Crash) -> dict[str, str]:
        folder = self._arguments.on_crash
        if not folder:
            return {}
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            print(f"gdbext: cannot make {folder}: {error.strerror}; the report comes as text only", file=sys.stderr)
            return {}
        base = os.path.join(os.path.abspath(folder), f"crash-{crash.pid}")
        return {name: base + outputs.ENDINGS[name][0] for name in self._arguments.formats or outputs.ENDINGS}

    def _kept_core(self, crash: Crash) -> str | None:
        return (
            os.path.join(os.path.abspath(self._arguments.on_crash), f"core.{crash.pid}.gz") if self._arguments.keep_core else None
        )

    def _look_for_core(self, refused: str, since: float) -> None:
        """Without tracing a core has to be found; only the command's own death can be seen then."""
        assert self._status is not None
        if not os.WIFSIGNALED(self._status) or os.WTERMSIG(self._status) not in DEADLY:
            return
        found, lack = cores.newest(self._main, since)
        problem = None if found else f"it cannot be traced ({refused}), and {lack}"
        name = os.path.basename(self._command[0])
        self._diagnose(Crash(self._main, name, " ".join(self._command), os.WTERMSIG(self._status), found, problem))

    def _finish(self) -> None:
        """Wait for the diagnoses; what is left of the command's processes goes on."""
        while self._jobs:
            _next_signal(1.0)
            self._tracer.drain()

    def _tell(self) -> None:
        for job, code in self._done:
            lines = [_obituary(job.crash)]
            with contextlib.suppress(OSError), open(job.text, encoding="utf-8", errors="replace") as stream:
                lines.append(stream.read().rstrip())
            with contextlib.suppress(OSError), open(job.said, encoding="utf-8", errors="replace") as stream:
                lines.append(stream.read().rstrip())
            if job.files and code in (0, 4):
                lines.append(f"gdbext: reports in {os.path.dirname(next(iter(job.files.values())))}")
                _tell_github(job.files)
            print("\n".join(line for line in lines if line), file=sys.stderr, flush=True)
        for crash in self._undiagnosed:
            print(
                f"{_obituary(crash)}, but was not diagnosed: {crash.problem} (`gdbext doctor` says more)",
                file=sys.stderr,
                flush=True,
            )


def _become(command: list[str], mask: set[int], is_traced: bool) -> None:
    """In the child: turn into the command, with everything as we found it.  Never returns."""
    ptrace.die_with_parent(signal.SIGKILL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them
    if not is_traced:
        cores.allow()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"gdbext: cannot run {command[0]}: {error.strerror}\n".encode())
        os._exit(STATUS_NOT_FOUND if isinstance(error, FileNotFoundError) else STATUS_NOT_EXECUTABLE)


def _why_refused(error: OSError) -> str:
    with contextlib.suppress(OSError):
        if (tracer := process.status(os.getpid()).get("TracerPid", "0")) != "0":
            return f"gdbext itself is being traced, by process {tracer}"
    with contextlib.suppress(OSError), open("/proc/sys/kernel/yama/ptrace_scope") as stream:
        if (scope := stream.read().strip()) in ("2", "3"):
            return f"kernel.yama.ptrace_scope is {scope}"
    return f"ptrace: {error.strerror}; in a container allow it with --cap-add=SYS_PTRACE"


def _next_signal(seconds: float | None) -> Any:
    """The next signal's ``struct_siginfo``; None when the time is up."""
    numbers = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    if seconds is None:
        return signal.sigwaitinfo(numbers)
    return signal.sigtimedwait(numbers, max(seconds, 0.0))


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _colored(stream: Any) -> bool:
    return bool(stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")


def _obituary(crash: Crash) -> str:
    what = f"died of {signal.Signals(crash.number).name}" if crash.number else "hangs"
    from gdbext.reports.sanitize import inert, visible

    return f"gdbext: process {crash.pid} ({inert(visible(crash.command, 100))}) {what}"


def _tell_github(files: dict[str, str]) -> None:
    """A GitHub job shows annotations that stand in its log, and the step's summary."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and "markdown" in files:
        with contextlib.suppress(OSError), open(summary, "a", encoding="utf-8") as stream, _opened(files["markdown"]) as report:
            stream.write(report)
    if os.environ.get("GITHUB_ACTIONS") == "true" and "github" in files:
        with contextlib.suppress(OSError), _opened(files["github"]) as report:
            print(report, file=sys.stderr)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8") as stream:
        yield stream.read()
