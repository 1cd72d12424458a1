"""FT303: threads wait for each other's locks in a cycle."""

from __future__ import annotations

from collections.abc import Iterable

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.diagnosis.rules.locks import problems
from gdbext.model import Finding, LockProblemKind


def check(facts: Facts) -> Iterable[Finding]:
    """What the locks' own state says."""
    return problems(facts, RULE)


RULE = Rule(
    id="FT303",
    title="deadlock",
    explanation="A cycle of threads waiting for each other's locks.",
    advice="Take the locks in one order everywhere.",
    traits=RuleTraits(
        kind=Kind.CONCURRENCY,
        order=150,
        defects=frozenset({Defect.DEADLOCK}),
        lock_problem=LockProblemKind.DEADLOCK,
    ),
    check=check,
)
