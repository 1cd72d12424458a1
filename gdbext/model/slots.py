"""Which pointer of an object is meant."""

from __future__ import annotations

from typing import TypeAlias

from gdbext.frozen import dataclass
from gdbext.model.arguments import Address, Data


@dataclass(frozen=True)
class AttributeSlot:
    """The slot of an instance's attribute."""

    name: str


@dataclass(frozen=True)
class KeySlot:
    """The slot of a dict's key; ``key`` is its text, or its address where it is not a ``str``."""

    key: Data | Address


@dataclass(frozen=True)
class ValueSlot:
    """The slot of the value of a dict's key; ``key`` as in :class:`KeySlot`."""

    key: Data | Address


@dataclass(frozen=True)
class EntrySlot:
    """A numbered slot of a table: ``table`` is what CPython calls one, such as
    ``entry`` of a set.
    """

    table: str
    number: int


Slot: TypeAlias = "int | str | AttributeSlot | KeySlot | ValueSlot | EntrySlot"
"""Which pointer of an object: an item by its index (int), a C field by its name (str), others."""


def index_of(slot: Slot) -> int | str:
    """What the contract calls the ``index`` of a container: a position, or a key's repr.

    >>> index_of(3), index_of(ValueSlot(Data("k"))), index_of(ValueSlot(Address(64)))
    (3, "'k'", '0x40')
    """
    if isinstance(slot, (KeySlot, ValueSlot)):
        key = repr(str(slot.key)) if isinstance(slot.key, Data) else str(slot.key)
        return key if isinstance(slot, ValueSlot) else f"key {key}"
    if isinstance(slot, EntrySlot):
        return f"{slot.table} {slot.number}"
    return f".{slot.name}" if isinstance(slot, AttributeSlot) else slot
