"""Unions and generic aliases, in both layouts, whole and damaged."""

from __future__ import annotations

import pytest

from gdbext.cpython.objects.decoded import Slotted
from gdbext.wording import sentence
from unit.objects.object_world import VERSIONS, World

UNION = "types.UnionType"


@pytest.fixture(params=VERSIONS)
def world(request: pytest.FixtureRequest) -> World:
    made = World(request.param)
    made.new_class("Meal")
    return made


def test_repr(world: World) -> None:
    types = world.types
    assert world.objects.repr(world.union(types["int"], types["str"])) == "int | str"
    assert (
        world.objects.repr(world.union(types["Meal"], types["NoneType"])) == "__main__.Meal | None"
    )
    alias = world.slotted(
        "types.GenericAlias", origin=types["list"], args=world.tuple([types["int"]])
    )
    assert world.objects.repr(world.union(alias, types["int"])) == "list[int] | int"
    if world.layout.find("typevarobject"):
        variable = world.slotted("typing.TypeVar", name=world.put("T"))
        assert world.objects.repr(world.union(variable, types["int"])) == "~T | int"


def test_generic_alias(world: World) -> None:
    types = world.types

    def alias(origin: int, *args: int, starred: int = 0) -> str:
        return world.objects.repr(
            world.slotted(
                "types.GenericAlias", origin=origin, args=world.tuple(args), starred=starred
            )
        )

    assert alias(types["dict"], types["str"], types["Meal"]) == "dict[str, __main__.Meal]"
    assert alias(types["tuple"]) == "tuple[()]"
    assert alias(types["tuple"], types["int"], world.ellipsis) == "tuple[int, ...]"
    assert alias(types["tuple"], types["int"], starred=1) == "*tuple[int]"
    assert alias(types["list"], world.put("fwd")) == "list['fwd']"
    assert alias(types["list"], world.list([types["int"], types["str"]])) == "list[[int, str]]"


def test_member_that_is_a_function(world: World) -> None:
    function = world.slotted(
        "function",
        func_name=world.put("f"),
        func_qualname=world.put("f"),
        func_module=world.put("mod"),
    )
    assert world.objects.repr(world.union(function, world.types["int"])) == "mod.f | int"


def test_decoded(world: World) -> None:
    address = world.union(world.types["int"], world.types["str"])
    found = world.objects.decode(address)
    assert isinstance(found, Slotted)
    assert found.family == UNION
    assert found["parameters"] == 0
    assert list(world.objects.tuple_items(found["args"])) == [
        world.types["int"],
        world.types["str"],
    ]
    assert ("hashable_args" in found.slots) == (not world.version.startswith("3.13."))


def test_whole(world: World) -> None:
    address = world.union(world.types["int"], world.types["str"])
    assert world.objects.invariants(address) == []
    world.set("unionobject", address, parameters=world.tuple([]))
    assert world.objects.invariants(address) == []


def broken(world: World, **fields: int) -> list[tuple[str, str]]:
    address = world.union(world.types["int"], world.types["str"])
    world.set("unionobject", address, **fields)
    return [(str(v.slot), sentence(v.claim)) for v in world.objects.invariants(address)]


def test_args(world: World) -> None:
    assert broken(world, args=0) == [("args", "args is NULL")]
    assert broken(world, args=world.put([1, 2])) == [("args", "args is a list, not a tuple")]
    ((field, claim),) = broken(world, args=0xDDDDDDDDDDDDDDDD)
    assert field == "args"
    assert "not an object" in claim
    assert broken(world, args=world.tuple([world.types["int"]])) == [
        ("args", "a union has at least 2 members, this one has 1")
    ]
    world.new_class("MyTuple", "tuple")
    assert broken(world, args=world.tuple([], "MyTuple"))[0] == (
        "args",
        "args is a MyTuple, not an exact tuple",
    )
    dead = world.tuple([world.types["int"], world.types["str"]])
    world.set("PyObject", dead, ob_ref_local=0)
    assert broken(world, args=dead)[0][1].endswith(
        "the reference count is 0 (ob_ref_local 0; ob_ref_shared 0, and its lowest bits, init)"
    )
    huge = world.tuple([world.types["int"], world.types["str"]])
    world.set("PyTupleObject", huge, ob_size=1 << 50)
    assert "cannot be read" in broken(world, args=huge)[0][1]


def test_parameters(world: World) -> None:
    assert broken(world, parameters=world.put({})) == [
        ("parameters", "parameters is a dict, not a tuple")
    ]


def test_sets_of_members() -> None:
    world = World("3.14.10")
    assert broken(world, hashable_args=0) == [("hashable_args", "hashable_args is NULL")]
    assert (
        broken(world, hashable_args=world.put(set()))[0][1]
        == "hashable_args is a set, not a frozenset"
    )
    assert broken(world, unhashable_args=world.put([])) == [
        ("unhashable_args", "unhashable_args is a list, not a tuple")
    ]
    assert broken(world, unhashable_args=world.put(())) == []


def test_repr_of_broken_args(world: World) -> None:
    address = world.union(world.types["int"], world.types["str"])
    for value, text in (
        (0, "<✗ NULL>"),
        (world.put([1]), "[1]"),
        (0x1230, "<✗ not an object at 0x1230>"),
    ):
        world.set("unionobject", address, args=value)
        assert world.objects.repr(address) == f"{text} (not a tuple ✗)"


def test_members_are_stale(world: World) -> None:
    member = world.new_class("Gone")
    address = world.union(world.types["int"], member)
    assert (
        world.objects.repr(address, is_stale=lambda a: a == member)
        == f"int | <✗ stale {member:#x}>"
    )


def test_expected_though_the_type_is_another(world: World) -> None:
    """The memory of a freed union that holds a list now, read as the union that its
    user expects.
    """
    lst = world.put([1, 2])
    violations = world.objects.invariants(lst, UNION)
    claims = [sentence(v.claim) for v in violations]
    assert f"ob_type is list, not {UNION}" in claims
    assert any(v.slot == "args" for v in violations)
    assert isinstance(world.objects.decode(lst, UNION), Slotted)


def test_expected_though_the_type_is_trash(world: World) -> None:
    address = world.union(world.types["int"], world.types["str"])
    world.set("PyObject", address, ob_type=0xDDDDDDDDDDDDDDDD)
    violations = world.objects.invariants(address, UNION)
    assert {v.slot for v in violations} == {"header"}
    assert world.objects.invariants(address)
    found = world.objects.decode(address, UNION)
    assert isinstance(found, Slotted)
    assert found.type is None


def test_freed_union(world: World) -> None:
    """What it points to went with it: that is no finding of its own."""
    address = world.union(world.types["int"], world.types["str"])
    args = world.objects.field("unionobject", address, "args")
    for dead in (address, args):
        world.set("PyObject", dead, ob_ref_local=0)
    header, field = world.objects.invariants(address)
    assert (header.slot, header.severity) == ("header", "broken")
    assert (field.slot, field.severity) == ("args", "transient")


def test_name_of_3_14_is_the_same_family(world: World) -> None:
    world.set("PyTypeObject", world.types[UNION], tp_name=world.cstring("typing.Union"))
    address = world.union(world.types["int"], world.types["str"])
    assert world.objects.repr(address) == "int | str"
    assert world.objects.invariants(address, UNION) == []
    assert world.objects.invariants(address, "typing.Union") == []
