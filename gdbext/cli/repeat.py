"""Runs a command again and again under ``gdbext run``, several at a time, in turn under conditions
that change its timing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from gdbext.engine import launch
from gdbext.frozen import dataclass
from gdbext.hunt.consensus import Run
from gdbext.hunt.deaths import Death
from gdbext.model import Report
from gdbext.reports.json_report import NotAReport, parse

POLL_SECONDS = 0.02
GRACE_SECONDS = 180.0
"""Beyond its own time, what a run may take to be diagnosed."""
ENOUGH_RUNS = 4
"""A condition under which this many runs have survived is given up once another has as
many deaths.
"""
AS_IT_IS = "as it is"
DEBUG_HOOKS = "PYTHONMALLOC=debug"
PAUSES = "random pauses"
LAST_BYTES = 4000


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run and for how long; ``None`` is without limit.

    ``run_seconds`` is what one run may take, ``folder`` where the reports and logs of the runs go,
    ``options`` go to ``gdbext run``.
    """

    command: tuple[str, ...]
    folder: str
    deaths: int | None = None
    seconds: float | None = None
    runs: int | None = None
    jobs: int = 1
    run_seconds: float = 60.0
    conditions: tuple[str, ...] = (AS_IT_IS,)
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ended:
    """One run that has ended: ``status`` is the command's exit status, ``log`` the end of what it
    wrote, ``is_cut_off`` that it was stopped as its time was up, and nothing says why it took so
    long.
    """

    run: Run
    deaths: tuple[Death, ...]
    status: int
    log: str
    is_cut_off: bool = False
    unread: tuple[str, ...] = ()
    """Why a report of the run could not be read, one each."""


def conditions(debug_hooks: bool, pauses: bool) -> tuple[str, ...]:
    """The conditions to run under in turn.

    >>> conditions(True, False)
    ('as it is', 'PYTHONMALLOC=debug')
    """
    plain = (AS_IT_IS, PAUSES) if pauses else (AS_IT_IS,)
    hooked = (DEBUG_HOOKS, f"{DEBUG_HOOKS}, {PAUSES}") if pauses else (DEBUG_HOOKS,)
    return plain + hooked if debug_hooks else plain


class Repeater:
    """Starts runs and collects what came of them.

    A context manager: what still runs is ended with it.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._running: list[_Running] = []
        self._started = 0
        self._begun = time.monotonic()
        self.ended: list[Ended] = []

    @property
    def deaths(self) -> int:
        """How many processes have died so far."""
        return sum(len(each.deaths) for each in self.ended)

    @property
    def seconds(self) -> float:
        """Since the first run was started."""
        return time.monotonic() - self._begun

    def __enter__(self) -> Repeater:
        return self

    def __exit__(self, *_error: object) -> None:
        for each in self._running:
            each.end()
        self._running.clear()

    def results(self) -> Iterator[Ended | None]:
        """Each run as it ends, and None many times a second meanwhile, for who shows progress."""
        while self._may_go_on():
            while len(self._running) < self._plan.jobs and self._may_start():
                self._start()
            done = [each for each in self._running if each.has_ended()]
            for each in done:
                self._running.remove(each)
                result = each.result()
                self.ended.append(result)
                yield result
            if not done:
                yield None
                time.sleep(POLL_SECONDS)

    def _may_go_on(self) -> bool:
        plan = self._plan
        if plan.deaths is not None and self.deaths >= plan.deaths:
            return False
        return bool(self._running) or self._may_start()

    def _may_start(self) -> bool:
        plan = self._plan
        in_time = plan.seconds is None or self.seconds < plan.seconds
        return in_time and (plan.runs is None or self._started < plan.runs)

    def _start(self) -> None:
        plan = self._plan
        self._started += 1
        condition = next_condition(plan.conditions, self._started - 1, [e.run for e in self.ended])
        seconds = plan.run_seconds
        if plan.seconds is not None:
            seconds = max(min(seconds, plan.seconds - self.seconds), 1.0)
        self._running.append(_Running(plan, self._started, condition, seconds))


def next_condition(conditions: Sequence[str], number: int, runs: Sequence[Run]) -> str:
    """The condition of run ``number``: each in its turn, but for those that nothing dies of where
    it dies of others.
    """
    survived = {c: [run for run in runs if run.condition == c] for c in conditions}
    hopeless = {
        c
        for c, its in survived.items()
        if len(its) >= ENOUGH_RUNS and not any(run.deaths for run in its)
    }
    deadly = any(sum(run.deaths for run in its) >= ENOUGH_RUNS for its in survived.values())
    left = [c for c in conditions if not (deadly and c in hopeless)]
    return left[number % len(left)]


class _Running:
    """A ``gdbext run`` that has been started."""

    def __init__(self, plan: Plan, number: int, condition: str, seconds: float) -> None:
        self._condition = condition
        self._folder = os.path.join(plan.folder, f"run-{number}")
        self._log = os.path.join(self._folder, "output.txt")
        os.makedirs(self._folder, exist_ok=True)
        code = (
            f"import sys; sys.path.insert(0, {launch.ROOT!r}); "
            "from gdbext.cli.main import main; sys.exit(main(sys.argv[1:]))"
        )
        options = ["--on-crash", self._folder, "--timeout", f"{seconds:g}", *plan.options]
        options += ["--chaos"] if PAUSES in condition else []
        environment = {**os.environ, "TMPDIR": self._folder}
        if DEBUG_HOOKS in condition:
            environment["PYTHONMALLOC"] = "debug"
        self._started = time.monotonic()
        self._deadline = self._started + seconds + GRACE_SECONDS
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", code, "run", *options, "--", *plan.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                # Ctrl-C is for the hunt, which ends its runs itself.
                start_new_session=True,
            )

    def has_ended(self) -> bool:
        if self._process.poll() is None and time.monotonic() > self._deadline:
            self.end()
        return self._process.poll() is not None

    def end(self) -> None:
        """End it and all that it started: the command dies with the ``gdbext run`` that
        follows it.
        """
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def result(self) -> Ended:
        seconds = time.monotonic() - self._started
        unread: list[str] = []
        found = list(self._reports(unread))
        deaths = tuple(death for death in found if not _is_cut_off(death.report))
        return Ended(
            run=Run(self._condition, round(seconds, 2), len(deaths)),
            deaths=deaths,
            status=self._process.returncode,
            log=self._last_words(),
            is_cut_off=len(deaths) < len(found),
            unread=tuple(unread),
        )

    def _reports(self, unread: list[str]) -> Iterator[Death]:
        """What died; ``unread`` takes what is wrong with reports that are not used."""
        names = sorted(os.listdir(self._folder))
        for name in names:
            if not (name.startswith("crash-") and name.endswith(".json")):
                continue
            path = os.path.join(self._folder, name)
            try:
                with open(path, encoding="utf-8") as stream:
                    report = parse(stream.read())
            except (OSError, NotAReport) as error:
                unread.append(f"cannot read {path}: {error}")
                continue
            stem = name.removesuffix("json")
            kept = tuple(os.path.join(self._folder, n) for n in names if n.startswith(stem))
            yield Death(report=report, condition=self._condition, files=kept)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError), open(self._log, "rb") as stream:
            stream.seek(max(os.fstat(stream.fileno()).st_size - LAST_BYTES, 0))
            return stream.read().decode(errors="replace")
        return ""


def _is_cut_off(report: Report) -> bool:
    """Whether it is of a process that only was over its time."""
    return report.crash is None and not any(f.names_a_cause for f in report.findings)
