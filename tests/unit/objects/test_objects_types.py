"""Type objects: which addresses are credible ones."""

from __future__ import annotations

import pytest

from gdbext.wording import sentence
from unit.objects.object_world import HEAP, VERSIONS, World


@pytest.mark.parametrize("version", VERSIONS)
def test_builtin_types(version: str) -> None:
    world = World(version)
    for name, address in world.types.items():
        info = world.objects.type_info(address)
        assert info is not None, (name, world.objects.why_not_type(address))
        assert info.name == name
    info = world.objects.type_info(world.types["bool"])
    assert info is not None
    assert info.is_subclass("int")
    assert not info.is_subclass("str")
    assert not info.is_heap_type


def test_class_of_python() -> None:
    world = World()
    info = world.objects.type_info(world.new_class("Meal", names=("eggs",)))
    assert info is not None
    assert info.is_heap_type
    assert info.is_python_class
    assert info.presize == 16
    assert world.objects.type_name(info) == "__main__.Meal"
    assert [base.name for base in world.objects.bases(info)] == ["Meal", "object"]


def test_class_with_a_metaclass() -> None:
    world = World()
    meta = world.new_class("Meta", "type")
    address = world.new_class("Made")
    world.set("PyObject", address, ob_type=meta)
    assert world.objects.type_info(address) is not None


DAMAGE = {
    "not ready": ("tp_flags", 0, "READY"),
    "no name": ("tp_name", 0, "name"),
    "name in the void": ("tp_name", 0x1000, "name"),
    "basic size": ("tp_basicsize", 1 << 40, "basic size"),
    "basic size of nothing": ("tp_basicsize", 8, "basic size"),
    "item size": ("tp_itemsize", 1 << 40, "item size"),
    "base": ("tp_base", HEAP + 4, "base"),
    "no base": ("tp_base", 0, "base"),
}


@pytest.mark.parametrize(("field", "value", "word"), DAMAGE.values(), ids=DAMAGE)
def test_damaged(field: str, value: int, word: str) -> None:
    world = World()
    address = world.types["float"]
    world.set("PyTypeObject", address, **{field: value})
    assert world.objects.type_info(address) is None
    (reason,) = world.objects.why_not_type(address)
    assert word in sentence(reason.claim)
    assert reason.broken


def test_name_that_nobody_gives() -> None:
    world = World()
    world.set("PyTypeObject", world.types["float"], tp_name=world.cstring("\x01\x02"))
    assert world.objects.type_info(world.types["float"]) is None


def test_header_counts_too() -> None:
    world = World()
    world.set("PyObject", world.types["float"], ob_gc_bits=0x80)
    assert world.objects.type_info(world.types["float"]) is None


def test_dead_type() -> None:
    world = World()
    address = world.new_class("Gone")
    world.set("PyObject", address, ob_ref_local=0)
    assert world.objects.type_info(address) is None


def test_metatypes_must_end_in_type() -> None:
    world = World()
    first, second = world.new_class("A", "type"), world.new_class("B", "type")
    world.set("PyObject", first, ob_type=second)
    world.set("PyObject", second, ob_type=first)
    assert world.objects.type_info(first) is None
    assert "metatypes" in sentence(world.objects.why_not_type(first)[0].claim)


@pytest.mark.parametrize("address", [0, 8, 0x1000, HEAP + 4, 1 << 63, (1 << 64) - 8])
def test_no_memory(address: int) -> None:
    world = World()
    assert world.objects.type_info(address) is None
    assert world.objects.why_not_type(address)


def test_type_of() -> None:
    world = World()
    address = world.put(7)
    assert world.objects.is_object(address)
    assert world.objects.why_not_object(address) == []
    info = world.objects.type_of(address)
    assert info is not None
    assert info.name == "int"


def test_an_object_is_more_than_its_type() -> None:
    world = World()
    address = world.put(7)
    world.set("PyObject", address, ob_mutex=0xDD)
    assert world.objects.type_of(address) is None
    assert not world.objects.is_object(address)


def test_dead_object_has_a_type_but_is_none() -> None:
    world = World()
    address = world.put(7)
    world.set("PyObject", address, ob_ref_local=0)
    assert world.objects.type_of(address) is not None
    (reason,) = world.objects.why_not_object(address)
    assert "reference count is 0" in sentence(reason.claim)


def test_type_that_is_none() -> None:
    world = World()
    address = world.put(7)
    world.set("PyObject", address, ob_type=world.put("text"))
    claims = [sentence(reason.claim) for reason in world.objects.why_not_object(address)]
    assert claims[0] == "ob_type is not a type object"
    assert len(claims) > 1


def test_a_type_that_lost_references_still_has_its_name() -> None:
    world = World()
    address = world.new_class("Handle")
    world.set("PyObject", address, ob_ref_local=0, ob_ref_shared=-0xDE & (1 << 64) - 1)
    assert world.objects.type_info(address) is None
    assert world.objects.type_name_left(address) == "Handle"
    assert world.objects.type_name_left(world.types["float"]) == "float"


@pytest.mark.parametrize(("field", "value", "word"), DAMAGE.values(), ids=DAMAGE)
def test_what_is_damaged_has_no_name_left(field: str, value: int, word: str) -> None:
    world = World()
    address = world.types["float"]
    world.set("PyTypeObject", address, **{field: value})
    assert world.objects.type_name_left(address) is None
