"""Which living objects have a pointer to a freed one: what is certain counts, leftovers do not."""

from __future__ import annotations

import pytest

from gdbext.cpython.allocator import pointer_holders as holders_
from gdbext.cpython.allocator.activity import ThreadStop
from gdbext.cpython.allocator.heap import Heap
from gdbext.model import Data, ValueSlot
from unit.heap.containers import new_dict, new_list, new_tuple
from unit.heap.heap_world import GC, IDS, KINDS, MEM, OBJECT, FakePage, HeapWorld


@pytest.fixture(params=KINDS, ids=IDS)
def world(request: pytest.FixtureRequest) -> HeapWorld:
    return HeapWorld(*request.param)


@pytest.fixture
def page(world: HeapWorld) -> FakePage:
    return world.page(GC, 144)


@pytest.fixture
def arrays(world: HeapWorld) -> FakePage:
    return world.page(MEM, 512)


@pytest.fixture
def target(world: HeapWorld) -> int:
    """An object that is freed."""
    floats = world.page(OBJECT, 80)
    _, address, _ = (floats.object("float") for _ in range(3))
    floats.free(address)
    return address


def held(heap: Heap, target: int) -> list[tuple[int, str, object]]:
    found = heap.holders(target)
    assert found is not None
    return [(holder.address, holder.type, holder.slot) for holder in found]


def test_containers_hold_it_by_index_and_key(
    world: HeapWorld, page: FakePage, arrays: FakePage, target: int
) -> None:
    first = new_tuple(world, page, 0, target)
    second = new_list(world, page, arrays, first, first, target)
    third, _ = new_dict(world, page, arrays, {"one": first, "two": target})
    heap = world.heap()
    assert held(heap, target) == [
        (first, "tuple", 1),
        (second, "list", 2),
        (third, "dict", ValueSlot(Data("two"))),
    ]
    for holder in heap.holders(target) or ():
        assert (world.word(holder.place), holder.target) == (target, target)
    assert {(holder.address, holder.target) for holder in heap.holders(first, second) or ()} == {
        (second, first),
        (third, first),
    }


def test_what_lies_behind_the_end_is_not_held(
    world: HeapWorld, page: FakePage, arrays: FakePage, target: int
) -> None:
    other = new_tuple(world, page)
    new_list(world, page, arrays, other, target, size=1)
    table, keys = new_dict(world, page, arrays, {"one": other, "two": target})
    assert held(world.heap(), target) == [(table, "dict", ValueSlot(Data("two")))]
    world.set("PyDictKeysObject", keys, dk_nentries=1)
    assert held(world.heap(), target) == []


def test_a_table_that_the_dict_has_left_is_not_held(
    world: HeapWorld, page: FakePage, arrays: FakePage, target: int
) -> None:
    table, _ = new_dict(world, page, arrays, {"one": target})
    _, other = new_dict(world, page, arrays, {"one": table})
    world.set("PyDictObject", table, ma_keys=other)
    assert held(world.heap(), target) == []


def test_arrays_that_were_freed_hold_nothing(
    world: HeapWorld, page: FakePage, arrays: FakePage, target: int
) -> None:
    new_list(world, page, arrays, target)
    arrays.free(arrays.block(0))
    assert held(world.heap(), target) == []


def test_a_tuple_that_was_freed_holds_nothing(
    world: HeapWorld, page: FakePage, target: int
) -> None:
    page.free(new_tuple(world, page, target))
    assert held(world.heap(), target) == []


@pytest.mark.parametrize(
    "stops", [[], [ThreadStop(101, 0, ["tuple_dealloc"], None, {})]], ids=["alone", "deallocating"]
)
def test_a_tuple_at_its_end_holds_nothing(
    world: HeapWorld, page: FakePage, target: int, stops: list[ThreadStop]
) -> None:
    new_tuple(world, page, target, bits=0, ob_ref_local=0)
    assert held(world.heap(stops=lambda: stops), target) == []


def test_a_list_in_the_making_holds_nothing(
    world: HeapWorld, page: FakePage, arrays: FakePage, target: int
) -> None:
    new_list(world, page, arrays, target, bits=0)
    finished = new_tuple(world, page, target, bits=0)
    assert held(world.heap(), target) == [(finished, "tuple", 0)]


def test_words_that_are_no_references_hold_nothing(
    world: HeapWorld, arrays: FakePage, target: int
) -> None:
    numbers = world.page(OBJECT, 80)
    number = numbers.object("float")
    world.memory.write_word(number + world.layout.offset("PyFloatObject", "ob_fval"), target)
    world.memory.write_word(arrays.take() + 32, target)
    assert held(world.heap(), target) == []


def test_modules_data_is_searched_apart(world: HeapWorld, target: int) -> None:
    data = 0x7D00_0000_0000
    world.map(data, 0x1000, "/usr/lib/signals.so")
    world.memory.write_word(data + 0x40, target)
    heap = world.heap()
    assert heap.in_modules(target) == [data + 0x40]
    assert held(heap, target) == []


def test_a_large_heap_is_not_searched(
    world: HeapWorld, page: FakePage, target: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_tuple(world, page, target)
    monkeypatch.setattr(holders_, "MAX_BYTES", 1000)
    assert world.heap().holders(target) is None


@pytest.mark.parametrize("many", [0, 1000])
def test_few_and_many_addresses_are_searched_alike(
    world: HeapWorld,
    page: FakePage,
    arrays: FakePage,
    target: int,
    many: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    holder = new_tuple(world, page, 0, target)
    lists = [new_list(world, page, arrays, holder, target) for _ in range(3)]
    monkeypatch.setattr(holders_, "MANY", many)
    heap = world.heap()
    expected = [(holder, "tuple", 1), *((each, "list", 1) for each in lists)]
    assert sorted(held(heap, target)) == sorted(expected)
    assert heap.holders(target + 16) == []
