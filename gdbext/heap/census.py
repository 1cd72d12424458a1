"""Verdicts by the page: a million addresses are judged by set operations over the pages that they lie in.

Most objects of a page look alike: equal owner, counts and type.  Each such combination is judged once; only what is not
plainly alive gets the full treatment of :mod:`gdbext.heap.judge`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, repeat
from operator import not_

from gdbext.debuggers.base import MemoryFault
from gdbext.heap.evidence import misfit
from gdbext.heap.free_lists import BULK_BLOCK_SIZE
from gdbext.heap.judge import Judge
from gdbext.heap.pages import DOMAINS, MEM, SLICE_SIZE, Page
from gdbext.heap.records import Records
from gdbext.layout.layout import UnknownLayout
from gdbext.model import Verdict

SLICE_SHIFT = SLICE_SIZE.bit_length() - 1
# A page is only counted whole if so many addresses in it are asked for.
WORTHWHILE = 4
LOOK = ("ob_tid", "ob_ref_local", "ob_ref_shared", "ob_type")
Look = tuple[int, ...]
"""What tells one object's state from another's: ob_tid, the word with ob_ref_local, ob_ref_shared, ob_type."""


class Columns:
    """The object headers of a page's blocks as columns of words, one entry a block."""

    def __init__(self, records: Records, page: Page) -> None:
        self.words = memoryview(records.memory.read(page.start, page.capacity * page.block_size)).cast("Q")
        self._first = records.before(page) // 8
        self._step = page.block_size // 8

    def column(self, offset: int) -> memoryview:
        """The word at that offset of every block's object."""
        return self.words[self._first + offset // 8 :: self._step]


@dataclass(frozen=True)
class PageCensus:
    """What there is in a page.  All of ``starts`` but ``freed`` and ``odd`` are addresses of living objects."""

    starts: range
    """Where the objects of the page's blocks start."""
    freed: list[int]
    odd: dict[int, Verdict]


class Census:
    """Judges whole pages."""

    def __init__(self, records: Records, judge: Judge) -> None:
        self._r = records
        self._judge = judge
        self._looks: dict[tuple[int, int], dict[Look, Verdict | None]] = {}

    def judge_many(self, addresses: array[int]) -> list[Verdict]:
        """The verdict on each address, in order."""
        distinct = set(addresses)
        slices = _slices(addresses)
        odd: dict[int, Verdict] = {}
        if len(distinct) >= WORTHWHILE * len(slices):
            for page in {page.address: page for number in slices if (page := self._page(number << SLICE_SHIFT))}.values():
                found = self.page(page)
                if found is not None:
                    odd.update(dict.fromkeys(distinct.intersection(found.freed), Verdict.FREED))
                    odd.update(found.odd)
                    distinct.difference_update(found.starts)
        for address in distinct:
            odd[address] = self._judge.address(address, None).verdict
        return list(map(odd.get, addresses, repeat(Verdict.LIVE))) if odd else [Verdict.LIVE] * len(addresses)

    def _page(self, address: int) -> Page | None:
        try:
            return self._r.mimalloc.page_of(address)
        except (MemoryFault, UnknownLayout):
            return None

    def page(self, page: Page) -> PageCensus | None:
        """The census of a page; None for one that is better judged address by address."""
        if page.block_size >= BULK_BLOCK_SIZE or page.tag == MEM or self._r.mimalloc.domain(page) not in DOMAINS:
            return None
        try:
            layout, words = self._r.layout.struct("PyObject"), Columns(self._r, page)
            columns = [words.column(layout.offset(name)) for name in LOOK]
        except (MemoryFault, UnknownLayout):
            return None
        before = self._r.before(page)
        starts = range(page.start + before, page.end + before, page.block_size)
        free = self._r.free_lists.of(page).where
        in_use = list(map(not_, map(free.__contains__, page.blocks())))
        freed = [block + before for block in free]
        odd: dict[int, Verdict] = {}
        looks = self._looks.setdefault((page.tag, page.block_size), {})
        # A page has few looks, as a rule one or two.  Where all of them are of living objects, that is all.
        seen = dict(zip(zip(*(compress(column, in_use) for column in columns)), compress(starts, in_use)))
        for look in seen.keys() - looks.keys():
            looks[look] = self._of_look(page, seen[look])
        unusual = {look for look in seen if looks[look] is not Verdict.LIVE}
        if unusual:
            for address, look, used in zip(starts, zip(*columns), in_use):
                if used and look in unusual:
                    odd[address] = looks[look] or self._judge.address(address, None).verdict
        for address in self._queued:
            if address in starts and address - before not in free and address not in odd:
                odd[address] = self._judge.address(address, None).verdict
        return PageCensus(starts, freed, odd)

    @cached_property
    def _queued(self) -> list[int]:
        """Objects that look alive, but of whose references some are in queues."""
        return [*self._r.queues.merges, *self._r.queues.decrefs]

    def _of_look(self, page: Page, address: int) -> Verdict | None:
        """What every object that looks like this one is; None if that differs from one to the next."""
        header = self._r.objects.header(address)
        info = self._r.objects.type_info(header.ob_type)
        if info is None or header.problems or header.is_dead_shape or "unreachable" in header.gc_names:
            return None
        if misfit(self._r, page, info):
            return None
        return Verdict.IMMORTAL if header.is_immortal else Verdict.LIVE


def _slices(addresses: array[int]) -> set[int]:
    """The 64 KiB slices that addresses lie in: bits 16 to 47 of each, taken without a step of Python for every one."""
    data = addresses.tobytes() + b"\0\0"
    return set(memoryview(data)[2 : 2 + 8 * len(addresses)].cast("I")[::2])


def to_array(addresses: Sequence[int]) -> array[int]:
    """Addresses as 64-bit words; what does not fit is cut."""
    return addresses if isinstance(addresses, array) else array("Q", (a & (1 << 64) - 1 for a in addresses))
