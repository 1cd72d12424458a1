"""What an object refers to, and bulk access to items."""

from __future__ import annotations

import pytest

from gdbext.cpython.objects import sequences
from gdbext.model import Data, EntrySlot, KeySlot, ValueSlot
from unit.objects.object_world import VERSIONS, World


@pytest.mark.parametrize("version", VERSIONS)
def test_sequences(version: str) -> None:
    world = World(version)
    items = [world.put(i) for i in range(5)]
    lst, tup = world.list(items), world.tuple(items)
    for address in (lst, tup):
        found = list(world.objects.children(address))
        assert [(c.target, c.slot) for c in found] == [(item, i) for i, item in enumerate(items)]
        assert [world.objects.word(c.slot_address) for c in found] == items
    assert list(world.objects.list_items(lst)) == items
    assert list(world.objects.list_items(lst, 2)) == items[:2]
    assert list(world.objects.tuple_items(tup)) == items
    assert sequences.read_list(world.objects, lst).capacity == 6


def test_pointers_that_lead_nowhere_are_children_too() -> None:
    world = World()
    lst = world.list([0x1230, 0, world.put(1)])
    assert next((c.target, c.slot) for c in world.objects.children(lst)) == (0x1230, 0)
    assert [c.slot for c in world.objects.children(lst)] == [0, 2]


def test_items_in_one_read() -> None:
    world = World()
    lst = world.list([world.none] * 2000)
    before = world.memory.reads
    world.objects.list_items(lst)
    assert world.memory.reads - before <= 3


@pytest.mark.parametrize("size", [-1, 1 << 28, 1 << 62])
def test_sizes_that_cannot_be(size: int) -> None:
    world = World()
    lst, tup = world.put([1]), world.put((1,))
    world.set("PyListObject", lst, ob_size=size)
    world.set("PyTupleObject", tup, ob_size=size)
    assert not world.objects.list_items(lst)
    assert not world.objects.tuple_items(tup)
    assert list(world.objects.children(lst)) == []
    assert list(world.objects.children(tup)) == []


def test_many_items_need_an_array_that_has_room() -> None:
    world = World()
    lst = world.put([1])
    world.set("PyListObject", lst, ob_size=(1 << 20) + 1)
    before = world.memory.reads
    assert not world.objects.list_items(lst)
    assert world.memory.reads - before <= 5


def test_dict_and_set() -> None:
    world = World()
    key, value, member = world.put("k"), world.put(1), world.put(2)
    assert [(c.target, c.slot) for c in world.objects.children(world.dict([(key, value)]))] == [
        (key, KeySlot(Data("k"))),
        (value, ValueSlot(Data("k"))),
    ]
    (found,) = world.objects.children(world.set_of([member], deleted=2))
    assert (found.target, found.slot) == (member, EntrySlot("entry", 2))
    assert world.objects.word(found.slot_address) == member


def test_structs() -> None:
    world = World()
    union = world.union(world.types["int"], world.types["str"])
    assert [c.slot for c in world.objects.children(union)] == ["args"]
    cell = world.slotted("cell", ob_ref=world.none)
    assert [(c.target, c.slot) for c in world.objects.children(cell)] == [(world.none, "ob_ref")]
    assert [
        c.slot for c in world.objects.children(world.slotted("staticmethod", sm_callable=cell))
    ] == ["sm_callable"]


def test_weakref_does_not_hold_its_target() -> None:
    world = World()
    reference = world.slotted(
        "weakref.ReferenceType", wr_object=world.put(1), wr_callback=world.put(2)
    )
    assert [c.slot for c in world.objects.children(reference)] == ["wr_callback"]


def test_class() -> None:
    world = World()
    made = world.new_class("Meal")
    slots = {c.slot: c.target for c in world.objects.children(made)}
    assert slots["tp_base"] == world.types["object"]
    assert {"tp_dict", "ht_qualname", "ht_name"} <= set(slots)


def test_subclass_has_items_and_attributes() -> None:
    world = World()
    world.new_class("MyTuple", "tuple")
    contents = world.put({"a": 1})
    address = world.tuple([world.none], "MyTuple")
    world.memory.write_word(address - 8, contents)
    assert [(c.slot, c.target) for c in world.objects.children(address)] == [
        (0, world.none),
        ("__dict__", contents),
    ]
    assert [a.name for a in world.objects.attributes(address)] == ["a"]


def test_what_is_no_object_has_none() -> None:
    world = World()
    assert list(world.objects.children(0x1230)) == []
    assert list(world.objects.children(0)) == []


def test_int_value() -> None:
    world = World()
    assert world.objects.int_value(world.put(-(2**70))) == -(2**70)
    assert world.objects.int_value(world.put("7")) is None
    assert world.objects.int_value(0) is None


def test_pointer() -> None:
    world = World()
    cell = world.slotted("cell", ob_ref=world.none)
    assert world.objects.pointer("PyCellObject", cell, "ob_ref") == world.none
    assert world.objects.pointer("PyCellObject", cell, "no_such_field") is None
    assert world.objects.pointer("PyCellObject", 0x10, "ob_ref") is None
