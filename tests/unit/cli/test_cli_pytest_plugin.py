"""The plugin's table, looked at by the tests that run under it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

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
    own = threading.get_ident()
    others = {names.get(ident): test for ident, test in RUNNING.items() if ident != own}
    assert others == {"leaked": "test_suite.py::test_threads (thread)"}
    ended.set()
"""


def run(tmp_path: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", *options, "-p", "no:cacheprovider"]
    return subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, **environment}
    )


def test_suite_finds_itself_in_the_table(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    # Named by its module, and not by its entry point.
    done = run(
        tmp_path, "-p", "gdbext.pytest_plugin", "--gdbext", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


@pytest.mark.parametrize(
    "options", [(), ("-p", "gdbext.pytest_plugin")], ids=["installed", "installed and named"]
)
def test_installed_plugin_is_there_once(options: tuple[str, ...], tmp_path: Path) -> None:
    """The entry point as pyproject.toml has it, whatever is installed here."""
    project = (ROOT / "pyproject.toml").read_text()
    entries = re.search(
        r"^\[project\.entry-points\.pytest11\]\n((?:[^\[\n].*\n)+)", project, re.MULTILINE
    )
    assert entries
    metadata = tmp_path / "site" / "gdbext-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: gdbext\nVersion: 0\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\n" + re.sub(r"#.*\n|\"", "", entries[1]))
    (tmp_path / "test_suite.py").write_text(SUITE)
    done = run(
        tmp_path,
        *options,
        "--gdbext",
        PYTHONPATH=f"{metadata.parent}:{ROOT}",
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
