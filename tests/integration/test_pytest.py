"""``pytest --gdbext`` beside the plugins that test free-threaded code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from integration.commandline import GDBEXT, ROOT, environment
from lab import pytest_environment

OURS = ("-p", "gdbext.pytest_plugin", "--gdbext", "-p", "no:cacheprovider", "-q")
# Both declare --iterations, so that they cannot be loaded at once.
PARALLEL, FREETHREADED = ("-p", "no:freethreaded"), ("-p", "no:run-parallel")

DIES = """
import ctypes

def test_fine(): pass

def test_dies():
    ctypes.string_at(1)

def test_after(): pass
"""
HANGS = """
import threading

def test_hangs():
    one, other = threading.Lock(), threading.Lock()
    both = threading.Barrier(2)

    def take(first, second):
        with first:
            both.wait()
            with second:
                pass

    threads = [
        threading.Thread(target=take, args=locks, name=name, daemon=True)
        for name, locks in (("left", (one, other)), ("right", (other, one)))
    ]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


@pytest.fixture(scope="session")
def python() -> Path:
    """The lab's interpreter with the plugins."""
    return pytest_environment.python()


def run(
    python: Path, suite: str, folder: Path, *options: str, supervised: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a test-suite, under ``gdbext run`` unless told otherwise."""
    (folder / "test_suite.py").write_text(suite)
    command = [str(python), "-m", "pytest", *OURS, *options]
    return subprocess.run(
        [*GDBEXT, "run", "--", *command] if supervised else command,
        cwd=folder,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_a_dead_worker_is_a_failed_test_that_says_why(python: Path, tmp_path: Path) -> None:
    done = run(python, DIES, tmp_path, "-n", "1", *PARALLEL)
    assert done.returncode == 1
    assert "1 failed, 2 passed" in done.stdout
    lines = done.stdout.splitlines()
    crashed = next(i for i, line in enumerate(lines) if "crashed while running" in line)
    assert "test_suite.py::test_dies" in lines[crashed]
    assert lines[crashed + 1].startswith("gdbext: FT404 native fault outside Python objects")


def test_without_gdbext_run_the_failure_says_how_to_get_the_reason(
    python: Path, tmp_path: Path
) -> None:
    done = run(python, DIES, tmp_path, "-n", "1", *PARALLEL, supervised=False)
    assert "1 failed, 2 passed" in done.stdout
    assert "gdbext run -- python -m pytest --gdbext" in done.stdout


def test_a_test_that_takes_too_long_is_looked_at_while_it_hangs(
    python: Path, tmp_path: Path
) -> None:
    done = run(python, HANGS, tmp_path, "--timeout", "10", *PARALLEL)
    assert done.returncode == 1
    assert "gdbext: FT303 deadlock" in done.stdout
    assert '"left"' in done.stderr
    assert '"right"' in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((*PARALLEL, "--parallel-threads", "2"), id="run-parallel"),
        pytest.param((*FREETHREADED, "--threads", "2", "--iterations", "2"), id="freethreaded"),
    ],
)
def test_threads_that_run_one_test_at_once_name_it(
    options: tuple[str, ...], python: Path, tmp_path: Path
) -> None:
    done = run(python, DIES, tmp_path, *options)
    assert done.returncode == 139
    assert "test_suite.py::test_dies" in done.stderr.partition("gdbext: process")[2]
