"""Which instructions of a piece of bytecode run again and again."""

from __future__ import annotations

from gdbext.cpython.interpreter.bytecode import BytecodeInstruction
from gdbext.cpython.interpreter.code_facts import CodeFacts, find_handlers, find_loops
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


def test_an_exception_handler_is_part_of_the_loop_that_it_goes_back_to() -> None:
    """``while True: try: … except Empty: …``: the handler stands behind the code."""
    code = [
        jump("JUMP_BACKWARD", 20, 18),
        jump("PUSH_EXC_INFO", 40, 0),
        jump("JUMP_BACKWARD_NO_INTERRUPT", 60, 52),
    ]
    assert find_handlers(code) == [(40, 60, 10)]
    facts = CodeFacts(CODE, loops=find_loops(code), handlers=find_handlers(code))
    assert facts.same_loop(50, 12)
    assert facts.same_loop(50, 45)
    assert not facts.same_loop(50, 30)
    assert not facts.same_loop(70, 12)


def test_the_loop_of_an_await_in_a_handler_is_no_way_out_of_it() -> None:
    code = [jump("PUSH_EXC_INFO", 40, 0), jump("JUMP_BACKWARD_NO_INTERRUPT", 60, 10)]
    assert find_handlers(code) == []
