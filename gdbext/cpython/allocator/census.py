"""Verdicts on very many addresses: a million are judged by set operations over the pages that they
lie in.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cached_property
from itertools import repeat

from gdbext.cpython.allocator.evidence import misfit
from gdbext.cpython.allocator.judge import Judge
from gdbext.cpython.allocator.kinds import ANY
from gdbext.cpython.allocator.looks import Look, Looks, read_looks
from gdbext.cpython.allocator.pages import SLICE_SIZE, Page
from gdbext.cpython.allocator.records import Records
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.frozen import dataclass
from gdbext.model import Verdict
from gdbext.target.protocol import MemoryFault

SLICE_SHIFT = SLICE_SIZE.bit_length() - 1
# Pages are only counted whole if so many addresses are asked for in each, on average.
WORTHWHILE = 4


@dataclass(frozen=True)
class PageCensus:
    """What there is in a page.

    All of ``starts`` but ``freed`` and ``odd`` are addresses of living objects.
    """

    starts: range
    freed: list[int]
    odd: dict[int, Verdict]


class Census:
    """Judges whole pages."""

    def __init__(self, records: Records, judge: Judge) -> None:
        self._r = records
        self._judge = judge
        self._looks: dict[tuple[int, int], dict[Look, Verdict | None]] = {}

    def judge_many(self, addresses: array[int]) -> list[Verdict]:
        """The verdict on each address, in order; each is taken for some object's."""
        remaining = set(addresses)
        slices = _slices(addresses)
        known: dict[int, Verdict] = {}
        if len(remaining) >= WORTHWHILE * len(slices):
            pages = {
                page.address: page
                for number in slices
                if (page := self._page(number << SLICE_SHIFT))
            }
            for page in pages.values():
                found = self.page(page)
                if found is not None:
                    known.update(dict.fromkeys(remaining.intersection(found.freed), Verdict.FREED))
                    known.update(found.odd)
                    remaining.difference_update(found.starts)
        for address in remaining:
            known[address] = self._one(address)
        return (
            list(map(known.get, addresses, repeat(Verdict.LIVE)))
            if known
            else [Verdict.LIVE] * len(addresses)
        )

    def _one(self, address: int) -> Verdict:
        return self._judge.address(address, ANY).verdict

    def _page(self, address: int) -> Page | None:
        try:
            return self._r.mimalloc.page_of(address)
        except (MemoryFault, UnknownLayout):
            return None

    def page(self, page: Page) -> PageCensus | None:
        """The census of a page; None for one that is better judged address by address."""
        found = read_looks(self._r, page)
        if found is None:
            return None
        verdicts = self._verdicts(page, found)
        unusual = {look for look in found.seen if verdicts[look] is not Verdict.LIVE}
        odd = {
            address: verdicts[look] or self._one(address) for address, look in found.having(unusual)
        }
        freed = set(found.freed) if self._queued else ()
        for address in self._queued:
            if address in found.starts and address not in freed and address not in odd:
                odd[address] = self._one(address)
        return PageCensus(found.starts, found.freed, odd)

    @cached_property
    def _queued(self) -> list[int]:
        """Objects that look alive, but of whose references some are in queues."""
        return [*self._r.queues.merges, *self._r.queues.decrefs]

    def _verdicts(self, page: Page, found: Looks) -> dict[Look, Verdict | None]:
        """What every object with a look is; None where that differs from one to the next."""
        known = self._looks.setdefault((page.tag, page.block_size), {})
        for look in found.seen.keys() - known.keys():
            known[look] = self._of_look(page, found.seen[look])
        return known

    def _of_look(self, page: Page, example: int) -> Verdict | None:
        header = self._r.objects.header(example)
        info = self._r.objects.type_info(header.ob_type)
        if (
            info is None
            or header.problems
            or header.is_dead_shape
            or "unreachable" in header.gc_names
        ):
            return None
        if misfit(self._r, page, info):
            return None
        return Verdict.IMMORTAL if header.is_immortal else Verdict.LIVE


def _slices(addresses: array[int]) -> set[int]:
    """The 64 KiB slices that addresses lie in: bits 16 to 47 of each, taken without a step of
    Python for every one.
    """
    data = addresses.tobytes() + b"\0\0"
    return set(memoryview(data)[2 : 2 + 8 * len(addresses)].cast("I")[::2])


def to_array(addresses: Sequence[int]) -> array[int]:
    """Addresses as 64-bit words; what does not fit is cut."""
    return (
        addresses
        if isinstance(addresses, array)
        else array("Q", (a & (1 << 64) - 1 for a in addresses))
    )
