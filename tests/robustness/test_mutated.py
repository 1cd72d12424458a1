"""A sample of ``scripts/robustness``: damaged targets get an answer, in time and of a sane size."""

from __future__ import annotations

import pytest

from lab.session import Lab
from robustness import files, mutations
from robustness.driver import damaged
from robustness.results import Result

SEEDS = (0, 12)
CORES = [("release-unfixed", "list_union_freed"), ("debug", "array_setitem_clear")]


def wrong(results: list[Result]) -> list[str]:
    return [f"{r.kind} {r.seed}: {r.problem}\n{r.detail}" for r in results if r.problem]


@pytest.mark.parametrize("kind", mutations.KINDS)
@pytest.mark.parametrize(
    ("build", "script", "debugger"),
    [(*CORES[0], "gdb"), (*CORES[1], "lldb"), (*CORES[1], "drgn")],
    ids=["gdb", "lldb", "drgn"],
)
def test_damaged_memory(lab: Lab, kind: str, build: str, script: str, debugger: str) -> None:
    results = list(damaged(debugger, lab.crash(build, script), kind, *SEEDS))
    assert len(results) == SEEDS[1] - SEEDS[0]
    assert wrong(results) == []
    if kind == "words":
        # The damage does something: not every report is the undamaged one's.
        assert len({r.detail for r in results}) > 1


@pytest.mark.parametrize("kind", files.KINDS)
def test_damaged_files(lab: Lab, kind: str) -> None:
    results = list(damaged("gdb", lab.crash(*CORES[0]), kind, 0, 1))
    assert len(results) == 1
    assert wrong(results) == []


@pytest.mark.parametrize(
    ("script", "seed"),
    [("heap_overrun", 43), ("list_union_reused", 11)],
    ids=["types", "files"],
)
def test_names_that_are_no_text(lab: Lab, script: str, seed: int) -> None:
    """In a program's damaged debug information, which gdb's Python would not give."""
    run = lab.crash("release-unfixed", script)
    assert wrong(list(damaged("gdb", run, "debug information", seed, seed + 1))) == []
