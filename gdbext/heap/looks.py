"""The object headers of a whole page at once.

Most objects of a page look alike: equal owner, counts and type.  So each combination is judged once, and only what is out of
the ordinary object by object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from operator import not_

from gdbext.debuggers.base import MemoryFault
from gdbext.heap.free_lists import BULK_BLOCK_SIZE
from gdbext.heap.pages import DOMAINS, MEM, Page
from gdbext.heap.records import Records
from gdbext.layout.layout import UnknownLayout

FIELDS = ("ob_tid", "ob_ref_local", "ob_ref_shared", "ob_type")
Look = tuple[int, ...]
"""The words that hold these fields: what tells one object's state from another's."""


@dataclass(frozen=True)
class Looks:
    """The blocks of a page that holds objects.  ``starts`` are the places of the objects, ``in_use`` which of them are."""

    starts: range
    in_use: list[bool]
    columns: list[memoryview]
    freed: list[int]
    """Objects' places in free blocks."""

    @cached_property
    def seen(self) -> dict[Look, int]:
        """Each look that an object in use has, with the address of one that has it."""
        if not self.freed:
            return dict(zip(zip(*self.columns), self.starts))
        return dict(zip(zip(*(compress(column, self.in_use) for column in self.columns)), compress(self.starts, self.in_use)))

    def having(self, looks: set[Look]) -> list[tuple[int, Look]]:
        """(address, look) of all objects in use that have one of the looks."""
        if not looks or looks.isdisjoint(self.seen):
            return []
        rows = zip(self.starts, zip(*self.columns), self.in_use)
        return [(address, look) for address, look, used in rows if used and look in looks]


def holds_objects(records: Records, page: Page) -> bool:
    """Whether the page is of a heap that objects come from."""
    return page.tag != MEM and records.mimalloc.domain(page) in DOMAINS


def read_looks(records: Records, page: Page) -> Looks | None:
    """The looks of a page; None if it holds no objects, or cannot be read, or has so large blocks that it is no gain."""
    if page.block_size >= BULK_BLOCK_SIZE or not holds_objects(records, page):
        return None
    try:
        layout = records.layout.struct("PyObject")
        words = memoryview(records.memory.read(page.start, page.capacity * page.block_size)).cast("Q")
        before = records.before(page)
        columns = [words[(before + layout.offset(name)) // 8 :: page.block_size // 8] for name in FIELDS]
    except (MemoryFault, UnknownLayout):
        return None
    free = records.free_lists.of(page).where
    in_use = list(map(not_, map(free.__contains__, page.blocks())))
    starts = range(page.start + before, page.end + before, page.block_size)
    return Looks(starts, in_use, columns, [block + before for block in free])


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
            return [block + before for block in page.blocks() if block not in free and self._test(block + before)]
        for look, example in found.seen.items():
            if look not in self._known:
                self._known[look] = self._test(example)
        return [address for address, _ in found.having({look for look in found.seen if self._known[look]})]
