"""Threads that take items from one container in turn."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.touches import Near, Touch
from gdbext.diagnosis.twins import twins

ITEM, LIST = 0x1000, 0x2000
STEP = Touch(
    1, ITEM, "posix.ScandirIterator", "next", Effect.WRITE, Near.AT, "index.py", 34, 34, "pull"
)
WALK = Touch(1, LIST, "list", "next", Effect.READ, Near.LOOP, "index.py", 40, 40, "work")


def case(*touches: Touch, items: tuple[int, ...] = (ITEM,)) -> Any:
    by_thread: dict[int, tuple[Touch, ...]] = {}
    for touch in touches:
        by_thread[touch.lwp] = (*by_thread.get(touch.lwp, ()), touch)
    children = [SimpleNamespace(target=item) for item in items]
    objects = SimpleNamespace(
        children=lambda address: children if address == LIST else [], type_of=lambda address: None
    )
    session = SimpleNamespace(objects=objects)
    return SimpleNamespace(lwp=1, touched=by_thread, session=session)


def found(stopped: Any) -> list[tuple[Touch, Touch]]:
    return list(twins(stopped, stopped.touched))


def test_a_worker_that_walks_the_same_list_does_the_same_to_the_item_in_turn() -> None:
    [(mine, other)] = found(case(STEP, WALK, replace(WALK, lwp=2, line=43)))
    assert mine is STEP
    assert (other.lwp, other.address, other.operation, other.line, other.near) == (
        2,
        ITEM,
        "next",
        43,
        Near.LOOP,
    )


def test_a_thread_that_runs_other_code_is_none() -> None:
    assert not found(case(STEP, WALK, replace(WALK, lwp=2, function="report")))


def test_an_item_that_the_container_does_not_hold_is_none() -> None:
    assert not found(case(STEP, WALK, replace(WALK, lwp=2), items=()))


def test_what_only_reads_its_item_is_none() -> None:
    assert not found(case(replace(STEP, effect=Effect.READ), WALK, replace(WALK, lwp=2)))


def test_what_was_put_in_its_place_shows_what_others_did_to_it() -> None:
    new = 0x3000
    close = Touch(
        2, new, STEP.type, "close", Effect.RESIZE, Near.LOOP, "index.py", 50, 48, "replace"
    )
    [(mine, other)] = found(
        case(STEP, WALK, replace(WALK, lwp=2, function="replace"), close, items=(new,))
    )
    assert mine is STEP
    assert (other.address, other.operation, other.operation_line) == (ITEM, "close", 48)


def test_another_type_in_its_place_shows_nothing() -> None:
    new = 0x3000
    close = Touch(
        2, new, "_io.BytesIO", "close", Effect.RESIZE, Near.LOOP, "index.py", 50, 48, "replace"
    )
    assert not found(
        case(STEP, WALK, replace(WALK, lwp=2, function="replace"), close, items=(new,))
    )
