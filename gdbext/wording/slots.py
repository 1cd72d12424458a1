"""What a pointer of an object is called."""

from __future__ import annotations

from gdbext.model import Slot, ValueSlot, index_of


def slot_name(slot: Slot) -> str:
    """A slot as a part of its object.

    >>> from gdbext.model import AttributeSlot, Data
    >>> [slot_name(slot) for slot in ("ob_item", 3, AttributeSlot("x"), ValueSlot(Data("k")))]
    ['ob_item', 'item 3', '.x', "['k']"]
    """
    return f"item {slot}" if isinstance(slot, int) else slot_label(slot)


def slot_label(slot: Slot) -> str:
    """A slot in a table of slots, where an item is known by its index alone.

    >>> from gdbext.model import Data, EntrySlot, KeySlot
    >>> [slot_label(slot) for slot in (3, KeySlot(Data("k")), EntrySlot("entry", 2))]
    ['3', "key 'k'", 'entry 2']
    """
    return f"[{index_of(slot)}]" if isinstance(slot, ValueSlot) else str(index_of(slot))


def subscript(slot: Slot) -> str:
    """A slot as code would write it, behind the object's name: ``[3]``, ``['key']``, ``.args``."""
    return f"[{slot}]" if isinstance(slot, int) else slot_label(slot)
