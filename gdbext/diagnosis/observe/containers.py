"""A container's length and the array that it stores its items in, whatever its type."""

from __future__ import annotations

from gdbext.cpython.objects.decoded import Bytes, Dict, List, Set, Tuple
from gdbext.cpython.objects.objects import Objects
from gdbext.frozen import dataclass

WORD = 8


@dataclass(frozen=True)
class Storage:
    """``start`` to ``end`` is the memory that the object's ``pointer`` field (at
    ``pointer_address``) leads to.
    """

    start: int
    end: int
    pointer_address: int


def length(objects: Objects, address: int) -> int | None:
    """The number of items (bytes) of a list, tuple, dict, set, bytes or bytearray; None
    for others.
    """
    found = objects.decode(address)
    return found.length if isinstance(found, (List, Tuple, Dict, Set, Bytes)) else None


def storage(objects: Objects, address: int) -> Storage | None:
    """Where the items are, for types that keep them outside the object and may move them."""
    found = objects.decode(address)
    if isinstance(found, List):
        place = address + objects.layout.offset("PyListObject", "ob_item")
        return Storage(found.buffer, found.buffer + WORD * (found.capacity or 0), place)
    if isinstance(found, Bytes) and found.type and found.type.name == "bytearray":
        place = address + objects.layout.offset("PyByteArrayObject", "ob_bytes")
        return Storage(found.buffer, found.buffer + found.length + 1, place)
    return None
