"""Which instructions of a piece of bytecode run again and again."""

from __future__ import annotations

from gdbext.cpython.interpreter.bytecode import Instruction
from gdbext.cpython.interpreter.code_facts import find_loops


def jump(name: str, index: int, oparg: int) -> Instruction:
    return Instruction(index, name, oparg, index + 2)


def test_a_jump_back_is_a_loop() -> None:
    assert find_loops([jump("JUMP_BACKWARD", 20, 18)]) == [(4, 20)]


def test_the_way_back_from_an_exception_handler_is_none() -> None:
    """Handlers stand at the end of the code; what follows the ``try`` block would seem to run
    again.
    """
    assert find_loops([jump("JUMP_BACKWARD_NO_INTERRUPT", 20, 18)]) == []
