"""FT303: threads wait for each other's locks in a cycle."""

from __future__ import annotations

from collections.abc import Iterable

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.diagnosis.rules.locks import problems
from gdbext.model import Finding, LockProblemKind

ALONE = (
    "The thread may have the lock already: look for a call into Python while it is held (a "
    "callback, a Py_DECREF), which comes back for it; else for a path that returns without "
    "unlocking."
)


def check(facts: Facts) -> Iterable[Finding]:
    """What the locks' own state says."""
    return problems(facts, RULE, advice={"dead-end": ALONE, "waits-for-own-lock": ALONE})


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
