"""An eval loop is one call of the interpreter, whether it has one native frame or two."""

from __future__ import annotations

from gdbext.cpython.traits.functions import EVAL_LOOP
from gdbext.diagnosis.facts.eval_loop import (
    eval_levels,
    is_entry,
    is_tail_calling,
)
from gdbext.target.values import NativeFrame


def stack(*functions: str | None, inlined: tuple[int, ...] = ()) -> list[NativeFrame]:
    return [
        NativeFrame(level, 0x1000 + level, 0x8000, function, is_inlined=level in inlined)
        for level, function in enumerate(functions)
    ]


def test_one_function_runs_all_instructions() -> None:
    frames = stack("union_repr", EVAL_LOOP, "method_vectorcall", None, EVAL_LOOP, "main")
    assert eval_levels(frames, tail_calling=False) == (1, 4)
    assert [frame.level for frame in frames if is_entry(frame)] == [1, 4]


def test_an_instructions_function_and_the_one_that_entered_are_one_loop() -> None:
    frames = stack("union_repr", "_TAIL_CALL_CALL_BUILTIN_O", EVAL_LOOP, "run_mod", "main")
    for tail_calling in (False, True):
        assert eval_levels(frames, tail_calling) == (1, 2)
    assert [frame.level for frame in frames if is_entry(frame)] == [2]


def test_functions_inlined_into_an_instructions_are_c_code_that_it_called() -> None:
    frames = stack("list_repr", "_PyObject_Call", "_TAIL_CALL_CALL", EVAL_LOOP, inlined=(1,))
    assert eval_levels(frames, tail_calling=True) == (2, 3)


def test_without_symbols_what_the_loop_entered_is_an_instruction() -> None:
    frames = stack("PyObject_Repr", None, EVAL_LOOP, None, None, EVAL_LOOP, "main")
    assert eval_levels(frames, tail_calling=True) == (1, 2, 4, 5)
    assert eval_levels(frames, tail_calling=False) == (2, 5)


def test_an_exported_function_that_the_entry_called_is_none() -> None:
    frames = stack("_Py_MergeZeroLocalRefcount", EVAL_LOOP, "main")
    assert eval_levels(frames, tail_calling=True) == (1,)


def test_how_a_build_is_known_to_tail_call() -> None:
    assert is_tail_calling(1011)
    assert not is_tail_calling(None)
    assert not is_tail_calling(0)
    assert not is_tail_calling(70_000)
