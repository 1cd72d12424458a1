"""Freed memory without an object that the code at fault works in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fakes import FakeDebugger
from gdbext.diagnosis.facts.cause import Cause
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CFrame, FrameVariable
from gdbext.diagnosis.facts.memory import FreedMemory, Lead
from gdbext.diagnosis.facts.origin import Load, Origin
from gdbext.diagnosis.observe.freed_memory import find_freed_memory
from gdbext.diagnosis.rules import ft102_use_after_free, ft203_container_changed
from gdbext.model import Confidence
from gdbext.target.protocol import Field, NativeFrame, Struct
from gdbext.wording import sentence
from unit.diagnosis.crash_world import (
    GC,
    MEM,
    PYTHON,
    SELF,
    FakePage,
    HeapWorld,
    facts_of,
    segfault,
    session_of,
    stack_of,
)

VALUE = 0x20
"""Where a float has its number: here, a pointer."""


def read_from(place: int, **parts: Any) -> Fault:
    """A fault through the NULL that was read from there."""
    load = Load(place=place, value=0, base=place, **parts)
    return replace(segfault(0, 0x18), origin=Origin(loads=(load,)))


class Crash:
    """A function of an object that leads to a block, which is free."""

    def __init__(self, tag: int = MEM, function: str = "popitem", is_free: bool = True) -> None:
        self.world = HeapWorld()
        self.page: FakePage = self.world.page(tag, 64)
        self.block = self.page.take()
        if is_free:
            self.page.free(self.block)
        self.owner = self.world.page(GC, 64).object("float")
        self.function = function

    def found(self, fault: Fault, leads_to: int | None = None) -> FreedMemory | None:
        word = self.world.objects_world.words(self.block if leads_to is None else leads_to)
        self.world.memory.write(self.owner + VALUE, word)
        frame = NativeFrame(0, 0x1000, 0x7000, self.function, module=PYTHON)
        me = FrameVariable("self", "Shelf *", self.owner, is_argument=True, is_object=True)
        stack = stack_of(frame, c_frames=[CFrame(frame, (me,))])
        session = session_of(self.world)
        assert isinstance(session.debugger, FakeDebugger)
        size = self.world.layout.size("PyFloatObject")
        session.debugger.structs["Shelf"] = Struct("Shelf", size, {"first": Field(VALUE, 8)})
        return find_freed_memory(session, stack, fault)


def test_the_block_that_the_bad_pointer_was_read_from() -> None:
    crash = Crash()
    memory = crash.found(read_from(crash.block + 8))
    assert memory is not None
    assert (memory.start, memory.size) == (crash.block, 64)
    assert memory.lead == Lead(holder=crash.owner, type="float", field="first")


def test_the_block_that_the_instruction_accessed() -> None:
    crash = Crash()
    memory = crash.found(segfault(crash.block, 0x10), leads_to=0x1230)
    assert memory is not None
    assert (memory.place, memory.lead) == (crash.block + 0x10, None)


@pytest.mark.parametrize(
    "load",
    [{"is_fresh": False}, {"is_certain": False}, {"is_local": True}, {"is_object": True}],
    ids=["before a call", "not known", "the stack", "an object"],
)
def test_what_was_read_before_may_have_been_freed_by_right(load: dict[str, bool]) -> None:
    crash = Crash()
    assert crash.found(read_from(crash.block, **load)) is None


@pytest.mark.parametrize(
    "crash",
    [Crash(is_free=False), Crash(function="mi_free"), Crash(tag=GC)],
    ids=["in use", "the allocator", "an object's block"],
)
def test_what_is_no_use_of_freed_memory(crash: Crash) -> None:
    assert crash.found(read_from(crash.block)) is None


def test_it_is_told_as_the_field_of_the_object_that_leads_there() -> None:
    lead = Lead(holder=0x2000, type="shelf.Shelf")
    memory = FreedMemory(place=0x3008, start=0x3000, size=64, lead=lead)
    frame = NativeFrame(0, 0x1000, 0x7000, "popitem", module=PYTHON)
    stopped = facts_of(HeapWorld(), fault=read_from(0x3008), stack=stack_of(frame))

    def told(memory: FreedMemory) -> str:
        [finding] = ft102_use_after_free.check(replace(stopped, freed_memory=memory))
        assert finding.confidence is Confidence.LIKELY
        assert finding.subject is not None
        assert finding.subject.address == 0x3000
        return sentence(finding.title).partition(": ")[2]

    assert told(replace(memory, lead=replace(lead, field="first"))) == (
        "popitem uses first of a shelf.Shelf, which was freed"
    )
    assert told(memory) == "popitem uses memory of a shelf.Shelf, which was freed"
    assert told(replace(memory, lead=None)) == "popitem uses memory that was freed"


def test_a_container_that_was_changed_under_its_reader_says_more() -> None:
    world = HeapWorld()
    lst = world.page(GC, 64).object("list")
    world.set("PyListObject", lst, ob_size=8, ob_item=world.page(MEM, 64).take(), allocated=8)
    frame = NativeFrame(0, 0x1000, 0x7000, "walk", module=PYTHON)
    index = FrameVariable("i", "Py_ssize_t", 46)
    fault = segfault(0x3000, 0x18)
    stack = stack_of(frame, c_frames=[CFrame(frame, (index,))])
    use = replace(SELF, expected="list", function="walk")
    stopped = facts_of(world, lst, use=use, fault=fault, stack=stack)
    stopped = replace(stopped, cause=Cause(), freed_memory=FreedMemory(place=0x3018, start=0x3000))
    assert list(ft203_container_changed.check(stopped))
    assert not list(ft102_use_after_free.check(stopped))
    elsewhere = replace(stopped, pointers=())
    assert list(ft102_use_after_free.check(elsewhere))
