"""Which instructions of a piece of bytecode run again and again."""

from __future__ import annotations

from gdbext.cpython.interpreter.bytecode import BytecodeInstruction
from gdbext.cpython.interpreter.code_facts import CodeFacts, find_loops
from gdbext.cpython.interpreter.frames import FrameCode

CODE = FrameCode(0, "f", "a.py", 1, b"", 0, 0, {}, (), 0, 0)


def jump(name: str, index: int, oparg: int) -> BytecodeInstruction:
    return BytecodeInstruction(index, name, oparg, index + 2)


def test_a_jump_back_is_a_loop() -> None:
    assert find_loops([jump("JUMP_BACKWARD", 20, 18)]) == [(4, 20)]


def test_the_way_back_from_an_exception_handler_is_none() -> None:
    """Handlers stand at the end of the code; what follows the ``try`` block would seem to run
    again.
    """
    assert find_loops([jump("JUMP_BACKWARD_NO_INTERRUPT", 20, 18)]) == []


def test_what_stands_before_a_loop_is_over_once_the_loop_runs() -> None:
    """``iter`` of a ``for`` statement stands on its line, and runs once."""
    facts = CodeFacts(CODE, loops=[(4, 20)])
    assert facts.is_before_loop(3, 10)
    assert not facts.is_before_loop(4, 10)
    assert not facts.is_before_loop(3, 3)
    assert not facts.is_before_loop(3, 22)
