"""What the code that crashed is there for, in the words of who called it."""

from __future__ import annotations

import pytest

from gdbext.diagnosis.conclude.operations import of_crashed_frame
from gdbext.diagnosis.facts.frames import CFrame, SlotOwner
from gdbext.target.protocol import NativeFrame
from gdbext.wording.operations import operation_text
from unit.diagnosis.crash_world import EXTENSION, PYTHON, STANDARD, stack_of

CALL = SlotOwner("builtin_function_or_method", None, "tp_call")
REPR = SlotOwner("list", None, "tp_repr")
TOTAL = SlotOwner("ringbuf.Ring", None, "total()")


def frame(
    level: int,
    name: str | None,
    module: str,
    owner: SlotOwner | None = None,
    *,
    is_inlined: bool = False,
) -> CFrame:
    native = NativeFrame(level, 0x10 + level, 0x7000, name, module=module, is_inlined=is_inlined)
    return CFrame(native, owner=owner)


def said(*c_frames: CFrame) -> str:
    stack = stack_of(*(each.frame for each in c_frames), c_frames=c_frames)
    return operation_text(of_crashed_frame(stack, 0))


def test_of_what_an_extensions_function_called_it_is_the_function_of_the_c_api() -> None:
    outer = [frame(1, "first_after", EXTENSION), frame(2, "cfunction_call", PYTHON, CALL)]
    assert said(frame(0, "PyObject_Repr", PYTHON), *outer) == "PyObject_Repr"
    inner = [frame(0, "PyObject_GetAttr", PYTHON), frame(1, "PyObject_GetAttrString", PYTHON)]
    assert said(*inner, frame(2, "recall", EXTENSION)) == "PyObject_GetAttrString"


def test_an_extensions_function_is_no_helper_of_what_called_it() -> None:
    own = frame(0, "Py_INCREF", EXTENSION, is_inlined=True), frame(1, "recall", EXTENSION)
    assert said(*own, frame(2, "cfunction_call", PYTHON, CALL)) == "Py_INCREF"


def test_a_method_of_an_extensions_is_what_its_code_is_there_for() -> None:
    inner = frame(0, "PyObject_Size", PYTHON)
    assert said(inner, frame(1, "ring_total", EXTENSION, TOTAL)) == "ringbuf.Ring.total()"


@pytest.mark.parametrize("module", [PYTHON, STANDARD])
def test_a_helper_of_pythons_own_belongs_to_the_slot_that_called_it(module: str) -> None:
    inner = [frame(0, "PyObject_Repr", PYTHON), frame(1, "list_repr_impl", module)]
    assert said(*inner, frame(2, "list_repr", module, REPR)) == "repr(list)"
