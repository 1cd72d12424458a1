"""The diagnoses of one ``gdbext run``: each in a process of its own while the command goes on, told
when it has ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import NamedTuple

from gdbext.engine import launch
from gdbext.engine.outcome import DIAGNOSED, PARTIAL
from gdbext.reports.formats import FORMATS, STDOUT
from gdbext.tracing.scratch import Scratch
from gdbext.tracing.tracer import StoppedProcess


class RunOptions(NamedTuple):
    """What the user wants of a crash.

    ``folder`` is None for the text alone; ``color`` None leaves it to the terminal; ``debuginfod``
    is the symbol server to ask.
    """

    folder: str | None = None
    formats: Sequence[str] = tuple(FORMATS)
    keep_core: bool = False
    debugger: str = "auto"
    redact: bool = False
    verbose: bool = False
    color: bool | None = None
    debuginfod: str | None = None


class _Job(NamedTuple):
    """``text`` and ``said`` are the files that it writes to, ``reports`` its reports by format."""

    crash: StoppedProcess
    text: str
    said: str
    reports: dict[str, str]


class Diagnoses:
    """``mask`` are the signals that a new process is to have blocked."""

    def __init__(self, options: RunOptions, scratch: Scratch, mask: set[int]) -> None:
        self._options = options
        self._scratch = scratch
        self._mask = mask
        self._count = 0
        self._running: dict[int, _Job] = {}
        self._done: list[tuple[_Job, int]] = []
        self._undiagnosed: list[StoppedProcess] = []

    @property
    def pending(self) -> bool:
        """Whether a diagnosis is still at work."""
        return bool(self._running)

    @property
    def own_reports(self) -> str:
        """The folder of the JSON reports that the command itself may read (``pytest --gdbext``)."""
        return os.path.join(self._scratch.name, "reports")

    def start(self, crash: StoppedProcess) -> None:
        """Start to diagnose a crash; one without a core is only remembered."""
        if crash.core is None:
            self._not_diagnosed(crash)
            return
        self._count += 1
        scratch = self._scratch.path
        base = os.path.join(scratch, f"job-{self._count}")
        number = f"{crash.pid}.{self._count}" if crash.is_asked else f"{crash.pid}"
        reports = self._report_files(f"{'look' if crash.is_asked else 'crash'}-{number}")
        kept = (
            os.path.join(self._options.folder or "", f"core.{number}.gz")
            if self._options.keep_core
            else None
        )
        # The command is not kept waiting for what a death alone needs.
        import json

        from gdbext.reports.options import wants_color

        color = self._options.color
        own = os.path.join(
            self.own_reports, f"{'look' if crash.is_asked else 'crash'}-{number}.json"
        )
        request = {
            "core": crash.core,
            "temporary": crash.core.startswith(scratch),
            "shown": kept if kept or crash.core.startswith(scratch) else crash.core,
            "outputs": [("text", STDOUT), *reports.items(), ("json", own)],
            "debuginfod": self._options.debuginfod,
            "over_time": crash.over_time,
            "redact": self._options.redact,
            "verbose": self._options.verbose,
            "color": wants_color(sys.stderr) if color is None else color,
        }
        code = (
            f"import sys; sys.path.insert(0, {launch.ROOT!r}); from gdbext.tracing.job import "
            "main; sys.exit(main())"
        )
        files = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, f"{base}.out", os.O_WRONLY | os.O_CREAT, 0o600),
            (os.POSIX_SPAWN_OPEN, 2, f"{base}.err", os.O_WRONLY | os.O_CREAT, 0o600),
        ]
        words = [
            sys.executable,
            "-I",
            "-c",
            code,
            json.dumps(request),
            self._options.debugger,
            kept or "",
        ]
        try:
            pid = os.posix_spawn(
                sys.executable,
                words,
                os.environ,
                file_actions=files,
                setsigmask=self._mask,
                setpgroup=0,
            )
        except OSError as error:
            self._not_diagnosed(
                crash._replace(problem=f"no process could be started for it: {error.strerror}")
            )
            return
        self._running[pid] = _Job(crash, f"{base}.out", f"{base}.err", reports)

    def _report_files(self, stem: str) -> dict[str, str]:
        folder = self._options.folder
        if not folder:
            return {}
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            say(f"cannot make {folder}: {error.strerror}; the report comes as text only")
            return {}
        return {
            name: os.path.join(folder, stem + FORMATS[name].ending)
            for name in self._options.formats
        }

    def ended(self, pid: int, status: int) -> None:
        """A process has ended; perhaps it was one of ours."""
        if job := self._running.pop(pid, None):
            code = os.waitstatus_to_exitcode(status)
            if job.crash.is_asked:
                with contextlib.suppress(OSError):  # nobody reads it any more
                    self._tell_one(job, code)
                    sys.stderr.flush()
            else:
                self._done.append((job, code))

    def _not_diagnosed(self, crash: StoppedProcess) -> None:
        if crash.is_asked:
            say(self._failure(crash))
        else:
            self._undiagnosed.append(crash)

    def cancel(self) -> None:
        """Give up what is not done yet."""
        for pid, job in self._running.items():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)  # with the debugger that it started
            self._undiagnosed.append(job.crash._replace(problem="the diagnosis was interrupted"))
        self._running.clear()

    def tell(self) -> None:
        """Everything that was found out and not told yet, on stderr."""
        for job, code in self._done:
            self._tell_one(job, code)
        for crash in self._undiagnosed:
            say(self._failure(crash))

    def _tell_one(self, job: _Job, code: int) -> None:
        say(self._crash_summary(job.crash))
        for path in (job.text, job.said):
            with (
                contextlib.suppress(OSError),
                open(path, encoding="utf-8", errors="replace") as stream,
            ):
                sys.stderr.write(stream.read())
        if job.reports and code in (DIAGNOSED, PARTIAL):
            say(f"reports in {self._options.folder}")
            if not job.crash.is_asked:
                _tell_github(job.reports)

    def _failure(self, crash: StoppedProcess) -> str:
        return (
            f"{self._crash_summary(crash)}, but was not diagnosed: {crash.problem} "
            "(`gdbext doctor` says more)"
        )

    def _crash_summary(self, crash: StoppedProcess) -> str:
        from gdbext.reports.sanitize import inert, visible
        from gdbext.wording.grammar import in_seconds

        # The arguments are the program's own data.
        shown = (
            os.path.basename(crash.command.split(" ")[0]) if self._options.redact else crash.command
        )
        what = (
            f"died of {signal.Signals(crash.number).name}"
            if crash.number
            else "goes on"
            if crash.is_asked
            else f"had not ended after {in_seconds(crash.over_time or 0)}"
        )
        return f"process {crash.pid} ({inert(visible(shown, 100))}) {what}"


def say(message: str) -> None:
    """A line of our own on the command's stderr."""
    with contextlib.suppress(OSError):  # nobody reads it any more
        print(f"gdbext: {message}", file=sys.stderr, flush=True)


def _tell_github(reports: dict[str, str]) -> None:
    """A GitHub job shows annotations that stand in its log, and the step's summary."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and "markdown" in reports:
        with (
            contextlib.suppress(OSError),
            open(summary, "a", encoding="utf-8") as stream,
            open(reports["markdown"], encoding="utf-8") as report,
        ):
            stream.write(report.read())
    if os.environ.get("GITHUB_ACTIONS") == "true" and "github" in reports:
        with contextlib.suppress(OSError), open(reports["github"], encoding="utf-8") as report:
            sys.stderr.write(report.read())
