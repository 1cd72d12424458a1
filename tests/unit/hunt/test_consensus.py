"""What the deaths of a group agree on."""

from __future__ import annotations

import dataclasses
import json

import jsonschema
import pytest

from gdbext.cli.blame_runs import functions_of
from gdbext.hunt.consensus import Run, conclude
from gdbext.hunt.grouping import Group, group
from gdbext.model import AgreedLine, Confidence, Finding, Operation, OperationKind, Report
from gdbext.reports import formats
from gdbext.reports.contract import to_json
from gdbext.reports.json_report import parse, schema
from gdbext.reports.options import Options
from unit.hunt.deaths import PROGRAM, death, race

BOTH = race("bytearray", (20, 25))
RUNS = (
    [Run("as it is", 1.0, 1)] * 3
    + [Run("PYTHONMALLOC=debug", 1.0, 1)] * 2
    + [Run("as it is", 9.0, 0)]
)


def twenty() -> Group:
    """18 deaths name the bytearray and its two lines, one another line, and one another object."""
    told = [death("a", BOTH, function="bytearray_append")] * 10
    told += [death("b", BOTH, function="mi_free", condition="PYTHONMALLOC=debug")] * 8
    told += [death("a", race("bytearray", (20, 30)))]
    told += [death("a", race("module", (20, 25), Confidence.LIKELY))]
    (found,) = group(told)
    return found


def test_in_how_many_deaths_the_object_and_each_line_is() -> None:
    agreed = conclude(twenty(), RUNS, others=2).consensus
    assert agreed is not None
    assert (agreed.deaths, agreed.others, agreed.runs, agreed.survived) == (20, 2, 6, 1)
    assert (agreed.object_type, agreed.object_deaths) == ("bytearray", 19)
    assert [(x.operation, x.line, x.function, x.deaths) for x in agreed.lines] == [
        ("append", 20, "grow", 19),
        ("pop", 25, "shrink", 18),
    ]
    assert {x.file for x in agreed.lines} == {PROGRAM}


def test_a_third_line_is_told_when_enough_deaths_name_it() -> None:
    deaths = [death("a", BOTH)] * 3 + [death("a", race("bytearray", (30, 20)))]
    agreed = conclude(Group(tuple(deaths)), []).consensus
    assert agreed is not None
    assert [(x.line, x.deaths) for x in agreed.lines] == [(20, 4), (25, 3), (30, 1)]


def test_one_line_is_enough_where_most_deaths_have_both_threads_there() -> None:
    same, other = race("bytearray", (20, 20)), race("bytearray", (20, 30))
    agreed = conclude(Group((death("a", same),) * 4 + (death("a", other),)), []).consensus
    assert agreed is not None
    assert [(x.line, x.deaths) for x in agreed.lines] == [(20, 5)]
    agreed = conclude(Group((death("a", same),) + (death("a", other),) * 4), []).consensus
    assert agreed is not None
    assert [(x.line, x.deaths) for x in agreed.lines] == [(20, 5), (30, 4)]


def test_what_differs_is_told_as_symptom() -> None:
    agreed = conclude(twenty(), RUNS).consensus
    assert agreed is not None
    assert [(t.text, t.deaths) for t in agreed.symptoms] == [
        ("SIGSEGV in bytearray_append", 12),
        ("SIGSEGV in mi_free", 8),
    ]
    assert [t.deaths for t in agreed.signatures] == [12, 8]
    assert [(c.text, c.runs, c.deaths) for c in agreed.conditions] == [
        ("as it is", 4, 12),
        ("PYTHONMALLOC=debug", 2, 8),
    ]


def test_the_report_is_of_a_death_that_agrees_with_the_others() -> None:
    odd = [death("a", race("module", (20, 25))), death("a", race("bytearray", (20, 30)))]
    report = conclude(Group((*odd, death("a", BOTH), death("a", BOTH))), [])
    assert report.race == BOTH


def test_of_equal_deaths_the_surest_one_speaks() -> None:
    unsure = death("a", race("bytearray", (20, 25), Confidence.POSSIBLE))
    proven = death("a", race("bytearray", (20, 25), Confidence.PROVEN))
    report = conclude(Group((unsure, proven, unsure)), [])
    assert report.race is not None
    assert report.race.confidence is Confidence.PROVEN


