"""Threads that take items from one container in turn."""

from __future__ import annotations

from dataclasses import replace

from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.conclude.shared_items import accesses_in_turn
from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity, ThreadAccesses
from gdbext.model import Operation, OperationKind

ITEM, LIST = 0x1000, 0x2000
NEXT = Operation(kind=OperationKind.NEXT)
STEP = Access(
    lwp=1,
    address=ITEM,
    type="posix.ScandirIterator",
    operation=NEXT,
    effect=Effect.WRITE,
    proximity=Proximity.AT,
    file="index.py",
    line=34,
    operation_line=34,
    function="pull",
)
WALK = replace(
    STEP,
    address=LIST,
    type="list",
    effect=Effect.READ,
    proximity=Proximity.LOOP,
    line=40,
    operation_line=40,
    function="work",
)


CLOSE = replace(
    STEP,
    lwp=2,
    operation=Operation(kind=OperationKind.CALL, name="close"),
    effect=Effect.RESIZE,
    proximity=Proximity.LOOP,
    line=50,
    operation_line=48,
    function="replace",
)


def found(*accesses: Access, items: tuple[int, ...] = (ITEM,)) -> list[tuple[Access, Access]]:
    threads = {lwp: tuple(a for a in accesses if a.lwp == lwp) for lwp in {a.lwp for a in accesses}}
    facts = Accesses(
        crashed=1,
        threads=tuple(
            ThreadAccesses(lwp=lwp, nearest=each, by_code=each) for lwp, each in threads.items()
        ),
        contents={LIST: frozenset(items)},
    )
    return list(accesses_in_turn(facts, threads[1]))


def test_a_worker_that_walks_the_same_list_does_the_same_to_the_item_in_turn() -> None:
    [(mine, other)] = found(STEP, WALK, replace(WALK, lwp=2, line=43))
    assert mine is STEP
    assert (other.lwp, other.address, other.operation, other.line, other.proximity) == (
        2,
        ITEM,
        NEXT,
        43,
        Proximity.LOOP,
    )


def test_a_thread_that_runs_other_code_is_none() -> None:
    assert not found(STEP, WALK, replace(WALK, lwp=2, function="report"))


def test_an_item_that_the_container_does_not_hold_is_none() -> None:
    assert not found(STEP, WALK, replace(WALK, lwp=2), items=())


def test_what_only_reads_its_item_is_none() -> None:
    assert not found(replace(STEP, effect=Effect.READ), WALK, replace(WALK, lwp=2))


def test_what_was_put_in_its_place_shows_what_others_did_to_it() -> None:
    new = 0x3000
    close = replace(CLOSE, address=new, type=STEP.type)
    [(mine, other)] = found(
        STEP, WALK, replace(WALK, lwp=2, function="replace"), close, items=(new,)
    )
    assert mine is STEP
    assert (other.address, other.operation, other.operation_line) == (ITEM, CLOSE.operation, 48)


def test_another_type_in_its_place_shows_nothing() -> None:
    new = 0x3000
    close = replace(CLOSE, address=new, type="_io.BytesIO")
    assert not found(STEP, WALK, replace(WALK, lwp=2, function="replace"), close, items=(new,))
