from __future__ import annotations

from gdbext.target.protocol import SIGNAL_FRAME, NativeFrame
from gdbext.target.registers import GENERAL, PRESERVED, VOLATILE, known_registers


def frame(function: str, is_inlined: bool = False) -> NativeFrame:
    return NativeFrame(0, 0, 0, function, is_inlined=is_inlined)


def test_the_innermost_frame_and_what_is_inlined_into_it_know_all_registers() -> None:
    frames = [frame("Py_TYPE", True), frame("union_repr"), frame("PyObject_Repr")]
    assert known_registers(frames, 0) == GENERAL
    assert known_registers(frames, 1) == GENERAL
    assert known_registers(frames, 2) == PRESERVED


def test_an_inlined_caller_is_a_caller() -> None:
    frames = [frame("a"), frame("b", True), frame("c")]
    assert known_registers(frames, 1) == PRESERVED
    assert known_registers(frames, 2) == PRESERVED


def test_what_a_signal_interrupted_knows_all_registers() -> None:
    frames = [
        frame("raise"),
        frame("handler"),
        frame(SIGNAL_FRAME),
        frame("inlined", True),
        frame("culprit"),
        frame("caller"),
    ]
    assert known_registers(frames, 3) == GENERAL
    assert known_registers(frames, 4) == GENERAL
    assert known_registers(frames, 5) == PRESERVED


def test_a_register_is_either_preserved_or_volatile() -> None:
    assert sorted(PRESERVED + VOLATILE) == sorted(GENERAL)
