"""``pytest --gdbext``: a crash names its test, and with pytest-xdist it is that test's failure.

* The report names the test that was running in each thread when the interpreter died.  Nothing is
  written or sent anywhere for that: the names are in :data:`RUNNING`, and a debugger finds them
  there, in a core too, through ``sys.modules``.  With pytest-xdist each worker has its own.
* pytest-xdist goes on when a worker dies.  Under ``gdbext run -- pytest --gdbext -n 4`` the failure
  of the test that the worker was running has the report's findings in it.
* A test that pytest-timeout is about to end for taking too long is looked at while it still hangs.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

RUNNING: dict[int, str] = {}
"""What each thread is running, by ``threading.get_ident()``: the test's node id, and in brackets
how.

``setup``, ``call`` and ``teardown`` are the phases of the thread that runs the tests; ``thread`` is
a thread that the test started, and that may live on while the next tests run.
"""
DIAGNOSIS_SECONDS = 60.0
"""How long a dead worker's report is waited for."""
POLL_SECONDS = 0.1
LOOK_BEFORE = 0.1
"""The last part of a test's time limit, in which a test that still runs is looked at."""
UNSUPERVISED = "gdbext: to have the crash explained here: gdbext run -- python -m pytest --gdbext …"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare ``--gdbext``."""
    group = parser.getgroup("gdbext")
    group.addoption(
        "--gdbext",
        action="store_true",
        help="when the interpreter dies, let gdbext name the test that each thread was running",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start recording, in workers too (pytest-xdist hands its options to them)."""
    if config.getoption("gdbext"):
        config.pluginmanager.register(Recorder(), "gdbext-recorder")
        config.pluginmanager.register(CrashedWorkers(), "gdbext-crashed-workers")


class Recorder:
    """Keeps :data:`RUNNING` up to date."""

    def __init__(self) -> None:
        self._start = threading.Thread.start
        self._timer: threading.Timer | None = None
        self._is_looked_at = False

    def pytest_sessionstart(self) -> None:
        """From here on, threads inherit the test of the thread that starts them."""
        original = self._start

        def start(thread: threading.Thread) -> None:
            test = RUNNING.get(threading.get_ident())
            original(thread)
            if thread.ident is not None:
                if test:
                    RUNNING[thread.ident] = test.rpartition(" (")[0] + " (thread)"
                else:
                    RUNNING.pop(thread.ident, None)  # an id that an earlier thread had

        # To a type checker a method cannot be replaced.
        setattr(threading.Thread, "start", start)  # noqa: B010

    def pytest_sessionfinish(self) -> None:
        """Leave ``threading`` as it was."""
        setattr(threading.Thread, "start", self._start)  # noqa: B010

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        """Forget the test, and threads that have ended, when it is done."""
        yield
        RUNNING.pop(threading.get_ident(), None)
        alive = {thread.ident for thread in threading.enumerate()}
        for ident in [ident for ident in RUNNING if ident not in alive]:
            RUNNING.pop(ident, None)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """The fixtures of a test are being made."""
        RUNNING[threading.get_ident()] = f"{item.nodeid} (setup)"
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """A test itself is running."""
        RUNNING[threading.get_ident()] = f"{item.nodeid} (call)"
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        """The fixtures of a test are being taken down."""
        RUNNING[threading.get_ident()] = f"{item.nodeid} (teardown)"
        yield

    @pytest.hookimpl(hookwrapper=True, optionalhook=True)
    def pytest_timeout_set_timer(self, settings: Any) -> Iterator[None]:
        """pytest-timeout starts a test's clock; its end may take the whole process with it."""
        yield
        supervisor, seconds = supervising_process(), settings.timeout
        if supervisor and seconds:
            before = seconds * (1 - LOOK_BEFORE)
            self._timer = threading.Timer(before, self._look, (supervisor,))
            self._timer.daemon = True
            self._timer.start()

    @pytest.hookimpl(hookwrapper=True, optionalhook=True)
    def pytest_timeout_cancel_timer(self) -> Iterator[None]:
        """The test was in time."""
        yield
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, supervisor: int) -> None:
        with contextlib.suppress(OSError):
            os.kill(supervisor, signal.SIGUSR1)
            self._is_looked_at = True

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        """A test that failed after it was looked at was hanging: say what in."""
        outcome = yield
        report = outcome.get_result()
        supervisor = supervising_process()
        if report.failed and self._is_looked_at and supervisor:
            explained = explain(item.nodeid, supervisor, DIAGNOSIS_SECONDS, "look")
            report.sections += [("gdbext", explained)] if explained else []
        self._is_looked_at = False


class CrashedWorkers:
    """pytest-xdist's controller: what a worker died of goes into the failure of its test."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """``crashitem`` is the node id of the test that the dead worker was running."""
        supervisor = supervising_process()
        seconds = DIAGNOSIS_SECONDS
        explained = explain(crashitem, supervisor, seconds) if supervisor else UNSUPERVISED
        if explained:
            report.longrepr = f"{report.longrepr}\n{explained}"


def supervising_process() -> int | None:
    """The process id of the ``gdbext run`` that this process is traced by; None if there is none.

    The command is to find the world as it was, so nothing in its environment says so.
    """
    with contextlib.suppress(OSError, ValueError):
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        tracer = int(status.partition("\nTracerPid:")[2].split()[0])
        words = Path(f"/proc/{tracer}/cmdline").read_bytes().split(b"\0") if tracer else []
        if any(os.path.basename(word) == b"gdbext" for word in words) and b"run" in words:
            return tracer
    return None


def explain(test: str, supervisor: int, seconds: float, kind: str = "crash") -> str | None:
    """What ``gdbext run`` found out of a test's process; None if nothing is known in time.

    ``kind`` is ``crash``, or ``look`` for a report on a process that goes on.
    """
    end = time.monotonic() + seconds
    while True:
        for path in _reports(supervisor, kind):
            with contextlib.suppress(OSError, ValueError):  # it is being written
                report = json.loads(path.read_text(encoding="utf-8"))
                tests = (thread.get("test") or "" for thread in report["threads"])
                if any(name.rpartition(" (")[0] == test for name in tests):
                    return summary(report)
        if time.monotonic() >= end:
            return None
        time.sleep(POLL_SECONDS)


def _reports(supervisor: int, kind: str) -> Iterator[Path]:
    """The JSON reports that it has in its scratch folder (``gdbext.tracing.scratch``)."""
    for folder in Path(tempfile.gettempdir()).glob(f"gdbext-run-{supervisor}-*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.geteuid():  # nobody else may put words in our mouth
                yield from sorted((folder / "reports").glob(f"{kind}-*.json"))


def summary(report: dict[str, Any]) -> str:
    """The findings, the race and the known issues of a JSON report, a line each."""
    lines = [f"{f['rule']} {f['title']} ({f['confidence']})" for f in report["findings"]]
    race = report["race"]
    if race:
        threads = " and ".join(
            f"{t['name'] or t['lwp']} {t['operation']} at "
            f"{os.path.basename(t['file'] or '?')}:{t.get('suspect_line') or t['line']}"
            for t in race["threads"]
        )
        lines.append(f"race on a {race['object']['type']}: {threads} ({race['confidence']})")
    lines += [f"known issue {i['id']} ({i['match']}): {i['url']}" for i in report["known_issues"]]
    return "\n".join(f"gdbext: {line}" for line in lines)
