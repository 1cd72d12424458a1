"""``collections.deque`` (CPython's Modules/_collectionsmodule.c): a doubly linked list of blocks of
64 items.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import BROKEN, Reference, Violation
from gdbext.cpython.objects.family import Family, check_pointer
from gdbext.cpython.objects.reader import MAX_WORDS, Damaged, signed
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Claim
from gdbext.target.protocol import MemoryFault

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter


class DequeItem(NamedTuple):
    """An item, and the address of the slot in its block that has it."""

    position: int
    item: int
    address: int


def deque_items(core: Core, address: int) -> Iterator[DequeItem]:
    """The items from the left.

    Raises:
        MemoryFault, UnknownLayout
    """
    size, block, first = core.fields("dequeobject", address, "ob_size", "leftblock", "leftindex")
    layout = core.layout.struct("BLOCK")
    room, at_data = layout.field("data").size // 8, layout.offset("data")
    if not 0 <= signed(size) <= MAX_WORDS or first > room:
        raise Damaged(address, Claim("deque-implausible", size=signed(size), leftindex=first))
    index, seen = 0, set[int]()
    while index < size:
        if block in seen:
            raise Damaged(address, Claim("deque-cycle"))
        seen.add(block)
        count = min(room - first, size - index)
        place = block + at_data + 8 * first
        for offset, item in enumerate(core.words(place, count)):
            yield DequeItem(index + offset, item, place + 8 * offset)
        index += count
        block, first = core.field("BLOCK", block, "rightlink"), 0


class DequeFamily(Family):
    """``collections.deque`` (Modules/_collectionsmodule.c): blocks in a doubly linked list."""

    names = ("collections.deque",)
    struct = "dequeobject"
    cycle = "[...]"

    def references(self, core: Core, address: int) -> Iterator[Reference]:
        for index, item, place in deque_items(core, address):
            if item:
                yield Reference(item, index, place)

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        try:
            for index, item, place in deque_items(core, address):
                yield from check_pointer(core, index, place, item, null=BROKEN)
        except MemoryFault as fault:
            place = address + core.layout.offset(self.struct, "leftblock")
            yield Violation(
                "leftblock", Claim("deque-unreadable", reason=fault.claim), place, core.word(place)
            )

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        maxlen = signed(write.core.field(self.struct, address, "maxlen"))
        yield f"{info.short_name}(["
        yield from write.items(item for _, item, _ in deque_items(write.core, address))
        yield f"], maxlen={maxlen})" if maxlen >= 0 else "])"


FAMILIES = (DequeFamily(),)
