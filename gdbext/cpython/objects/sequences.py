"""Lists and tuples (CPython's Objects/listobject.c, Objects/tupleobject.c).

A list's items stand behind a word with the array's true capacity (``_PyListArray``), which readers
without the lock go by: ``ob_item`` points behind that word.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import (
    BROKEN,
    TRANSIENT,
    Decoded,
    List,
    Reference,
    Tuple,
    Violation,
)
from gdbext.cpython.objects.family import Family, check_pointer
from gdbext.cpython.objects.header import USER_END
from gdbext.cpython.objects.reader import MANY_WORDS, MAX_WORDS, Damaged, signed
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Claim, Data
from gdbext.target.protocol import MemoryFault, text_in_word

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter

CHECKED = 10_000
"""Items whose pointers an invariants check looks at."""
MAX_CAPACITY = 1 << 44
"""More pointers than an address space of 47 bits has room for."""


def read_list(core: Core, address: int, info: TypeInfo | None = None) -> List:
    """The list there; the sizes may be nonsense.

    Raises:
        MemoryFault, UnknownLayout
    """
    size, buffer = core.fields("PyListObject", address, "ob_size", "ob_item")
    allocated = (
        signed(core.field("PyListObject", address, "allocated"))
        if core.layout.has("PyListObject", "allocated")
        else None
    )
    capacity = None
    if buffer and core.layout.has("_PyListArray", "allocated"):
        word = core.layout.offset("_PyListArray", "allocated") - core.layout.offset(
            "_PyListArray", "ob_item"
        )
        capacity = signed(core.word(buffer + word))
    return List(address, info, signed(size), buffer, allocated, capacity)


def list_items(core: Core, address: int, stop: int | None = None) -> array[int]:
    """The list's item pointers, in one read; as many as its size says, at most ``stop``.

    Raises:
        MemoryFault, UnknownLayout
    """
    size, buffer = core.fields("PyListObject", address, "ob_size", "ob_item")
    if not buffer:
        return array("Q")
    count = _count(address, signed(size), stop)
    if count > MANY_WORDS:
        capacity = read_list(core, address).capacity
        if capacity is not None and not count <= capacity <= MAX_WORDS:
            raise Damaged(address, Claim("size-beyond-array", size=signed(size), capacity=capacity))
    return core.words(buffer, count)


def tuple_items(core: Core, address: int, stop: int | None = None) -> array[int]:
    """The tuple's item pointers; see :func:`list_items`."""
    size = signed(core.field("PyTupleObject", address, "ob_size"))
    return core.words(
        address + core.layout.offset("PyTupleObject", "ob_item"), _count(address, size, stop)
    )


def _count(address: int, size: int, stop: int | None) -> int:
    if not 0 <= size <= MAX_WORDS:
        raise Damaged(address, Claim("size-implausible", size=size))
    return size if stop is None else min(size, stop)


class ListFamily(Family):
    """Lists (Objects/listobject.c)."""

    names = ("list",)
    struct = "PyListObject"
    cycle = "[...]"

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Decoded:
        return read_list(core, address, info)

    def references(self, core: Core, address: int) -> Iterator[Reference]:
        buffer = core.field("PyListObject", address, "ob_item")
        for index, item in enumerate(list_items(core, address)):
            if item:
                yield Reference(item, index, buffer + 8 * index)

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        yield from self.array_violations(core, address)
        buffer = core.field("PyListObject", address, "ob_item")
        try:
            items = list_items(core, address, CHECKED) if buffer % 8 == 0 else ()
        except MemoryFault:
            return  # which has been said
        for index, item in enumerate(items):
            yield from check_pointer(core, index, buffer + 8 * index, item, null=TRANSIENT)

    def array_violations(self, core: Core, address: int) -> Iterator[Violation]:
        """What is broken about the list apart from its items."""
        place = core.layout.struct("PyListObject").offset
        size, buffer = core.fields("PyListObject", address, "ob_size", "ob_item")
        if signed(size) < 0:
            yield Violation("ob_size", Claim("size-below-zero"), address + place("ob_size"), size)
            return
        if buffer % 8 or buffer >= USER_END:
            yield Violation(
                "ob_item", Claim("array-not-an-address"), address + place("ob_item"), buffer
            )
            return
        if not buffer:
            if size:
                yield Violation(
                    "ob_item",
                    Claim("null-with-size", field="ob_item", size=size),
                    address + place("ob_item"),
                    0,
                )
            return
        try:
            found = read_list(core, address)
            list_items(core, address, CHECKED)
        except MemoryFault as fault:
            yield Violation(
                "ob_item",
                Claim("items-unreadable", reason=fault.claim),
                address + place("ob_item"),
                buffer,
            )
            return
        yield from self._size_violations(
            core, found, address + place("ob_size"), address + place("allocated")
        )

    def _size_violations(
        self, core: Core, found: List, at_size: int, at_allocated: int
    ) -> Iterator[Violation]:
        """While a list is resized its three sizes are written one after the other, under its lock
        or by its only owner.
        """
        header = core.header(found.address)
        is_changing = header.mutex & 1 or (header.refcount or 0) <= 1
        severity = TRANSIENT if is_changing else BROKEN
        capacity = found.capacity
        if capacity is None:
            return
        if not 0 <= capacity < MAX_CAPACITY:
            # The sizes are in the list, the room is in the array.
            word = core.layout.offset("_PyListArray", "ob_item") - core.layout.offset(
                "_PyListArray", "allocated"
            )
            text = text_in_word(capacity)
            claim = (
                Claim("array-size-is-text", text=Data(text))
                if text
                else Claim("array-size-overwritten")
            )
            yield Violation("ob_item", claim, found.buffer - word, capacity & (1 << 64) - 1)
            return
        if found.length > capacity:
            claim = Claim(
                "length-beyond-array", field="ob_size", length=found.length, capacity=capacity
            )
            yield Violation("ob_size", claim, at_size, found.length, severity)
        if found.allocated is not None and found.allocated != capacity:
            claim = Claim(
                "length-beyond-array",
                field="allocated",
                length=found.allocated,
                capacity=capacity,
            )
            yield Violation("allocated", claim, at_allocated, found.allocated, severity)

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        items = list_items(write.core, address, write.limit)
        yield "["
        yield from write.items(items)
        yield "]"


class TupleFamily(Family):
    """Tuples (Objects/tupleobject.c)."""

    names = ("tuple",)
    struct = "PyTupleObject"
    cycle = "(...)"

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Decoded:
        size = signed(core.field("PyTupleObject", address, "ob_size"))
        return Tuple(address, info, size, address + core.layout.offset("PyTupleObject", "ob_item"))

    def references(self, core: Core, address: int) -> Iterator[Reference]:
        first = address + core.layout.offset("PyTupleObject", "ob_item")
        for index, item in enumerate(tuple_items(core, address)):
            if item:
                yield Reference(item, index, first + 8 * index)

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        first = address + core.layout.offset("PyTupleObject", "ob_item")
        try:
            items = tuple_items(core, address, CHECKED)
        except MemoryFault as fault:
            size = core.field("PyTupleObject", address, "ob_size")
            place = address + core.layout.offset("PyTupleObject", "ob_size")
            yield Violation("ob_size", Claim("items-unreadable", reason=fault.claim), place, size)
            return
        for index, item in enumerate(items):
            yield from check_pointer(core, index, first + 8 * index, item, null=TRANSIENT)

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        items = tuple_items(write.core, address, write.limit)
        yield "("
        yield from write.items(items)
        yield ",)" if len(items) == 1 else ")"
