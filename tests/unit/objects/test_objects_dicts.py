"""Dicts of every kind, and instances' attributes."""

from __future__ import annotations

import pytest

from gdbext.cpython.objects.decoded import Dict, Undecodable
from gdbext.model import AttributeSlot, Data, ValueSlot
from unit.objects.object_world import VERSIONS, World


def pairs(world: World, count: int) -> list[tuple[int, int]]:
    return [(world.put(f"key{i}"), world.put(i)) for i in range(count)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize("count", [0, 1, 5, 100, 300])
@pytest.mark.parametrize("holes", [0, 2])
def test_items(version: str, general: bool, count: int, holes: int) -> None:
    world = World(version)
    expected = pairs(world, count)
    address = world.dict(expected, general, holes=holes)
    assert world.objects.dict_items(address) == expected
    if count:
        found = world.objects.decode(address)
        assert isinstance(found, Dict)
        assert (found.length, found.kind, found.values) == (
            count,
            "general" if general else "unicode",
            0,
        )
        assert world.objects.dict_get_str(address, f"key{count - 1}") == expected[-1][1]
    assert world.objects.dict_get_str(address, "key") is None
    assert world.objects.invariants(address) == []


def split_dict(world: World, values: int) -> int:
    """A dict over the keys of class Meal."""
    keys = world.objects.field("PyHeapTypeObject", world.types["Meal"], "ht_cached_keys")
    used = world.objects.field("PyDictValues", values, "size")
    return world.slotted("dict", ma_used=used, ma_keys=keys, ma_values=values)


@pytest.fixture(params=VERSIONS)
def world(request: pytest.FixtureRequest) -> World:
    made = World(request.param)
    made.new_class("Meal", names=("eggs", "ham", "spam"))
    return made


def test_detached_values(world: World) -> None:
    """Values of their own memory; nobody sets their ``valid`` byte."""
    one, two = world.put(1), world.put(2)
    address = split_dict(
        world, world.inline(world.allocate(400), [one, 0, two], valid=0xCD, embedded=0)
    )
    names = [world.objects.text(key) for key, _ in world.objects.dict_items(address)]
    assert names == ["eggs", "spam"]
    found = world.objects.decode(address)
    assert isinstance(found, Dict)
    assert found.kind == "split"
    assert not found.is_embedded
    assert world.objects.invariants(address) == []


def test_order_in_which_attributes_were_set(world: World) -> None:
    one, two = world.put(1), world.put(2)
    values = world.inline(world.allocate(400), [one, two], valid=0, embedded=0)
    world.memory.write(values + world.layout.offset("PyDictValues", "values") + 8 * 30, b"\1\0")
    assert world.objects.repr(split_dict(world, values)) == "{'ham': 2, 'eggs': 1}"


def test_inline_values(world: World) -> None:
    one, two = world.put(1), world.put(2)
    instance = world.instance("Meal", one, 0, two)
    assert [(a.name, a.value) for a in world.objects.attributes(instance)] == [
        ("eggs", one),
        ("spam", two),
    ]
    assert world.objects.attribute(instance, "spam") == two
    assert world.objects.attribute(instance, "ham") is None
    assert [(c.slot, c.target) for c in world.objects.children(instance)] == [
        (AttributeSlot("eggs"), one),
        (AttributeSlot("spam"), two),
    ]
    for found in world.objects.attributes(instance):
        assert world.objects.word(found.address) == found.value


def test_dict_over_inline_values(world: World) -> None:
    """The dict shares the instance's words: each attribute once."""
    one = world.put(1)
    instance = world.instance("Meal", one)
    made = split_dict(world, instance + world.layout.size("PyObject"))
    world.memory.write_word(instance - 8, made)
    assert [a.name for a in world.objects.attributes(instance)] == ["eggs"]
    found = world.objects.decode(made)
    assert isinstance(found, Dict)
    assert found.is_embedded
    assert [(c.slot, c.target) for c in world.objects.children(instance)] == [
        (AttributeSlot("eggs"), one),
        ("__dict__", made),
    ]


def test_dict_instead_of_inline_values(world: World) -> None:
    instance = world.instance("Meal", world.put(1), valid=0, dict_address=world.put({"other": 7}))
    assert [a.name for a in world.objects.attributes(instance)] == ["other"]


def test_no_attributes(world: World) -> None:
    assert world.objects.attributes(world.instance("Meal")) == []
    assert world.objects.attributes(world.put(3)) == []
    assert world.objects.attributes(0x10) == []
    assert world.objects.attribute(0x10, "x") is None


def test_damaged_dict_of_an_instance(world: World) -> None:
    instance = world.instance("Meal", world.put(1), dict_address=0x1238)
    assert [a.name for a in world.objects.attributes(instance)] == ["eggs"]


def test_slots(world: World) -> None:
    world.new_class("Slotted", slots=("x", "y"))
    one = world.put(1)
    instance = world.object("Slotted", 64)
    world.memory.write_word(instance + world.layout.size("PyObject") + 8, one)
    assert [(a.name, a.value) for a in world.objects.attributes(instance)] == [("y", one)]
    assert [(c.slot, c.target) for c in world.objects.children(instance)] == [
        (AttributeSlot("y"), one)
    ]


def test_dict_pointer_in_the_struct(world: World) -> None:
    """tp_dictoffset of a C type."""
    world.set(
        "PyTypeObject",
        world.types["module"],
        tp_dictoffset=world.layout.offset("PyModuleObject", "md_dict"),
    )
    contents = world.put({"x": 5})
    module = world.slotted("module", md_dict=contents)
    assert [a.name for a in world.objects.attributes(module)] == ["x"]
    assert [c.slot for c in world.objects.children(module)] == ["md_dict"]


def test_dict_pointer_at_the_end() -> None:
    """A negative tp_dictoffset counts from the end of an object of variable size."""
    world = World()
    world.set("PyTypeObject", world.types["tuple"], tp_dictoffset=-8)
    address = world.object("tuple", 200)
    world.set("PyTupleObject", address, ob_size=2)
    basicsize = world.objects.field("PyTypeObject", world.types["tuple"], "tp_basicsize")
    world.memory.write_word(address + basicsize + 8, world.put({"x": 5}))
    world.memory.write_word(address + basicsize, world.put(1))
    assert world.objects.attribute(address, "x") is not None


DAMAGE = {
    "kind": ("PyDictKeysObject", "dk_kind", 3),
    "size": ("PyDictKeysObject", "dk_log2_size", 60),
    "index bytes": ("PyDictKeysObject", "dk_log2_index_bytes", 9),
    "entries": ("PyDictKeysObject", "dk_nentries", 1 << 40),
    "entries below zero": ("PyDictKeysObject", "dk_nentries", -1),
    "usable": ("PyDictKeysObject", "dk_usable", 1 << 40),
    "keys": ("PyDictObject", "ma_keys", 0xDDDDDDDDDDDDDDDD),
    "keys in the void": ("PyDictObject", "ma_keys", 0x1000),
    "keys NULL": ("PyDictObject", "ma_keys", 0),
    "values": ("PyDictObject", "ma_values", 0x1000),
}


@pytest.mark.parametrize(("struct", "field", "value"), DAMAGE.values(), ids=DAMAGE)
def test_damaged(struct: str, field: str, value: int) -> None:
    world = World()
    address = world.dict(pairs(world, 3))
    target = (
        address
        if struct == "PyDictObject"
        else world.objects.field("PyDictObject", address, "ma_keys")
    )
    world.set(struct, target, **{field: value})
    assert isinstance(world.objects.decode(address), Undecodable)
    assert world.objects.dict_items(address) == []
    assert world.objects.dict_get_str(address, "key0") is None
    assert "unreadable" in world.objects.repr(address)
    assert any(v.severity == "broken" for v in world.objects.invariants(address))


def test_used_counts_what_is_not_there() -> None:
    world = World()
    address = world.dict(pairs(world, 2))
    world.set("PyDictObject", address, ma_used=3)
    (violation,) = world.objects.invariants(address)
    assert violation.slot == "ma_used"


def test_value_that_is_no_object() -> None:
    world = World()
    address = world.dict([(world.put("a"), 0x1230)])
    (violation,) = world.objects.invariants(address)
    assert violation.slot == ValueSlot(Data("a"))
    assert violation.value == 0x1230
    assert [(c.slot, c.target) for c in world.objects.children(address)][1] == (
        ValueSlot(Data("a")),
        0x1230,
    )


def test_damaged_values(world: World) -> None:
    values = world.inline(world.allocate(400), [world.put(1)], valid=1, embedded=1)
    address = split_dict(world, values)
    world.set("PyDictValues", values, capacity=200)
    assert world.objects.dict_items(address) == []
    assert [v.slot for v in world.objects.invariants(address)] == ["ma_values"]
