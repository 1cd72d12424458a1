"""How often `gdbext hunt --blame` runs the command, and what it says when it found nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from gdbext.cli import blame_runs
from gdbext.model import (
    Blame,
    Confidence,
    Finding,
    NativeFrameInfo,
    PythonFrame,
    Report,
    Subject,
    ThreadInfo,
)
from gdbext.reports import story
from unit.reports import samples

FREEING = {
    "address": 0x1000,
    "type": "array.array",
    "name": "writer",
    "lwp": 7,
    "file": "race.py",
    "line": 3,
    "function": "drop",
    "source": "del shared[0]",
    "native": ["array_dealloc"],
    "how": "the subject",
}


def answer(events: int = 0, *freeings: dict[str, Any]) -> dict[str, Any]:
    return {
        "died": True,
        "events": events,
        "freeings": list(freeings),
        "breakpoints": ["array.array.tp_dealloc"],
        "stops": False,
    }


def recorded(monkeypatch: pytest.MonkeyPatch, *answers: dict[str, Any]) -> Blame:
    """What is said of runs with these answers; the last one is given again and again."""

    def given() -> Iterator[dict[str, Any]]:
        yield from answers
        while True:
            yield answers[-1]

    source = given()
    monkeypatch.setattr(blame_runs, "_run", lambda *_: next(source))
    return blame_runs.record(["python", "race.py"], ["array.array"], [], 1.0, "/tmp")


def test_it_runs_on_while_calls_are_seen_but_none_is_joined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blame = recorded(monkeypatch, answer(12))
    assert blame.runs == blame_runs.MAX_RUNS
    assert "no recorded call was for an object that the crash is about" in blame.note


def test_two_deaths_without_any_call_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    blame = recorded(monkeypatch, answer())
    assert (blame.runs, blame.deaths, blame.events) == (2, 2, 0)
    assert "before any of these functions was called" in blame.note


def test_a_call_in_one_of_two_runs_is_a_reason_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert recorded(monkeypatch, answer(), answer(3), answer()).runs == blame_runs.MAX_RUNS


def test_it_ends_with_the_first_freeing(monkeypatch: pytest.MonkeyPatch) -> None:
    blame = recorded(monkeypatch, answer(3), answer(5, FREEING))
    assert (blame.runs, len(blame.freeings)) == (2, 1)


def test_what_died_in_a_freeing_has_nothing_to_record() -> None:
    blame = blame_runs.freed_at_death(died_in("FT106"))
    assert blame is not None
    (one,) = blame.freeings
    assert (one.address, one.type, one.name) == (0x20000001000, "memory", "MainThread")
    assert (one.file, one.line, one.source) == ("case.py", 2, "xf.Buf()")
    assert one.native == ("_int_free", "dealloc")
    assert "the thread that died was freeing it" in story.blame_summary(blame)
    assert blame_runs.freed_at_death(died_in("FT102")) is None


def died_in(rule: str) -> Report:
    """A headline about a block; the crashed thread is in ``dealloc``, called by Python code."""
    native = (
        NativeFrameInfo(0, "_int_free"),
        NativeFrameInfo(1, "dealloc"),
        NativeFrameInfo(2, "_PyEval_EvalFrameDefault", python=0),
        NativeFrameInfo(3, "main"),
    )
    python = (PythonFrame("case.py", 2, "<module>", source="xf.Buf()"),)
    return dataclasses.replace(
        samples.founding(),
        findings=(Finding(rule, "damaged", Confidence.PROVEN, Subject(0x20000001000)),),
        threads=(ThreadInfo(7, "MainThread", crashed=True, native=native, python=python),),
    )
