"""FT301: the race as a finding of its own, where no other finding is about its object."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.model import Finding, Race, Subject
from gdbext.wording.operations import operation_text


def check_race(facts: Facts, race: Race) -> Iterator[Finding]:
    """The race's own object, operations and threads."""
    names = " and ".join(operation_text(t.operation) for t in race.threads)
    yield RULE.finding(
        facts,
        f"{names} on one {race.object.type}",
        race.confidence,
        Subject(race.object.address, race.object.type),
        evidence=race.evidence,
        threads=[t.lwp for t in race.threads],
    )


RULE = Rule(
    id="FT301",
    title="unsynchronised sharing",
    explanation=(
        "Two threads work on one mutable object at the same time, at least one of them changes it, and "
        "no lock that both hold protects it."
    ),
    advice="Guard the object with a lock, give each thread its own, or hand it over through a queue.",
    traits=RuleTraits(
        kind=Kind.CONCURRENCY,
        order=180,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE}),
        is_race=True,
        has_no_site=True,
    ),
    check_race=check_race,
)
