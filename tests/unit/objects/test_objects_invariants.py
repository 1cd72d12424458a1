"""What must hold of every family's objects; whole ones, and ones damaged in one place."""

from __future__ import annotations

import pytest

from gdbext.cpython.objects.decoded import Violation
from gdbext.model import EntrySlot
from gdbext.wording import sentence
from unit.objects.object_world import VERSIONS, World


def check(world: World, address: int, expected: str | None = None) -> list[Violation]:
    found = world.objects.invariants(address, expected)
    for violation in found:
        evidence = violation.evidence(address)
        assert evidence.broken
        assert sentence(evidence.claim) == sentence(violation.claim)
        assert evidence.about == address
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_whole_values(version: str) -> None:
    world = World(version)
    for value in (
        0,
        -(2**90),
        1.5,
        "x",
        "日",
        b"x",
        bytearray(b"xy"),
        [1, [2]],
        (1, ()),
        {1: 2},
        {"a": 1},
        {1, 2},
        None,
        True,
    ):
        assert check(world, world.put(value)) == [], value


def test_whole_types() -> None:
    world = World()
    world.set(
        "PyTypeObject",
        world.types["int"],
        tp_bases=world.tuple([world.types["object"]]),
        tp_mro=world.tuple([world.types["int"]]),
    )
    assert check(world, world.types["int"]) == []
    (first, second) = check(world, world.types["float"])
    assert {first.slot, second.slot} == {"tp_bases", "tp_mro"}
    world.set("PyTypeObject", world.types["str"], tp_flags=0)
    assert any("READY" in sentence(v.claim) for v in check(world, world.types["str"], "type"))


def damaged_list(**fields: int) -> list[tuple[object, str]]:
    world = World()
    address = world.put([1, 2, 3])
    world.set("PyObject", address, ob_ref_local=2)
    world.set("PyListObject", address, **fields)
    return [(v.slot, v.severity) for v in check(world, address)]


def test_list() -> None:
    assert damaged_list() == []
    assert damaged_list(ob_size=4)[0] == (3, "transient")
    assert ("ob_size", "broken") in damaged_list(ob_size=5)
    assert damaged_list(ob_size=-1) == [("ob_size", "broken")]
    assert damaged_list(ob_item=0) == [("ob_item", "broken")]
    assert damaged_list(ob_item=0, ob_size=0) == []
    assert damaged_list(ob_item=0xDDDDDDDDDDDDDDDD) == [("ob_item", "broken")]
    assert damaged_list(ob_item=0x5008) == [("ob_item", "broken")]
    assert damaged_list(allocated=9) == [("allocated", "broken")]


def test_list_that_is_being_resized() -> None:
    world = World()
    address = world.put([1, 2, 3])
    world.set("PyListObject", address, allocated=9)
    world.set("PyObject", address, ob_ref_local=2, ob_mutex=1)
    assert [v.severity for v in check(world, address)] == ["transient"]


@pytest.mark.parametrize(
    ("word", "claim"),
    [
        (0x7878787878787878, "the array's own size was overwritten by text: xxxxxxxx"),
        (0xDDDDDDDDDDDDDDDD, "the array's own size was overwritten"),
        (1 << 44, "the array's own size was overwritten"),
    ],
)
def test_list_whose_arrays_own_size_was_written_over(word: int, claim: str) -> None:
    world = World()
    address = world.put([1, 2, 3])
    place = world.objects.field("PyListObject", address, "ob_item") - 8
    world.memory.write_word(place, word)
    (violation,) = check(world, address)
    assert (violation.slot, sentence(violation.claim), violation.severity) == (
        "ob_item",
        claim,
        "broken",
    )
    assert (violation.address, violation.value) == (place, word)


def test_list_whose_array_has_another_size_that_may_be_one() -> None:
    world = World()
    address = world.put([1, 2, 3])
    world.set("PyObject", address, ob_ref_local=2)
    world.memory.write_word(
        world.objects.field("PyListObject", address, "ob_item") - 8, (1 << 44) - 1
    )
    assert [v.slot for v in check(world, address)] == ["allocated"]


