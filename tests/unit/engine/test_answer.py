"""Which debugger makes the report, and what is said when one cannot."""

from __future__ import annotations

from typing import Any

import pytest

from gdbext.backends import registry
from gdbext.backends.programs import UNUSABLE, Program
from gdbext.engine import answer, launch
from gdbext.engine.launch import Result
from gdbext.engine.outcome import CANNOT_OPEN, Failure

DRGN, GDB = Program("drgn", [], {}), Program("gdb", ["/opt/gdb"], {})
REQUEST: dict[str, Any] = {"core": "/core"}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Result]:
    """What each debugger answers, by its name; both are here."""
    found: dict[str, Result] = {}

    def both(name: str = "auto", *, live: bool = False) -> list[Program]:
        return [p for p in (DRGN, GDB) if name in ("auto", p.name)]

    monkeypatch.setattr(launch, "candidates", both)
    monkeypatch.setattr(launch, "run", lambda program, request, timeout: found[program.name])
    return found


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Result(-11, ""), "drgn was killed by signal 11"),
        (Result(UNUSABLE, "noise\ndrgn cannot open /core: no"), "drgn cannot open /core: no"),
    ],
)
def test_another_debugger_is_used_where_one_fails(
    answers: dict[str, Result], capsys: pytest.CaptureFixture[str], result: Result, said: str
) -> None:
    answers.update(drgn=result, gdb=Result(4, ""))
    assert answer.diagnose(REQUEST, "auto", 1.0) == 4
    assert capsys.readouterr().err == f"gdbext: {said}; gdb is used instead\n"


def test_a_debugger_that_is_named_is_the_only_one(
    answers: dict[str, Result], capsys: pytest.CaptureFixture[str]
) -> None:
    answers.update(drgn=Result(-11, "last words"), gdb=Result(0, ""))
    with pytest.raises(Failure, match=r"drgn was killed by signal 11 .*\n  last words"):
        answer.diagnose(REQUEST, "drgn", 1.0)
    answers.update(drgn=Result(UNUSABLE, "drgn cannot open /core: no"))
    assert answer.diagnose(REQUEST, "drgn", 1.0) == CANNOT_OPEN
    assert capsys.readouterr().err == "gdbext: drgn cannot open /core: no\n"


def test_what_is_wrong_with_the_core_is_said_once(
    answers: dict[str, Result], capsys: pytest.CaptureFixture[str]
) -> None:
    answers.update(drgn=Result(CANNOT_OPEN, ""), gdb=Result(0, ""))
    assert answer.diagnose(REQUEST, "auto", 1.0) == CANNOT_OPEN
    assert capsys.readouterr().err == ""


def test_without_the_best_debugger_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry.launcher("drgn"), "find", lambda: None)
    monkeypatch.setattr(registry.launcher("gdb"), "find", lambda: GDB)
    monkeypatch.setattr(launch, "run", lambda program, request, timeout: Result(0, ""))
    assert answer.diagnose(REQUEST, "auto", 1.0) == 0
    said = capsys.readouterr().err
    assert said.startswith("gdbext: drgn is not installed (pip install 'gdbext[drgn]'); gdb is")
    assert said.count("\n") == 1
    assert answer.diagnose({"pid": 1}, "auto", 1.0) == 0
    assert answer.diagnose(REQUEST, "gdb", 1.0) == 0
    monkeypatch.setenv("GDBEXT_GDB", "/opt/gdb")
    assert answer.diagnose(REQUEST, "auto", 1.0) == 0
    assert capsys.readouterr().err == ""
