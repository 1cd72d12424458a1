"""Which instructions of a piece of bytecode run again and again."""

from __future__ import annotations

import pytest

from fakes import opcodes_of
from gdbext.cpython.interpreter.bytecode import BytecodeInstruction
from gdbext.cpython.interpreter.code_facts import CodeFacts, find_handlers, find_loops
from gdbext.cpython.interpreter.frames import FrameCode
from gdbext.cpython.interpreter.operations import walked

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


NAMES = ("TreeBuilder", "builder", "start", "submit", "wait", "other")
MAKES = "LOAD_NAME:0 PUSH_NULL:0 CALL:0 STORE_NAME:1"
STARTS = "LOAD_NAME:1 LOAD_ATTR:5 CALL:0 POP_TOP:0"
SUBMITS = "LOAD_NAME:3 PUSH_NULL:0 LOAD_NAME:1 CALL:1 POP_TOP:0"
WAITS = "LOAD_NAME:4 PUSH_NULL:0 CALL:0 POP_TOP:0"


def facts_of(text: str, *loops: tuple[int, int]) -> CodeFacts:
    """Code of instructions that are one code unit long each."""
    pairs = [word.split(":") for word in text.split()]
    found = [BytecodeInstruction(n, name, int(arg), n + 1) for n, (name, arg) in enumerate(pairs)]
    done = walked(found, NAMES, opcodes_of(13))
    return CodeFacts(CODE, done.operations, loops, loads=done.loads, bindings=done.bindings)


def made_at(facts: CodeFacts, at: int, nth: int = 0) -> int | None:
    """The index of the call that made what the ``nth`` call of ``builder.start`` was done to."""
    starts = [o for o in facts.operations if (o.kind, o.name) == ("call-method", "start")]
    made = facts.made_for(starts[nth], at)
    return made.index if made else None


def test_what_was_done_to_a_new_object_before_others_had_it_is_over() -> None:
    once = facts_of(f"{MAKES} {STARTS} {SUBMITS} {WAITS}")
    assert made_at(once, 15) == 2
    assert made_at(once, 11) == 2, "while it is handed on"
    assert made_at(once, 6) is None, "it runs"
    assert made_at(once, 5) is None, "it is to come"
    again = facts_of(f"{MAKES} {STARTS} {SUBMITS} {WAITS}", (0, 16))
    assert made_at(again, 15) == 2, "each round makes another object"
    inner = facts_of(f"{MAKES} {STARTS} {SUBMITS} {WAITS}", (0, 16), (4, 7))
    assert made_at(inner, 15) == 2
    assert made_at(inner, 7) is None, "the loop does it again"


@pytest.mark.parametrize(
    "between",
    [
        SUBMITS,
        "LOAD_NAME:1 STORE_NAME:5",
        "LOAD_NAME:1 LOAD_ATTR:4 STORE_NAME:5",
        "LOAD_NAME:1 LOAD_NAME:5 STORE_ATTR:2",
        "LOAD_NAME:1 BUILD_LIST:1 POP_TOP:0",
        "LOAD_NAME:1 YIELD_VALUE:0 POP_TOP:0",
    ],
)
def test_what_anybody_may_have_by_then_is_not_over(between: str) -> None:
    facts = facts_of(f"{MAKES} {between} {STARTS} {WAITS}")
    last = max(o.index for o in facts.operations)
    assert made_at(facts, last) is None


def test_what_a_loop_does_after_the_object_was_handed_on_is_done_to_the_same() -> None:
    facts = facts_of(f"{MAKES} {SUBMITS} {STARTS} {WAITS}", (9, 17))
    assert made_at(facts, 15) is None
    both = facts_of(f"{MAKES} {STARTS} {SUBMITS} {STARTS} {WAITS}", (0, 20))
    assert made_at(both, 19, 0) == 2
    assert made_at(both, 19, 1) is None
    bound_again = facts_of(f"{MAKES} {STARTS} {MAKES} {WAITS}")
    assert made_at(bound_again, 15) is None, "what the variable means now is another one"
    given = facts_of(f"LOAD_NAME:5 STORE_NAME:1 {STARTS} {WAITS}")
    assert made_at(given, 9) is None, "it was not made here"
