"""A sample of ``scripts/fuzz_cores.py``: damaged targets get an answer, in time and of
a sane size.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.session import Lab
from robustness.driver import Result, damaged_files, damaged_memory

SEEDS = (0, 40)
"""Among these are the seeds that once led to exceptions, in names that a damaged code
object lacks.
"""
FILES = (0, 4)
"""One of each kind: truncated, overwritten, damaged headers, another program."""
CORES = [("release-unfixed", "list_union_freed"), ("debug", "array_setitem_clear")]


def wrong(results: list[Result]) -> list[str]:
    return [f"{r.what}: {r.problem}\n{r.detail}" for r in results if r.problem]


@pytest.mark.parametrize(
    ("build", "script"), CORES, ids=[f"{build}-{script}" for build, script in CORES]
)
def test_damaged_memory(lab: Lab, build: str, script: str) -> None:
    run = lab.crash(build, script)
    results = list(damaged_memory(run.core, run.executable, *SEEDS))
    assert len(results) == SEEDS[1] - SEEDS[0]
    assert wrong(results) == []
    # The damage does something: not every report is the undamaged one's.
    assert len({r.detail for r in results}) > 1


def test_damaged_files(lab: Lab, tmp_path: Path) -> None:
    run = lab.crash(*CORES[0])
    results = list(damaged_files(run.core, run.executable, tmp_path / "copies", *FILES))
    assert len(results) == FILES[1] - FILES[0]
    assert wrong(results) == []
