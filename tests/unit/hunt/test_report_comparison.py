"""What two reports share."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from fakes import FakeDebugger
from gdbext.cli.main import main
from gdbext.commands import diff, dispatch
from gdbext.commands.command import Context
from gdbext.hunt.compare import compare, text
from gdbext.reports.json_report import render
from gdbext.reports.options import Options
from unit.hunt.deaths import death, race

ONE = death("a", race("bytearray", (20, 25)), function="mi_free").report
OTHER = death("a", race("bytearray", (20, 30)), function="mi_malloc").report


def test_what_is_shared_and_what_differs() -> None:
    found = compare([ONE, OTHER])
    assert found.is_one_defect
    assert {"signature", "interpreter", "object", "headline"} <= {row.what for row in found.shared}
    different = {row.what: row.values for row in found.different}
    assert different["lines"] == ("stress.py:20, stress.py:25", "stress.py:20, stress.py:30")
    assert different["died"] == ("SIGSEGV in mi_free", "SIGSEGV in mi_malloc")


def test_two_defects() -> None:
    other = death("b", race("types.SimpleNamespace", (50, 55))).report
    assert not compare([ONE, other]).is_one_defect


def test_a_report_shares_everything_with_itself() -> None:
    assert compare([ONE, ONE]).different == []


def test_the_text() -> None:
    shown = text(compare([ONE, OTHER]), ["core.1", "core.2"], Options())
    assert shown.splitlines()[:4] == [
        "one defect: the signature is the same",
        "  A  core.1",
        "  B  core.2",
        "both",
    ]
    both, _, differ = shown.partition("differ\n")
    assert "  race          bytearray: append and" not in both
    assert "  object        bytearray\n" in both
    assert ("  died       A  SIGSEGV in mi_free\n             B  SIGSEGV in mi_malloc\n") in differ


def test_the_text_of_other_pairs() -> None:
    lines = text(compare([ONE, ONE]), ["a", "a"], Options())
    assert "differ" not in lines
    other = death("b", race("types.SimpleNamespace", (50, 55))).report
    assert "not known to be one defect" in text(compare([ONE, other]), ["a", "b"], Options())
    again = death("b", race("bytearray", (20, 25))).report
    assert "the signatures differ" in text(compare([ONE, again]), ["a", "b"], Options())
    unsigned = dataclasses.replace(other, signature=None)
    assert "the signature is the same" not in text(
        compare([unsigned, unsigned]), ["a", "b"], Options()
    )


def test_names_do_nothing_to_a_terminal() -> None:
    evil = dataclasses.replace(
        ONE, target=dataclasses.replace(ONE.target, python_version="\x1b[1m")
    )
    shown = text(compare([ONE, evil]), ["a\x1b[2J", "::error::b"], Options())
    assert "\x1b" not in shown


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = []
    for name, report in (("one", ONE), ("other", OTHER)):
        path = tmp_path / f"{name}.json"
        path.write_text(render(report, Options()))
        paths.append(str(path))
    return paths


def test_reports_are_compared_by_the_command_line(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["triage", *files]) == 0
    assert capsys.readouterr().out == text(compare([ONE, OTHER]), files, Options())
    out = tmp_path / "diff.json"
    assert main(["triage", *files, "--format", "json", "-o", str(out)]) == 0
    content = json.loads(out.read_text())
    assert (content["schema"], content["is_one_defect"]) == ("gdbext.diff/1", True)
    assert content["different"]["died"] == ["SIGSEGV in mi_free", "SIGSEGV in mi_malloc"]
    assert content["shared"]["object"] == "bytearray"


def test_what_cannot_be_compared_is_told(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    for words, status, reason in (
        ([files[0], str(broken)], 3, "not a report of schema"),
        ([files[0], str(tmp_path / "nothing")], 3, "No such file"),
        ([*files, "--format", "html"], 2, "a comparison is text or json, not html"),
        ([*files, "-o", str(tmp_path / "no" / "x.txt")], 2, "cannot write"),
    ):
        assert main(["triage", *words]) == status
        assert reason in capsys.readouterr().err


def test_the_debuggers_command(
    files: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said: list[str] = []
    context = Context(FakeDebugger(), said.append, Options())
    monkeypatch.setattr(diff, "diagnose", lambda _session: OTHER)
    assert dispatch.run(context, f"diff {files[0]}")
    assert said == [text(compare([OTHER, ONE]), ["this", files[0]], Options())]
    assert not dispatch.run(context, f"diff {tmp_path}")
    assert said[-1].startswith(f"ft: cannot read {tmp_path}: ")
