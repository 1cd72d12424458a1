"""What functions without debug information were given: said by their code, used only where it leads
to an object.
"""

from __future__ import annotations

import pytest

from fakes import FakeDebugger
from gdbext.cpython.traits.functions import EVAL_LOOP
from gdbext.diagnosis.facts.frames import CFrame, CrashStack, SlotOwner
from gdbext.diagnosis.observe.frame_words import guess_arguments
from gdbext.target.protocol import Debugger, NativeFrame

MODULE = "/bin/python"
# push rbx; mov rdi,rbx; call; nop
CODE = bytes.fromhex("534889fbe80000000090")
REPR, UNION = 0x1000, 0x2000
OBJECT, OTHER = 0x70000, 0x71000
UNION_REPR = SlotOwner(type_name="types.UnionType", type_address=None, slot="tp_repr")


class Nothing:
    """A heap without blocks and a world without objects."""

    def __init__(self, memory: Debugger) -> None:
        self.memory = memory
        self.block = None

    def judge(self, _address: int) -> Nothing:
        return self

    def type_of(self, _address: int) -> None:
        return None


def guesses(innermost: str | None, *, same: bool = True) -> list[tuple[int, int, str, bool]]:
    """(address, level, name, whether it was passed on) of each guess.

    ``union_repr`` was called by a function that was given the same object, or another one.
    """
    debugger = FakeDebugger({REPR: CODE, UNION: CODE})
    debugger.register_sets = {
        (7, 0): {"rbx": OBJECT},
        (7, 1): {"rbx": OBJECT if same else OTHER},
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
    nothing = Nothing(debugger)
    starts = {0: REPR, 1: UNION}
    found = guess_arguments(
        debugger,
        nothing,  # type: ignore[arg-type]
        nothing,  # type: ignore[arg-type]
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
