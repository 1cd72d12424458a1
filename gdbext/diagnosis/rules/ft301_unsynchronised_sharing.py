"""FT301: the race as a finding of its own, where no other finding is about its object."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.model import Claim, Finding, Race, Subject


def check_race(facts: Facts, race: Race) -> Iterator[Finding]:
    """The race's own object, operations and threads."""
    yield RULE.finding(
        facts,
        Claim(
            "operations-on",
            operations=tuple(t.operation for t in race.threads),
            type=race.object.type,
        ),
        race.confidence,
        Subject(race.object.address, race.object.type),
        evidence=race.evidence,
        threads=[t.lwp for t in race.threads],
    )


RULE = Rule(
    id="FT301",
    title="unsynchronised sharing",
    explanation=(
        "Two threads work on one mutable object at the same time, at least one of them changes it, "
        "and no lock that both hold protects it."
    ),
    advice=(
        "Guard the object with a lock, give each thread its own, or hand it over through a queue."
    ),
    traits=RuleTraits(
        kind=Kind.CONCURRENCY,
        order=180,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE}),
        is_race=True,
        has_no_site=True,
    ),
    check_race=check_race,
)
