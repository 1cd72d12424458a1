"""What a race in a union's lazy initialisation leaves behind is found, and nothing is found in a healthy program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import interpreters
from hosts.run import run_in_debugger
from lab.crash import CrashRun, crash

FOLDER = Path(__file__).parent
BUILDS = ("release", "debug")


def search(build: str, script: str, folder: Path, *arguments: str) -> tuple[CrashRun, dict[str, Any]]:
    python = interpreters.build(build)
    run = crash(python, FOLDER / script, folder=folder / "run", timeout=120, arguments=arguments)
    found: dict[str, Any] = run_in_debugger("gdb", "ground_truth.orphan_checker:check", executable=python, core=run.core)
    return run, found


@pytest.mark.parametrize("build", BUILDS)
def test_without_the_lock_every_second_tuple_is_found_and_tied_to_its_union(build: str, tmp_path: Path) -> None:
    run, found = search(f"{build}-unfixed", "double_init.py", tmp_path)
    assert run.truth["orphans"] > 0
    assert set(map(tuple, found["orphans"])) == {("tuple", 1, 1, 1)}
    # A few may still stand in a register's old home or in memory that is not given back yet.
    assert 0.98 * run.truth["orphans"] <= len(found["orphans"]) <= run.truth["orphans"]
    assert found["tied"] == len(found["orphans"])


@pytest.mark.parametrize("build", BUILDS)
def test_with_the_lock_there_is_none(build: str, tmp_path: Path) -> None:
    run, found = search(build, "double_init.py", tmp_path, "1")
    assert run.truth["orphans"] == 0
    assert found["orphans"] == []


@pytest.mark.parametrize("build", BUILDS)
def test_a_healthy_program_has_none(build: str, tmp_path: Path) -> None:
    _, found = search(build, "healthy.py", tmp_path)
    assert found["searched"] >= 100_000
    assert found["orphans"] == []
    assert found["unread"] == 0
    assert found["is_sound"]
