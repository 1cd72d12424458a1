"""FT402 of a lock that a critical section gives up and does not have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.observe.unlocked import read_unlocked
from gdbext.diagnosis.rules import ft104_double_free, ft402_fatal_error
from gdbext.model import Verdict
from gdbext.target.protocol import NativeFrame
from gdbext.wording import sentence
from unit.diagnosis.crash_world import (
    ABORT,
    GC,
    PYTHON,
    HeapWorld,
    facts_of,
    session_of,
    stack_of,
)

ROOM = 0x3F00
UNLOCKING = stack_of(
    NativeFrame(0, 0x1000, 0x7000, "_Py_FatalErrorFunc", module=PYTHON),
    NativeFrame(1, 0x1100, 0x7100, "PyMutex_Unlock", module=PYTHON),
    NativeFrame(2, 0x1200, 0x7200, "PyDict_Copy", module=PYTHON),
)


def in_section(world: HeapWorld, shared: int) -> None:
    """The first thread is in a critical section of the object."""
    section = world.threads[0].address + ROOM
    mutex = shared + world.layout.offset("PyObject", "ob_mutex")
    world.set("PyCriticalSection", section, _cs_mutex=mutex)
    world.threads[0] = replace(world.threads[0], critical_section=section)
    world.write()


@pytest.fixture
def world() -> HeapWorld:
    return HeapWorld()


@pytest.mark.parametrize("is_freed", [True, False])
def test_what_was_freed_while_it_was_locked_is_named(world: HeapWorld, is_freed: bool) -> None:
    page = world.page(GC, 64)
    shared = page.object("dict")
    in_section(world, shared)
    if is_freed:
        page.free(shared)
        world.write()
    unlocked = read_unlocked(session_of(world), UNLOCKING)
    assert unlocked is not None
    verdict = Verdict.FREED if is_freed else Verdict.LIVE
    assert (unlocked.address, unlocked.verdict) == (shared, verdict)
    fault = Fault(signal=ABORT, fatal_error="PyMutex_Unlock: unlocking mutex that is not locked")
    facts = replace(facts_of(world, fault=fault, stack=UNLOCKING), unlocked=unlocked)
    [found] = ft402_fatal_error.check(facts)
    said = sentence(found.evidence[-1].claim)
    assert ("was freed while it was locked" in said) is is_freed
    assert ("does not have it" in said) is not is_freed
    assert ("was freed while" in found.advice) is is_freed, "a live one may just be unlocked"


def test_a_mutex_of_c_code_may_be_unlocked_twice(world: HeapWorld) -> None:
    fault = Fault(signal=ABORT, fatal_error="PyMutex_Unlock: unlocking mutex that is not locked")
    [found] = ft402_fatal_error.check(facts_of(world, fault=fault, stack=UNLOCKING))
    assert "unlocks twice" in found.advice
    other = replace(fault, fatal_error="PyMutex_Unlock: something else")
    [found] = ft402_fatal_error.check(facts_of(world, fault=other, stack=UNLOCKING))
    assert "unlocks twice" not in found.advice


def test_a_lock_in_order_is_not_told(world: HeapWorld) -> None:
    page = world.page(GC, 64)
    shared = page.object("dict", ob_mutex=1)
    in_section(world, shared)
    assert read_unlocked(session_of(world), UNLOCKING) is None


def test_another_fatal_error_is_of_no_lock(world: HeapWorld) -> None:
    page = world.page(GC, 64)
    in_section(world, page.object("dict"))
    other = stack_of(NativeFrame(0, 0x1000, 0x7000, "_Py_FatalErrorFunc", module=PYTHON))
    assert read_unlocked(session_of(world), other) is None


def test_what_a_collection_counts_is_not_the_object_s_count(world: HeapWorld) -> None:
    """A tp_traverse that visits a field twice does this, and no reference is missing."""
    shared = world.page(GC, 64).object("dict")
    said = "validate_gc_objects: refcount is too small"
    fault = Fault(signal=ABORT, fatal_error=said, fatal_object=shared)
    facts = facts_of(world, fault=fault, stack=UNLOCKING)
    assert not list(ft104_double_free.check(facts))
    [found] = ft402_fatal_error.check(facts)
    assert "tp_traverse" in found.advice
    assert "tp_traverse" in sentence(found.evidence[-1].claim)
