"""FT302: a lock's state is impossible or contradicts its waiters."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.diagnosis.rules.locks import problems
from gdbext.model import Confidence, Finding, LockProblemKind


def check(facts: Facts) -> Iterator[Finding]:
    """What the locks' own state says; what is only possible is said of a crash alone."""
    for finding in problems(facts, RULE):
        if facts.fault.is_crash or finding.confidence is not Confidence.POSSIBLE:
            yield finding


RULE = Rule(
    id="FT302",
    title="mutex misuse",
    explanation="A lock's state is impossible or contradicts its waiters.",
    advice="Look for an unlock without a lock, a lock in freed memory, or a lock held across fork.",
    traits=RuleTraits(
        kind=Kind.CONCURRENCY,
        order=190,
        defects=frozenset({Defect.DEADLOCK, Defect.MUTEX_MISUSE}),
        lock_problem=LockProblemKind.MUTEX_MISUSE,
    ),
    check=check,
)