def test_list_items() -> None:
    world = World()
    address = world.list([world.put(1), 0x1230])
    (violation,) = check(world, address)
    buffer = world.objects.field("PyListObject", address, "ob_item")
    assert (violation.slot, violation.address, violation.value) == (1, buffer + 8, 0x1230)


def test_tuple() -> None:
    world = World()
    address = world.tuple([0x1230])
    assert [v.slot for v in check(world, address)] == [0]
    world.set("PyTupleObject", address, ob_size=-3)
    assert [v.slot for v in check(world, address)] == ["ob_size"]


@pytest.mark.parametrize(
    "fields", [{"used": 99}, {"fill": 99}, {"mask": 6}, {"mask": 1 << 60}, {"table": 0x1000}]
)
def test_set(fields: dict[str, int]) -> None:
    world = World()
    address = world.put({1, 2})
    world.set("PySetObject", address, **fields)
    assert [v.slot for v in check(world, address)] == ["table"]


def test_set_members() -> None:
    world = World()
    assert [v.slot for v in check(world, world.set_of([0x1230]))] == [EntrySlot("entry", 0)]
    assert check(world, world.set_of([world.put(1)], deleted=3)) == []


def test_str() -> None:
    world = World()
    address = world.put("abcd")
    world.set("PyASCIIObject", address, state__kind=7)
    assert [v.slot for v in check(world, address)] == ["state"]
    address = world.put("abcd")
    world.memory.write(address + world.layout.size("PyASCIIObject"), b"\xdd\xdd\xdd\xdd\xdd")
    assert [v.slot for v in check(world, address)] == ["state", "data"]
    address = world.put("abcd")
    world.set("PyASCIIObject", address, length=1 << 35)
    assert [v.slot for v in check(world, address)] == ["length"]


def test_bytes() -> None:
    world = World()
    address = world.put(b"abcd")
    world.set("PyBytesObject", address, ob_size=2)
    assert [v.slot for v in check(world, address)] == ["ob_sval"]
    world.set("PyBytesObject", address, ob_size=-2)
    assert [v.slot for v in check(world, address)] == ["ob_size"]


def test_bytearray() -> None:
    world = World()
    address = world.put(bytearray(b"abcd"))
    start = world.objects.field("PyByteArrayObject", address, "ob_start")
    for fields, field in (
        ({"ob_start": start - 8}, "ob_start"),
        ({"ob_start": start, "ob_size": 100}, "ob_start"),
        ({"ob_size": -1}, "ob_size"),
        ({"ob_size": 3, "ob_bytes": 0}, "ob_bytes"),
    ):
        world.set("PyByteArrayObject", address, **fields)
        assert [v.slot for v in check(world, address)] == [field]


def test_int() -> None:
    world = World()
    address = world.put(5)
    for tag in (0xDDDDDDDDDDDDDDDD | 3, 1 << 3 | 3):
        world.set("PyLongObject", address, lv_tag=tag)
        assert [v.slot for v in check(world, address)] == ["lv_tag"]
    world.set("PyLongObject", address, lv_tag=1 << 60)
    assert [v.slot for v in check(world, address)] == ["lv_tag"]
    zero = world.put(5)
    world.set("PyLongObject", zero, long_value__ob_digit=0)
    assert [v.slot for v in check(world, zero)] == ["lv_tag"]


@pytest.mark.parametrize("name", ["classmethod", "staticmethod"])
def test_wrappers(name: str) -> None:
    """NULL until ``__init__`` ran: that is no damage, but nothing to call either."""
    world = World()
    field = "cm_callable" if name == "classmethod" else "sm_callable"
    (violation,) = check(world, world.slotted(name))
    assert (violation.slot, violation.severity) == (
        field,
        "transient",
    )
    assert "__init__" in sentence(violation.claim)
    assert check(world, world.slotted(name, **{field: world.put(1)})) == []
    (violation,) = check(world, world.slotted(name, **{field: 0x1230}))
    assert (violation.slot, violation.severity) == (field, "broken")


