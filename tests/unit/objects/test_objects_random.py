"""Any bytes whatever: no exception, no endless walk, no endless text."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gdbext.target.protocol import MemoryFault
from unit.objects.object_world import BUILTINS, HEAP, SIZE, World

MANY = 50_000
LIMIT = 300
_SETTINGS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def ask_everything(world: World, address: int) -> None:
    """Every question that other packages ask; each answer within its bounds."""
    objects = world.objects
    with suppress(MemoryFault):
        assert isinstance(objects.header(address).problems, tuple)
    info = objects.type_of(address)
    assert objects.is_object(address) is (not objects.why_not_object(address))
    if info is None:
        assert not objects.is_object(address)
    assert len(objects.repr(address, LIMIT)) <= LIMIT + 1
    objects.decode(address)
    assert sum(1 for _ in objects.children(address)) < MANY
    assert len(objects.attributes(address)) < MANY
    for expected in (None, *BUILTINS):
        assert len(objects.invariants(address, expected)) < MANY
        objects.decode(address, expected)
    assert len(objects.list_items(address)) < MANY
    assert len(objects.tuple_items(address)) < MANY
    assert len(objects.dict_items(address)) < MANY
    objects.dict_get_str(address, "x")
    objects.attribute(address, "x")
    objects.text(address)
    objects.type_info(address)


def samples(world: World) -> list[int]:
    """One of many things, linked to each other."""
    put = world.put
    values: list[Any] = [
        7,
        -(2**80),
        1.5,
        2j,
        "text",
        "日本",
        b"bytes",
        bytearray(b"ab"),
        [1, [2]],
        (1, (2,)),
        {"a": 1},
        {1: 2},
        {1},
    ]
    found = [put(value) for value in values]
    world.new_class("Meal", names=("eggs", "ham"))
    world.new_class("Slotted", slots=("x", "y"))
    world.new_class("Pair", "tuple", own_repr=True)
    function = world.slotted(
        "function", func_name=put("f"), func_qualname=put("f"), func_globals=put({"g": 1})
    )
    found += [
        world.instance("Meal", *found[:2], dict_address=put({"more": 1})),
        world.object("Slotted", 64),
        world.tuple(found[:2], "Pair"),
        world.union(world.types["int"], world.types["str"]),
        world.slotted(
            "types.GenericAlias", origin=world.types["list"], args=world.tuple([world.types["int"]])
        ),
        function,
        world.slotted("method", im_func=function, im_self=found[0]),
        world.slotted("classmethod", cm_callable=function),
        world.slotted("types.SimpleNamespace", ns_dict=put({"a": 1})),
        world.slotted("module", md_dict=put({"__name__": "m"})),
        world.slotted("weakref.ReferenceType", wr_object=found[0]),
        world.slotted("BaseException", args=put((1,))),
        world.slotted("cell", ob_ref=found[0]),
        world.slotted("range", start=put(1), stop=put(5), step=put(1)),
        world.dict([(put("k"), put(1))], type_name="collections.OrderedDict"),
        world.slotted("functools.partial", fn=function, args=put((1,)), kw=put({"b": 1})),
        world.types["Meal"],
        world.types["int"],
    ]
    return found


@_SETTINGS
@given(st.binary(min_size=256, max_size=256), st.sampled_from(sorted(BUILTINS)))
def test_random_body_behind_a_legal_header(body: bytes, name: str) -> None:
    world = World()
    address = world.allocate(400)
    world.memory.write(address + 32, body)
    world.header(address, world.types[name])
    ask_everything(world, address)


@_SETTINGS
@given(st.binary(min_size=64, max_size=64), st.integers(0, 7))
def test_random_memory(data: bytes, shift: int) -> None:
    world = World()
    address = world.allocate(128)
    world.memory.write(address, data)
    ask_everything(world, address + shift)


@_SETTINGS
@given(st.data())
def test_mutations(data: st.DataObject) -> None:
    """Objects that point to each other, with words changed at random: to numbers, and to each
    other's addresses.
    """
    world = World()
    addresses = samples(world)
    words = (
        st.sampled_from(addresses)
        | st.integers(0, (1 << 64) - 1)
        | st.integers(0, 64)
        | st.just(0xDDDDDDDDDDDDDDDD)
    )
    for _ in range(data.draw(st.integers(1, 12))):
        target = data.draw(st.sampled_from([*addresses, *world.types.values()]))
        place = target + 8 * data.draw(st.integers(-2, 12))
        if place >= HEAP and place + 8 <= HEAP + SIZE:
            world.memory.write(place, struct.pack("<Q", data.draw(words)))
    for address in data.draw(st.lists(st.sampled_from(addresses), min_size=3, max_size=3)):
        ask_everything(world, address)


@_SETTINGS
@given(st.integers(0, (1 << 64) - 1))
def test_any_address(address: int) -> None:
    ask_everything(_EMPTY, address)


_EMPTY = World()
