"""A new rule is one new file: nothing else has to know of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gdbext.cli import explain
from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis import registry, rules
from gdbext.diagnosis.conclude.races import find_races
from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity, ThreadAccesses
from gdbext.diagnosis.facts.crash_site import CrashSite
from gdbext.diagnosis.known_issues.catalogue import catalogue
from gdbext.diagnosis.known_issues.identify import Identified
from gdbext.diagnosis.rules import apply
from gdbext.diagnosis.signature import signature
from gdbext.model import Finding, Operation, OperationKind, Report
from gdbext.reports.formats import render
from gdbext.reports.options import Options
from gdbext.wording import sentence
from unit.diagnosis.crash_world import GC, HeapWorld, facts_of
from unit.reports import samples

RULE = """
from gdbext.diagnosis.rule import Defect, Kind, Lost, Rule, RuleTraits
from gdbext.diagnosis.rules.phrases import subject_of
from gdbext.model import Claim, Confidence


def check(facts):
    if facts.pointers:
        subject = subject_of(facts.pointers[0])
        seen = Claim("moon-seen", template="{count:moon} was seen", count=1)
        yield RULE.finding(facts, seen, Confidence.PROVEN, subject)


RULE = Rule(
    id="FT299",
    title="object under the moon",
    explanation="The moon shone on an object.",
    advice="Close the curtains.",
    traits=RuleTraits(
        kind=Kind.MEMORY,
        order=5,
        defects=frozenset({Defect.MEMORY}),
        lost=Lost.CONTENT,
        family="moon",
    ),
    check=check,
)
"""


@pytest.fixture
def finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Finding]:
    """The new rule's finding on a list, which all the rules were asked about."""
    (tmp_path / "ft299_moon.py").write_text(RULE)
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, str(tmp_path)])
    registry.forget()
    world = HeapWorld()
    facts = facts_of(world, world.page(GC, 64).object("list"))
    yield apply.findings(facts)[0]
    registry.forget()


def report_of(finding: Finding) -> Report:
    return dataclasses.replace(samples.founding(), findings=(finding,))


def test_it_is_the_headline_where_it_says_that_it_is_more_specific(finding: Finding) -> None:
    assert (finding.rule, sentence(finding.title)) == (
        "FT299",
        "object under the moon: 1 moon was seen, in area of shapes",
    )
    assert (finding.name, finding.kind) == ("object under the moon", "memory")


@pytest.mark.parametrize("form", ["text", "markdown", "html", "github", "junit"])
def test_reports_for_people_have_it(finding: Finding, form: str) -> None:
    page = render(report_of(finding), form, Options())
    assert "FT299" in page
    assert "object under the moon: 1 moon was seen" in page


def test_json_has_it(finding: Finding) -> None:
    [told] = json.loads(render(report_of(finding), "json", Options()))["findings"]
    assert (told["rule"], told["name"], told["kind"]) == (
        "FT299",
        "object under the moon",
        "memory",
    )


def test_sarif_has_it_among_its_rules(finding: Finding) -> None:
    [run] = json.loads(render(report_of(finding), "sarif", Options()))["runs"]
    [rule] = run["tool"]["driver"]["rules"]
    assert (rule["id"], rule["shortDescription"]["text"]) == ("FT299", "object under the moon")
    assert run["results"][0]["ruleId"] == "FT299"


def test_its_family_makes_the_signature(finding: Finding) -> None:
    def marked(finding: Finding, *functions: str) -> str:
        site = CrashSite(functions=functions, is_crash=True)
        return signature(site, [finding], (), Accesses(), Identified()).id

    assert marked(finding, "list_repr") == marked(finding, "list_repr")
    assert marked(finding, "list_repr") != marked(finding, "list_append")
    other = dataclasses.replace(finding, rule="FT298")
    assert marked(finding, "list_repr") != marked(other, "list_repr")


def test_the_race_on_its_subject_is_looked_for(finding: Finding) -> None:
    assert finding.subject is not None
    address = finding.subject.address

    def thread(lwp: int, name: str, effect: Effect) -> ThreadAccesses:
        access = Access(
            lwp=lwp,
            address=address,
            type="list",
            operation=Operation(kind=OperationKind.CALL, name=name),
            effect=effect,
            proximity=Proximity.LINE,
        )
        return ThreadAccesses(lwp=lwp, nearest=(access,), by_code=(access,))

    shared = Accesses(
        crashed=100, threads=(thread(100, "sort", Effect.READ), thread(101, "clear", Effect.RESIZE))
    )
    race = find_races(shared, [finding], is_crash=False)[0]
    assert race.object.address == address
    assert [t.operation.name for t in race.threads if isinstance(t.operation, Operation)] == [
        "sort",
        "clear",
    ]


def test_known_issues_of_its_class_may_show_as_it(finding: Finding) -> None:
    shown = [issue for issue in catalogue() if finding.rule in issue.rules]
    assert {"borrowed-item-uaf"} <= {issue.defect for issue in shown}
    assert not {"deadlock", "stack-overflow"} & {issue.defect for issue in shown}


def test_gdbext_explains_it(finding: Finding, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain.run(explain.parser().parse_args([finding.rule])) == 0
    told = capsys.readouterr().out
    assert "FT299  object under the moon" in told
    assert "The moon shone" in told
    assert "Close the curtains." in told
