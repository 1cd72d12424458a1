"""Attributes of instances (CPython's Objects/dictobject.c, Objects/typeobject.c,
Include/internal/pycore_object.h).

An instance's attributes are in one of three places, or in two at once: inline values behind the
object, whose names are the class's shared keys; a dict that the word before the object points to
("managed"), or a word at ``tp_dictoffset``; and slots of their own for what ``__slots__`` names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.dictkeys import (
    ByName,
    DictEntry,
    dict_entries,
    read_keys,
    read_values,
    split_entries,
)
from gdbext.cpython.objects.reader import FAULTS, signed
from gdbext.cpython.objects.types import INLINE_VALUES, ITEMS_AT_END, MANAGED_DICT, TypeInfo

MANAGED_DICT_OFFSET = -8
OBJECT_EX = 16
"""Py_T_OBJECT_EX: the kind of member that ``__slots__`` makes (Include/descrobject.h)."""
MAX_MEMBERS = 1000


class Attribute(NamedTuple):
    """``address`` is where the pointer to ``value`` stands."""

    name: str
    value: int
    address: int


def dict_pointer(core: Core, address: int, info: TypeInfo) -> Attribute | None:
    """The word that points to the instance's dict (which may be 0); None if the class gives it
    none.

    Raises:
        MemoryFault, UnknownLayout
    """
    if info.has(MANAGED_DICT):
        place = address + MANAGED_DICT_OFFSET
    elif not info.dictoffset or info.basicsize is None:
        return None
    elif info.dictoffset > 0:
        place = address + info.dictoffset
    else:
        # From the end of an object of variable size (_PyObject_ComputedDictPointer).
        items = abs(signed(core.field("PyVarObject", address, "ob_size")))
        place = (
            address + -(-(info.basicsize + items * (info.itemsize or 0)) // 8) * 8 + info.dictoffset
        )
    return Attribute("__dict__", core.word(place), place)


def inline_entries(core: Core, address: int, info: TypeInfo) -> Iterator[DictEntry]:
    """The inline values that are valid, with their names' addresses.

    Raises:
        MemoryFault, UnknownLayout
    """
    if not info.has(INLINE_VALUES) or info.basicsize is None:
        return
    values = read_values(core, address + info.basicsize)
    if values.valid != 1 or not values.is_sane:
        return
    keys = read_keys(core, core.field("PyHeapTypeObject", info.address, "ht_cached_keys"))
    if keys.is_sane:
        yield from split_entries(core, keys, values)


def slot_members(core: Core, info: TypeInfo) -> Iterator[tuple[str, int]]:
    """(name, offset) of what ``__slots__`` of the class and its bases make.

    Raises:
        MemoryFault, UnknownLayout
    """
    for base in core.bases(info):
        metatype = core.type_info(base.metatype)
        if (
            not base.is_heap_type
            or metatype is None
            or metatype.basicsize is None
            or not metatype.has(ITEMS_AT_END)
        ):
            continue
        count = min(core.field("PyVarObject", base.address, "ob_size"), MAX_MEMBERS)
        size = core.layout.size("PyMemberDef")
        for number in range(count):
            name, kind, offset = core.fields(
                "PyMemberDef",
                base.address + metatype.basicsize + number * size,
                "name",
                "type",
                "offset",
            )
            text = core.cstring(name)
            if kind == OBJECT_EX and text:
                yield text, offset


def attributes(core: Core, address: int, info: TypeInfo) -> Iterator[Attribute]:
    """Every attribute that is set on the instance itself; what cannot be read is left out."""
    found = iter([inline_entries(core, address, info), _dict_entries(core, address, info)])
    seen: set[int] = set()
    for entries in found:
        for entry in _readable(entries):
            name = core.name(entry.key) if entry.key else None
            # A dict made over the inline values shares their words.
            if name is not None and entry.value and entry.value_address not in seen:
                seen.add(entry.value_address)
                yield Attribute(name, entry.value, entry.value_address)
    yield from slot_attributes(core, address, info)


def slot_attributes(core: Core, address: int, info: TypeInfo) -> Iterator[Attribute]:
    """Those that have a slot of their own."""
    try:
        for name, offset in core.memo(
            ("slot_members", info.address), lambda: list(slot_members(core, info))
        ):
            if value := core.word(address + offset):
                yield Attribute(name, value, address + offset)
    except FAULTS:
        return


def _dict_entries(core: Core, address: int, info: TypeInfo) -> Iterator[DictEntry]:
    pointer = dict_pointer(core, address, info)
    if pointer and pointer.value and core.is_object(pointer.value):
        yield from dict_entries(core, pointer.value)


def _readable(entries: Iterator[DictEntry]) -> Iterator[DictEntry]:
    try:
        yield from entries
    except FAULTS:
        return


def attribute_of(core: Core, address: int, name: str) -> int | None:
    """The value of an attribute that is set on the instance itself; None if there is none."""
    info = core.type_of(address)
    if info is None:
        return None
    names = core.memo(
        ("attributes", address),
        lambda: ByName((each.name, each) for each in attributes(core, address, info)),
    )
    found = names.find(name)
    return found.value if found else None
