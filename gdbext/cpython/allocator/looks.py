"""The object headers of a whole page at once.

Most objects of a page look alike: equal owner, counts and type.  So each combination is judged
once, and only what is out of the ordinary object by object.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import compress, islice
from operator import not_

from gdbext.cpython.allocator.memory_records import Records
from gdbext.cpython.allocator.page_free_lists import BULK_BLOCK_SIZE
from gdbext.cpython.allocator.pages import DOMAINS, MEM, Page
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.frozen import dataclass
from gdbext.target.protocol import MemoryFault

WORD = 8
Look = tuple[bytes]
"""A header's bytes: what tells one object's state from another's."""


@dataclass(frozen=True)
class Looks:
    """The blocks of a page that holds objects.

    ``starts`` are the places of the objects; a header of ``size`` bytes is ``before`` bytes into
    each block.
    """

    starts: range
    freed: list[int]
    """Objects' places in free blocks."""
    data: bytes
    header: struct.Struct
    """One block's bytes: what is before the header, the header, the rest."""
    before: int
    size: int

    def _all(self) -> Iterator[Look]:
        return self.header.iter_unpack(self.data)

    @cached_property
    def in_use(self) -> list[bool]:
        """Which of the blocks are."""
        freed = set(self.freed)
        return list(map(not_, map(freed.__contains__, self.starts)))

    @cached_property
    def _is_uniform(self) -> bool:
        """Whether all objects have one look, told without a step of Python for each."""
        words = memoryview(self.data).cast("Q")
        before, step = self.before // WORD, self.header.size // WORD
        columns = (words[at::step] for at in range(before, before + self.size // WORD))
        return all(column[1:] == column[:-1] for column in columns)

    @cached_property
    def seen(self) -> dict[Look, int]:
        """Each look that an object in use has, with the address of one that has it."""
        if self.freed:
            return dict(zip(compress(self._all(), self.in_use), compress(self.starts, self.in_use)))
        if self._is_uniform:
            return dict(islice(zip(self._all(), self.starts), 1))
        return dict(zip(self._all(), self.starts))

    def having(self, looks: set[Look]) -> list[tuple[int, Look]]:
        """(address, look) of all objects in use that have one of the looks."""
        if looks.isdisjoint(self.seen):
            return []
        return [
            (address, look)
            for address, look, used in zip(self.starts, self._all(), self.in_use)
            if used and look in looks
        ]


def holds_objects(records: Records, page: Page) -> bool:
    """Whether the page is of a heap that objects come from."""
    return page.tag != MEM and records.mimalloc.domain(page) in DOMAINS


def read_looks(records: Records, page: Page) -> Looks | None:
    """The looks of a page; None if it holds no objects, or cannot be read, or has so large blocks
    that nothing is gained.
    """
    if page.block_size >= BULK_BLOCK_SIZE or not holds_objects(records, page):
        return None
    try:
        before, size = records.before(page), records.layout.size("PyObject")
        data = records.memory.read(page.start, page.capacity * page.block_size)
    except (MemoryFault, UnknownLayout):
        return None
    if before + size > page.block_size:
        return None
    free = records.free_lists.of(page).where
    starts = range(page.start + before, page.end + before, page.block_size)
    header = struct.Struct(f"<{before}x{size}s{page.block_size - before - size}x")
    return Looks(starts, [block + before for block in free], data, header, before, size)


class Selection:
    """The objects that pass a test which only depends on their looks."""

    def __init__(self, records: Records, test: Callable[[int], bool]) -> None:
        self._r = records
        self._test = test
        self._known: dict[Look, bool] = {}

    def of(self, page: Page) -> list[int]:
        """Addresses of the page's objects in use that pass."""
        if not holds_objects(self._r, page):
            return []
        found = read_looks(self._r, page)
        if found is None:
            free = self._r.free_lists.of(page).where
            before = self._r.before(page)
            return [
                block + before
                for block in page.blocks()
                if block not in free and self._test(block + before)
            ]
        for look, example in found.seen.items():
            if look not in self._known:
                self._known[look] = self._test(example)
        return [
            address
            for address, _ in found.having({look for look in found.seen if self._known[look]})
        ]
