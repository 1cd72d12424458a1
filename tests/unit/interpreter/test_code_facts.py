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


def test_what_the_code_has_yet_to_do() -> None:
    """Three lines of two code units each: the first, the second, and a handler of the first."""
    table = bytes([0x80 | 10 << 3 | 1, 0, 5, 0x80 | 11 << 3 | 1, 0, 5, 0x80 | 13 << 3 | 1, 3])
    code = FrameCode(0, "f", "a.py", 1, table, 6, 0, {}, (), 0, 0)
    once = CodeFacts(code)
    assert once.is_to_come(1, 0), "on the same line"
    assert once.is_to_come(3, 0), "on a later line"
    assert not once.is_to_come(0, 1)
    assert not once.is_to_come(1, 1)
    assert not once.is_to_come(4, 2), "a handler of the line before may have run"
    assert not once.is_to_come(6, 2), "outside the code"
    assert not CodeFacts(code, loops=[(0, 3)]).is_to_come(1, 0)
    assert CodeFacts(code, loops=[(0, 1)]).is_to_come(3, 0)
