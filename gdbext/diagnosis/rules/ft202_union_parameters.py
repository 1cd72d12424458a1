"""FT202: two threads are inside the lazy initialisation of one union's parameters."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.memory import UnionInitialisation
from gdbext.diagnosis.facts.types import UNION
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.model import Claim, Confidence, Evidence, Finding, Subject


def check(facts: Facts) -> Iterator[Finding]:
    """Each union that several threads compute the parameters of."""
    for found in facts.unions:
        # A fault elsewhere has a cause of its own.
        is_it = not facts.fault.is_fault or _works_on(facts, found)
        yield RULE.finding(
            facts,
            Claim("parameters-raced", count=len(found.threads)),
            Confidence.PROVEN if is_it else Confidence.POSSIBLE,
            Subject(found.union, found.type, UNION, found.verdict),
            evidence=[
                Evidence(
                    Claim("parameters-computed"), found.union, ", ".join(map(str, found.threads))
                )
            ],
            threads=found.threads,
        )


def _works_on(facts: Facts, found: UnionInitialisation) -> bool:
    """Whether the thread that died is one of those, or uses the union."""
    return facts.stack.lwp in found.threads or any(p.address == found.union for p in facts.pointers)


RULE = Rule(
    id="FT202",
    title="union parameters raced",
    explanation=(
        "Two threads filled in one union's lazily made parameters at once. "
        "One of the two tuples is lost: it leaks, or its reader is left with a pointer whose "
        "reference is gone. Where both threads were caught in it, triage says so; "
        "what was left over long before is found by `ft scan --orphans`, which names the unions."
    ),
    advice="Upgrade to 3.13.4, 3.14 or later, where a critical section guards it (gh-132713).",
    traits=RuleTraits(
        kind=Kind.MEMORY,
        order=70,
        defects=frozenset({Defect.LAZY_INIT_RACE}),
        has_own_race=True,
        suspects_subject=True,
    ),
    check=check,
)
