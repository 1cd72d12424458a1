"""``pytest --gdbext``: when the interpreter dies, the report names the test that was running in each thread.

Nothing is written or sent anywhere while tests run: the names stand in :data:`RUNNING`, and a debugger finds them there,
in a core too, through ``sys.modules``.  With pytest-xdist each worker has its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

RUNNING: dict[int, str] = {}
"""What each thread is running, by ``threading.get_ident()``: the test's node id, and in brackets how.

``setup``, ``call`` and ``teardown`` are the phases of the thread that runs the tests; ``thread`` is a thread that the test
started, and that may live on while the next tests run.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gdbext")
    group.addoption(
        "--gdbext",
        action="store_true",
        help="when the interpreter dies, let gdbext name the test that each thread was running",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("gdbext"):
        config.pluginmanager.register(Recorder(), "gdbext-recorder")


class Recorder:
    """Keeps :data:`RUNNING` up to date."""

    def __init__(self) -> None:
        self._start = threading.Thread.start

    def pytest_sessionstart(self) -> None:
        original = self._start

        def start(thread: threading.Thread) -> None:
            test = RUNNING.get(threading.get_ident())
            original(thread)
            if thread.ident is not None:
                if test:
                    RUNNING[thread.ident] = test.rpartition(" (")[0] + " (thread)"
                else:
                    RUNNING.pop(thread.ident, None)  # an id that an earlier thread had

        setattr(threading.Thread, "start", start)  # noqa: B010  to a type checker a method cannot be replaced

    def pytest_sessionfinish(self) -> None:
        setattr(threading.Thread, "start", self._start)  # noqa: B010

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        yield
        RUNNING.pop(threading.get_ident(), None)
        alive = {thread.ident for thread in threading.enumerate()}
        for ident in [ident for ident in RUNNING if ident not in alive]:
            RUNNING.pop(ident, None)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        RUNNING[threading.get_ident()] = f"{item.nodeid} (setup)"
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        RUNNING[threading.get_ident()] = f"{item.nodeid} (call)"
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        RUNNING[threading.get_ident()] = f"{item.nodeid} (teardown)"
        yield