def test_namespace() -> None:
    world = World()
    assert check(world, world.slotted("types.SimpleNamespace", ns_dict=world.put({}))) == []
    for value, claim in ((0, "ns_dict is NULL"), (world.put([]), "ns_dict is a list, not a dict")):
        assert [
            sentence(v.claim)
            for v in check(world, world.slotted("types.SimpleNamespace", ns_dict=value))
        ] == [claim]


def function(world: World, **changes: int) -> int:
    put = world.put
    code = world.slotted(
        "code",
        co_consts=put(()),
        co_names=put(()),
        co_localsplusnames=put(()),
        co_exceptiontable=put(b""),
        co_localspluskinds=put(b""),
        co_linetable=put(b""),
        co_filename=put("/a.py"),
        co_name=put("f"),
        co_qualname=put("f"),
    )
    fields = {
        "func_globals": put({}),
        "func_builtins": put({}),
        "func_name": put("f"),
        "func_qualname": put("f"),
        "func_code": code,
    }
    return world.slotted("function", **{**fields, **changes})


def test_function() -> None:
    world = World()
    whole = function(world)
    assert check(world, whole) == []
    code = world.objects.field("PyFunctionObject", whole, "func_code")
    assert check(world, code) == []
    for field, value, severity in (
        ("func_code", world.put(1), "broken"),
        ("func_code", 0, "broken"),
        ("func_globals", world.put([]), "broken"),
        ("func_globals", 0, "transient"),
        ("func_name", world.put(1), "broken"),
        ("func_closure", world.put([]), "broken"),
        ("func_defaults", 0x1230, "broken"),
    ):
        assert [(v.slot, v.severity) for v in check(world, function(world, **{field: value}))] == [
            (field, severity)
        ]


def test_weakref_to_a_dying_object() -> None:
    world = World()
    dying = world.put(7)
    world.set("PyObject", dying, ob_ref_local=0)
    assert [
        v.severity for v in check(world, world.slotted("weakref.ReferenceType", wr_object=dying))
    ] == ["transient"]


def test_others() -> None:
    world = World()
    put = world.put
    assert check(world, world.slotted("cell")) == []
    assert [v.slot for v in check(world, world.slotted("cell", ob_ref=0x1230))] == ["ob_ref"]
    assert [v.slot for v in check(world, world.slotted("method", im_self=put(1)))] == ["im_func"]
    assert [v.slot for v in check(world, world.slotted("slice", start=put(1), stop=put(1)))] == [
        "step"
    ]
    assert [v.slot for v in check(world, world.slotted("BaseException", args=put([])))] == ["args"]
    assert [
        v.slot
        for v in check(world, world.slotted("types.GenericAlias", origin=put(1), args=put([])))
    ] == ["args"]
    assert [v.slot for v in check(world, world.slotted("module", md_dict=put([])))] == ["md_dict"]
    assert [
        v.slot for v in check(world, world.slotted("collections.deque", ob_size=-1, leftblock=8))
    ] == ["leftblock"]


def test_no_object_at_all() -> None:
    world = World()
    (violation,) = check(world, 0x1230)
    assert "cannot read" in sentence(violation.claim)
    assert check(world, 0x1230, "list")
    wild = world.allocate(64)
    world.memory.write(wild, b"\xdd" * 64)
    assert {v.slot for v in check(world, wild)} == {"header"}
    assert {v.slot for v in check(world, wild, "list")} >= {"header", "ob_size"}


def test_expected_type_that_is_not_known_here() -> None:
    world = World()
    (violation,) = check(world, world.put(1), "some.Type")
    assert violation.slot == "ob_type"


def test_subclass_is_what_was_expected() -> None:
    world = World()
    world.new_class("MyList", "list")
    address = world.put([1])
    world.set("PyObject", address, ob_type=world.types["MyList"])
    assert check(world, address, "list") == []


def test_collection_under_way() -> None:
    world = World()
    address = world.put([1])
    world.set("PyObject", address, ob_tid=1, ob_gc_bits=5)
    assert check(world, address)
    running = type(world.objects)(world.memory, world.layout, is_collecting=True)
    assert running.invariants(address) == []
