"""Which of the objects that two threads touch is the suspect, and which of a thread's operations count."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from gdbext.cpython.interpreter.operations import Operation
from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.effects import effect_of, effect_on_argument
from gdbext.diagnosis.race import ranked_pairs
from gdbext.diagnosis.touches import Near, Touch, merged

CASE: Any = SimpleNamespace(lwp=None, c_frames=[])
READ = Touch(1, 0x1000, "array.array", "getitem", Effect.READ, Near.AT, "a.py", 3, 3)
RESIZE = Touch(2, 0x1000, "array.array", "clear", Effect.RESIZE, Near.LOOP, "a.py", 9, 8)


def pairs(*touches: Touch) -> list[tuple[int, str, str]]:
    found: dict[int, list[Touch]] = {}
    for touch in touches:
        found.setdefault(touch.lwp, []).append(touch)
    return [(p.address, p.first.operation, p.second.operation) for p in ranked_pairs(CASE, found)]


def test_a_reader_and_a_writer() -> None:
    assert pairs(READ, RESIZE) == [(0x1000, "getitem", "clear")]


def test_readers_alone_are_suspects_only_where_nothing_guards_the_object() -> None:
    other = replace(READ, lwp=2)
    assert pairs(READ, other) == [(0x1000, "getitem", "getitem")]
    assert pairs(READ, replace(other, is_guarded=True)) == []
    assert pairs(replace(READ, near=Near.LOOP), replace(other, near=Near.LOOP)) == []


def test_an_object_that_both_threads_lock_comes_after_one_that_nothing_guards() -> None:
    guarded = [
        Touch(lwp, 0x2000, "list", "append", Effect.RESIZE, Near.AT, "a.py", 4, 4, is_guarded=True)
        for lwp in (1, 2)
    ]
    assert next(pair[0] for pair in pairs(READ, RESIZE, *guarded)) == 0x1000
    assert (
        next(
            pair[0]
            for pair in pairs(READ, RESIZE, *(replace(t, is_guarded=False) for t in guarded))
        )
        == 0x2000
    )


def test_another_operation_makes_the_better_opponent_unless_it_is_far_off() -> None:
    writers = [replace(RESIZE, lwp=lwp, near=Near.AT) for lwp in (2, 3)]
    reader = replace(READ, near=Near.LOOP)
    assert pairs(reader, *writers) == [(0x1000, "getitem", "clear")]
    assert pairs(replace(reader, near=Near.FUNCTION), *writers) == [(0x1000, "clear", "clear")]


def test_a_module_is_a_suspect_where_a_thread_is_at_its_function() -> None:
    calls = [
        Touch(lwp, 0x3000, "module", "register", Effect.UNKNOWN, Near.AT, "a.py", 5, 5)
        for lwp in (1, 2)
    ]
    assert pairs(*calls) == [(0x3000, "register", "register")]
    assert pairs(*(replace(t, near=Near.LOOP) for t in calls)) == []
    assert [pair[0] for pair in pairs(*calls, READ, RESIZE)] == [0x1000, 0x3000]


def test_of_several_operations_that_may_be_running_the_most_harmful_counts() -> None:
    store = replace(RESIZE, operation="setattr buffer", effect=Effect.READ, near=Near.AT)
    add = replace(RESIZE, operation="+=", near=Near.LINE)
    assert merged([store, add], None).operation == "+="
    assert merged([store, replace(add, near=Near.LOOP)], None).operation == "setattr buffer"


def test_what_a_method_in_python_does_shows_in_its_own_code() -> None:
    inner = replace(RESIZE, near=Near.FUNCTION)
    call = replace(RESIZE, operation="reset", near=Near.LOOP, is_passing_on=True)
    assert merged([call, inner], None).operation == "clear"
    assert merged([call], None).effect is Effect.READ


def test_a_step_changes_what_is_its_own_iterator() -> None:
    step = Operation(0, "next")
    assert effect_of("list", step, is_iterator=False) is Effect.READ
    assert effect_of("itertools.chain", step, is_iterator=True) is Effect.WRITE
    assert effect_of("somebody.Cursor", step) is Effect.WRITE


def test_an_argument_is_read_but_iterators_are_used_up_and_memory_may_be_written_to() -> None:
    call = Operation(0, "call-method", name="extend")
    assert effect_on_argument("list", call, is_iterator=False) is Effect.READ
    assert effect_on_argument("generator", call, is_iterator=True) is Effect.WRITE
    assert effect_on_argument("bytearray", call, is_iterator=False) is Effect.UNKNOWN


def test_what_c_code_has_at_hand_while_another_thread_changes_it_comes_before_what_both_may_only_read() -> (
    None
):
    dumps = [
        Touch(lwp, 0x4000, "Headers", "dumps", Effect.UNKNOWN, Near.AT, "a.py", 7, 7)
        for lwp in (1, 3)
    ]
    inside = Touch(1, 0x1000, "list", "dumps", Effect.UNKNOWN, Near.INTERNAL, "a.py", 7, 7)
    change = Touch(
        2, 0x1000, "list", "setitem", Effect.RESIZE, Near.FUNCTION, "a.py", 9, 8, is_guarded=True
    )
    assert [pair[0] for pair in pairs(*dumps, inside, change)] == [0x1000, 0x4000]


def test_a_plain_attribute_is_no_opponent_of_what_may_only_read() -> None:
    dumps = Touch(1, 0x4000, "Headers", "dumps", Effect.UNKNOWN, Near.AT, "a.py", 7, 7)
    lookup = Touch(
        2, 0x4000, "Headers", "getattr pairs", Effect.READ, Near.AT, "a.py", 9, 9, is_guarded=True
    )
    assert pairs(dumps, lookup) == []
