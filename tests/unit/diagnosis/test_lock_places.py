"""What a lock is in, as reports name it, and what to look for where nobody is seen to have it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.memory import LockProblem
from gdbext.diagnosis.rules import apply
from gdbext.model import Claim, Confidence, LockProblemKind
from unit.diagnosis.crash_world import facts_of, session_of
from unit.heap.heap_world import MEM, OBJECT, HeapWorld


def name_at(world: HeapWorld, address: int) -> str:
    """What the lock whose word is at that address is called."""
    [lock] = session_of(world).locks.locks_of(address)
    return lock.name


def test_a_lock_in_an_objects_struct_has_the_objects_type() -> None:
    world = HeapWorld()
    page = world.page(OBJECT, 80)
    number = page.object("float", ob_ref_local=1)
    header, size = world.layout.size("PyObject"), world.layout.size("PyFloatObject")
    world.objects_world.set("PyTypeObject", world.types["float"], tp_basicsize=size)
    gone = page.object("float")
    page.free(gone)
    block = world.page(MEM, 80).take()
    assert name_at(world, number + header) == "in a float"
    assert name_at(world, number + size) == "", "behind the struct"
    assert name_at(world, gone + header) == "", "nothing is there any more"
    assert name_at(world, block + header) == "", "memory that is not an object's"


@pytest.mark.parametrize(
    ("detail", "is_own"),
    [("dead-end", True), ("waits-for-own-lock", True), ("cycle-but-for-one", False)],
)
def test_who_may_wait_for_its_own_lock_is_told_where_to_look(detail: str, is_own: bool) -> None:
    claim = Claim(detail, thread="worker", lock="lock", step="…", waiter="other")
    problem = LockProblem(
        kind=LockProblemKind.DEADLOCK, detail=claim, confidence=Confidence.POSSIBLE
    )
    facts = replace(facts_of(HeapWorld(), fault=Fault(signal=None)), lock_problems=(problem,))
    [found] = [f for f in apply.findings(facts) if f.rule == "FT303"]
    assert ("callback" in found.advice) is is_own
