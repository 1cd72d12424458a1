"""What the registry of rules promises to those who go by a rule's traits."""

from __future__ import annotations

from collections import Counter

from gdbext.diagnosis.registry import rule_of, rules
from gdbext.model import LockProblemKind


def test_each_kind_of_lock_problem_is_one_rule() -> None:
    kinds = Counter(rule.traits.lock_problem for rule in rules().values())
    assert {kind: kinds[kind] for kind in LockProblemKind} == dict.fromkeys(LockProblemKind, 1)
    assert {kind: rule_of(kind).id for kind in LockProblemKind} == {
        LockProblemKind.MUTEX_MISUSE: "FT302",
        LockProblemKind.DEADLOCK: "FT303",
        LockProblemKind.STOP_THE_WORLD: "FT304",
    }
