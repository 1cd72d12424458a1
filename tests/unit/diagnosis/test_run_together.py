"""A generator whose frame two threads have."""

from __future__ import annotations

from dataclasses import replace

from gdbext.cpython.interpreter.code_facts import CodeFacts
from gdbext.cpython.interpreter.frames import Frame, FrameCode
from gdbext.cpython.interpreter.operations import BytecodeOperation
from gdbext.diagnosis.facts.accesses import Proximity
from gdbext.diagnosis.observe.run_together import run_together
from gdbext.model import OperationKind
from unit.diagnosis.test_accesses_by_code import PROGRAM, reading
from unit.objects.object_world import World

FIRST, SECOND, THIRD = 1, 2, 3
GENERATOR_CODE, TAKES_CODE, LOOPS_CODE = 0x300, 0x400, 0x500
CODE = FrameCode(GENERATOR_CODE, "numbers", PROGRAM, 1, b"", 0, 0, {}, (), 0, 0)
FACTS = {
    GENERATOR_CODE: CodeFacts(CODE, ()),
    TAKES_CODE: CodeFacts(CODE, (BytecodeOperation(3, "call", ("global", "next"), "next"),)),
    LOOPS_CODE: CodeFacts(CODE, (BytecodeOperation(5, "next", ("fast", 0)),)),
}


def test_both_threads_are_where_they_have_resumed_it() -> None:
    world = World()
    generator = world.object("generator", world.layout.size("PyGenObject"))
    inner = generator + world.layout.offset("PyGenObject", "gi_iframe")
    numbers = Frame(inner, GENERATOR_CODE, "numbers", PROGRAM, 9, 2, 0)
    takes = Frame(0x9000, TAKES_CODE, "takes", PROGRAM, 20, 3, 0)
    loops = Frame(0x9100, LOOPS_CODE, "loops", PROGRAM, 30, 5, 0)
    alone = replace(loops, address=0x9200)
    stacks = {FIRST: (numbers, takes), SECOND: (numbers, loops), THIRD: (alone,)}
    observer = reading(world, stacks, FACTS, CODE)
    found = [access for lwp in (FIRST, SECOND) if (access := run_together(observer, lwp))]
    assert [access.address for access in found] == [generator] * 2
    assert {access.proximity for access in found} == {Proximity.INSIDE}
    assert run_together(observer, THIRD) is None


def test_of_a_thread_whose_caller_is_not_known_it_is_the_generators_own_line() -> None:
    world = World()
    generator = world.object("generator", world.layout.size("PyGenObject"))
    inner = generator + world.layout.offset("PyGenObject", "gi_iframe")
    numbers = Frame(inner, GENERATOR_CODE, "numbers", PROGRAM, 9, 2, 0)
    observer = reading(world, {FIRST: (numbers,), SECOND: (numbers,)}, FACTS, CODE)
    access = run_together(observer, SECOND)
    assert access is not None
    assert (access.line, access.function) == (9, "numbers")
    assert access.operation.kind is OperationKind.NEXT


def test_a_frame_that_is_no_generators_says_nothing() -> None:
    world = World()
    shared = Frame(0x9000, TAKES_CODE, "takes", PROGRAM, 20, 3, 0)
    observer = reading(world, {FIRST: (shared,), SECOND: (shared,)}, FACTS, CODE)
    assert run_together(observer, FIRST) is None
