"""What functions without debug information were given: said by their code, used only where it leads
to an object.
"""

from __future__ import annotations

import pytest

from fakes import FakeDebugger
from gdbext.cpython.traits.functions import EVAL_LOOP
from gdbext.diagnosis.facts.frames import CFrame, CrashStack, SlotOwner
from gdbext.diagnosis.observe.frame_words import guess_arguments
from gdbext.target.protocol import NativeFrame
from unit.heap.heap_world import GC, MEM, HeapWorld
from unit.heap.heap_world import OBJECT as OBJECT_HEAP

MODULE = "/bin/python"
# push rbx; mov rdi,rbx; call; nop
CODE = bytes.fromhex("534889fbe80000000090")
REPR, UNION = 0x1000, 0x2000
OBJECT, OTHER = 0x70000, 0x71000
UNION_REPR = SlotOwner(type_name="types.UnionType", type_address=None, slot="tp_repr")


def guesses(
    innermost: str | None, *, same: bool = True, lies_in: int | None = None
) -> list[tuple[int, int, str, bool]]:
    """(address, level, name, whether it was passed on) of each guess.

    ``union_repr`` was called by a function that was given the same object, or another one.  That
    is in no memory, or at the start of a block of the heap that ``lies_in`` says.
    """
    world = HeapWorld()
    world.memory.segments |= {REPR: bytearray(CODE), UNION: bytearray(CODE)}
    address = OBJECT if lies_in is None else world.page(lies_in, 64).take()
    debugger = FakeDebugger()
    debugger.segments = world.memory.segments
    debugger.register_sets = {
        (7, 0): {"rbx": address},
        (7, 1): {"rbx": address if same else OTHER},
    }
    frames = (
        NativeFrame(0, REPR + len(CODE) - 1, 0x8000, innermost, module=MODULE),
        NativeFrame(1, UNION + len(CODE) - 1, 0x8100, None, module=MODULE),
        NativeFrame(2, 0x5000, 0x8200, EVAL_LOOP, module=MODULE),
    )
    stack = CrashStack(
        lwp=7,
        native_frames=frames,
        c_frames=(CFrame(frames[0]), CFrame(frames[1], (), UNION_REPR)),
        interpreter_module=MODULE,
    )
    heap = world.heap()
    starts = {0: REPR, 1: UNION}
    found = guess_arguments(
        debugger,
        heap.records.objects,
        heap,
        lambda frame, _exact: range(starts[frame.level], starts[frame.level] + len(CODE)),
        stack,
    )
    return [(address, use.level, use.name, use.passed_on) for address, use in found]


@pytest.mark.parametrize("same", [True, False])
def test_a_slots_self_is_what_its_code_keeps(same: bool) -> None:
    assert guesses(None, same=same) == [(OBJECT if same else OTHER, 1, "self", False)]


def test_a_function_of_the_object_protocol_was_given_an_object() -> None:
    assert guesses("PyObject_Repr")[0] == (OBJECT, 0, "argument 1", False)


@pytest.mark.parametrize("name", ["PyObject_Free", "PyObject_GC_Del", "PyMem_Free", None])
def test_other_functions_arguments_count_only_where_an_object_is(name: str | None) -> None:
    assert [level for _, level, _, _ in guesses(name)] == [1]


@pytest.mark.parametrize(("lies_in", "levels"), [(GC, [0, 1]), (OBJECT_HEAP, [0, 1]), (MEM, [1])])
def test_an_object_may_be_where_objects_are_made(lies_in: int, levels: list[int]) -> None:
    found = guesses(None, same=False, lies_in=lies_in)
    assert sorted(level for _, level, _, _ in found) == levels
