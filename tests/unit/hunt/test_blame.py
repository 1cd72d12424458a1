"""``gdbext hunt --blame``, as far as no program is run."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from gdbext.cli import blame_runs, hunt
from gdbext.hunt.consensus import Run, conclude
from gdbext.hunt.grouping import group
from gdbext.reports import formats
from gdbext.reports.options import Options
from unit.hunt.deaths import death, race


def test_where_no_type_is_known_the_report_says_why_nothing_was_recorded() -> None:
    [deaths] = group([death("a", None)] * 3)
    report = conclude(deaths, [Run("as it is", 1.0, 1)] * 3, others=0)
    blamed = hunt.with_blame(report, argparse.Namespace(), "")
    assert blamed.consensus is not None
    assert blamed.consensus.blame is not None
    assert blamed.consensus.blame.runs == 0
    for name in ("text", "markdown", "html"):
        text = " ".join(formats.render(blamed, name, Options()).split())
        assert "nothing was recorded: the type of the object that the crash is about" in text


def options(*words: str) -> argparse.Namespace:
    return hunt.parser().parse_args([*words, "--", "python3.13t", "race.py"])


def test_the_help_says_how_much_longer_it_may_take() -> None:
    assert f"up to {blame_runs.MAX_RUNS} times --run-time" in " ".join(
        hunt.parser().format_help().split()
    )


def test_files_are_there_before_the_runs_under_gdb_and_stay_when_they_are_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "race.txt"
    before: list[str] = []

    def interrupted(*_given: object, **_more: object) -> None:
        before.append(file.read_text())
        before.append(capsys.readouterr().out)
        raise KeyboardInterrupt

    monkeypatch.setattr(blame_runs, "record", interrupted)
    [deaths] = group([death("a", race("bytearray", (20, 25)))] * 3)
    report = conclude(deaths, [Run("as it is", 1.0, 1)] * 3, others=0)
    asked = options("--blame")
    chosen = [("text", str(file)), ("json", "-")]
    hunt.write(hunt.blamed([hunt.Written(report, chosen)], asked, str(tmp_path)), asked)
    shown = capsys.readouterr()
    assert "bytearray" in before[0]
    assert (before[0], before[1]) == (file.read_text(), "")
    assert shown.out.startswith("{")
    assert "interrupted: the report does not say who freed what" in shown.err
    assert f"written: {file}" in shown.err
