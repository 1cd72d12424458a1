"""The plugin's table, looked at by the tests that run under it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SUITE = """
import threading
import pytest
from gdbext.pytest_plugin import RUNNING

def mine(): return RUNNING.get(threading.get_ident())

@pytest.fixture
def fixture():
    assert mine() == "test_suite.py::test_phases[1] (setup)"
    yield
    assert mine() == "test_suite.py::test_phases[1] (teardown)"

@pytest.mark.parametrize("number", [1])
def test_phases(fixture, number):
    assert mine() == "test_suite.py::test_phases[1] (call)"

ended, hold = threading.Event(), threading.Event()

def test_threads():
    inner = []
    def outer():
        hold.wait(0.01)  # until start() has noted this thread
        child = threading.Thread(target=lambda: inner.append(1), name="inner")
        child.start(); inner.append(RUNNING[child.ident]); child.join()
    thread = threading.Thread(target=outer)
    thread.start()
    assert RUNNING[thread.ident] == "test_suite.py::test_threads (thread)"
    thread.join()
    assert "test_suite.py::test_threads (thread)" in inner
    threading.Thread(target=ended.wait, name="leaked", daemon=True).start()

def test_threads_that_live_on_keep_their_test_and_others_go():
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    assert {names.get(ident): test for ident, test in RUNNING.items() if ident != threading.get_ident()} == {
        "leaked": "test_suite.py::test_threads (thread)"
    }
    ended.set()
"""


def test_suite_finds_itself_in_the_table(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "gdbext.pytest_plugin",
        "--gdbext",
        "-p",
        "no:cacheprovider",
    ]
    # Named by its module: it must not come a second time by its entry point.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