def test_a_death_as_most_are_speaks_before_a_surer_one() -> None:
    odd = death("a", race("bytearray", (20, 25), Confidence.PROVEN), function="mi_free")
    report = conclude(Group((odd, death("a", BOTH), death("a", BOTH))), [])
    assert report.threads[0].native[0].function == "bytearray_append"


def test_the_issue_that_most_deaths_name_first_comes_first() -> None:
    deaths = [death("a", BOTH, issues=("gh-1", "gh-2")), *[death("a", BOTH, issues=("gh-2",))] * 2]
    report = conclude(Group(tuple(deaths)), [])
    assert [issue.id for issue in report.known_issues] == ["gh-2", "gh-1"]


def test_deaths_without_any_race_have_a_conclusion_too() -> None:
    agreed = conclude(Group((death("v", None), death("v", None))), []).consensus
    assert agreed is not None
    assert (agreed.object_type, agreed.object_deaths, agreed.lines) == (None, 0, ())


# --- as a report ----------------------------------------------------------------------------------


@pytest.fixture
def report() -> Report:
    return conclude(twenty(), RUNS, others=2)


def test_it_fits_the_schema(report: Report) -> None:
    jsonschema.validate(to_json(report), schema())


def test_it_is_read_back_from_json_as_it_was(report: Report) -> None:
    read = parse(json.dumps(to_json(report)))
    assert read.consensus == report.consensus
    assert to_json(read) == to_json(report)


@pytest.mark.parametrize("name", sorted(formats.FORMATS))
def test_every_format_says_it(report: Report, name: str) -> None:
    shown = formats.render(report, name, Options())
    if name == "json":
        assert json.loads(shown)["consensus"]["object_deaths"] == 19
        return
    assert "20 deaths of this defect in 6 runs (1 survived), 2 other deaths" in shown


@pytest.mark.parametrize("name", ["text", "markdown", "html", "junit"])
def test_these_formats_say_what_is_shared_and_what_differs(report: Report, name: str) -> None:
    shown = formats.render(report, name, Options(width=130))
    for said in ("in 19 of 20 deaths", "in 18 of 20 deaths", "stress.py:25 in shrink", "mi_free"):
        assert said in shown


def test_redacted_it_keeps_lines_and_drops_folders_and_texts(report: Report) -> None:
    assert report.consensus is not None
    line = dataclasses.replace(report.consensus.lines[0], operation="getattr 'hunter2'")
    secret = dataclasses.replace(
        report, consensus=dataclasses.replace(report.consensus, lines=(line,))
    )
    for name in formats.FORMATS:
        shown = formats.render(secret, name, Options(redact=True))
        assert "hunter2" not in shown
        assert "/home/ada" not in shown


def test_blame_asks_for_the_functions_that_the_lines_call() -> None:
    said = (
        Operation(kind=OperationKind.CALL, name="heappush"),
        Operation(kind=OperationKind.SETATTR, name="size"),
        "heappop",
    )
    line = AgreedLine(operation="", file=PROGRAM, line=1, function=None, deaths=1)
    report = conclude(twenty(), RUNS)
    assert report.consensus is not None
    lines = tuple(dataclasses.replace(line, operation=each) for each in said)
    agreed = dataclasses.replace(report.consensus, lines=lines)
    # A text is one of a report of an earlier version, of which nobody knows what it names.
    assert functions_of(dataclasses.replace(report, consensus=agreed)) == ["heappush"]


def test_hangs_of_one_kind_are_one_symptom() -> None:
    """Their titles name threads, which are others in each run."""
    deaths = []
    for lwp in (700, 800):
        found = Finding(
            "FT303",
            f"deadlock: LWP {lwp} waits for itself",
            Confidence.PROVEN,
            name="deadlock",
            kind="concurrency",
        )
        one = death("a", None)
        report = dataclasses.replace(one.report, crash=None, findings=(found,))
        deaths.append(dataclasses.replace(one, report=report))
    agreed = conclude(Group(tuple(deaths)), []).consensus
    assert agreed is not None
    assert [(t.text, t.deaths) for t in agreed.symptoms] == [("deadlock", 2)]
