"""FT304: a thread asked all others to stop, and at least one stays attached without reaching a safe
point.
"""

from __future__ import annotations

from collections.abc import Iterable

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.diagnosis.rules.locks import problems
from gdbext.model import Finding, LockProblemKind

ATTACHED = (
    "Release the thread state (Py_BEGIN_ALLOW_THREADS) before you lock the mutex, or use PyMutex; "
    "call no Python while you hold it."
)


def check(facts: Facts) -> Iterable[Finding]:
    """What the locks' own state says."""
    return problems(facts, RULE, ATTACHED)


RULE = Rule(
    id="FT304",
    title="stop-the-world stuck",
    explanation=(
        "A thread asked all others to stop, and at least one stays attached without reaching a "
        "safe point."
    ),
    advice=(
        "The thread that does not stop runs C code without detaching: wrap long native work in "
        "Py_BEGIN_ALLOW_THREADS."
    ),
    traits=RuleTraits(
        kind=Kind.CONCURRENCY,
        order=200,
        defects=frozenset({Defect.DEADLOCK}),
        lock_problem=LockProblemKind.STOP_THE_WORLD,
    ),
    check=check,
)
