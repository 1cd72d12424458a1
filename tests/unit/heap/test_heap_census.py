"""Judging very many addresses at once gives what judging each of them gives."""

from __future__ import annotations

import struct
from array import array

import pytest

from gdbext.model import Verdict
from unit.heap.heap_world import GC, GC_PRE, IDS, KINDS, MEM, OBJECT, SEGMENT, HeapWorld


@pytest.fixture(params=KINDS, ids=IDS)
def world(request: pytest.FixtureRequest) -> HeapWorld:
    return HeapWorld(*request.param)


def population(world: HeapWorld) -> list[int]:
    """Objects in every state, and addresses that are none."""
    world.objects_world.new_class("Plain")
    world.objects_world.immortal(world.objects_world.none, world.types["NoneType"])
    lists, plain, strings = world.page(GC, 112), world.page(GC_PRE, 384), world.page(OBJECT, 112)
    other, raw = world.page(GC, 112, thread=1), world.page(MEM, 112)
    found = []
    for page, name in ((lists, "list"), (plain, "Plain"), (strings, "str"), (other, "dict")):
        made = [page.object(name) for _ in range(30)]
        for address in made[1::3]:
            page.free(address, "xthread_free" if page is other else "local_free")
        world.set("PyObject", made[2], ob_ref_local=0)
        world.set("PyObject", made[5], ob_ref_local=0xFFFF_FFFF, ob_tid=0)
        world.set("PyObject", made[6], ob_type=0x1234)
        world.set("PyObject", made[8], ob_ref_local=0, ob_tid=0, ob_ref_shared=4 << 2 | 3)
        world.set("PyObject", made[9], ob_gc_bits=0x80)
        found += [*made, made[0] + 8, made[0] + 1, made[0] - 16]
        found += [page.block(35) + page.before]
    world.set("PyObject", found[0], ob_type=world.types["set"])
    found += [
        raw.take(),
        raw.take() + 8,
        world.objects_world.none,
        world.objects_world.none + 16,
        0,
        0x10,
        SEGMENT + 256,
    ]
    found += [0xDDDD_DDDD_DDDD_DDDD, (1 << 64) - 8, world.threads[1].address, found[0], found[1]]
    return found


def test_all_at_once_is_as_one_by_one(world: HeapWorld) -> None:
    addresses = population(world)
    heap = world.heap()
    together = heap.judge_many(addresses)
    alone = [heap.judge(address, "object").verdict for address in addresses]
    assert together == alone
    assert {
        Verdict.LIVE,
        Verdict.FREED,
        Verdict.IMMORTAL,
        Verdict.UNKNOWN,
        Verdict.REUSED,
        Verdict.DYING,
    } <= set(together)
    assert heap.judge_many(array("Q", addresses)) == alone


def test_few_addresses_do_not_need_whole_pages(world: HeapWorld) -> None:
    addresses = population(world)
    heap = world.heap()
    for address in addresses:
        assert heap.judge_many([address]) == [heap.judge(address, "object").verdict]
    assert heap.judge_many([]) == []


def test_equal_addresses_get_equal_verdicts(world: HeapWorld) -> None:
    address = world.page(GC, 112).object("list")
    assert world.heap().judge_many([address, 0] * 50) == [Verdict.LIVE, Verdict.NULL] * 50


def test_queued_objects_look_alive_and_are_not(world: HeapWorld) -> None:
    page = world.page(GC, 112)
    addresses = [page.object("list") for _ in range(12)]
    stack = world.page(MEM, 2560, capacity=2).take()
    world.set("_PyThreadStateImpl", world.threads[0].address, brc__objects_to_merge__head=stack)
    world.set("_PyObjectStackChunk", stack, n=1)
    world.memory.write(
        stack + world.layout.offset("_PyObjectStackChunk", "objs"), struct.pack("<Q", addresses[3])
    )
    verdicts = world.heap().judge_many(addresses)
    assert verdicts == [Verdict.PENDING_FREE if index == 3 else Verdict.LIVE for index in range(12)]


def test_reading_is_by_the_page_and_not_by_the_item() -> None:
    world = HeapWorld()
    page = world.page(GC, 64, capacity=900)
    addresses = [page.object("list") for _ in range(900)]
    heap = world.heap()
    heap.judge(addresses[0])
    world.memory.reads = 0
    assert heap.judge_many(addresses) == [Verdict.LIVE] * 900
    assert world.memory.reads < 20
