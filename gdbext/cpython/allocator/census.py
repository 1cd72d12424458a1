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
from gdbext.cpython.allocator.living import GRAIN, SLICE_SHIFT, Living, slices_of
from gdbext.cpython.allocator.looks import Look, Looks, read_looks
from gdbext.cpython.allocator.memory_records import Records
from gdbext.cpython.allocator.pages import Page
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.frozen import dataclass
from gdbext.model import Verdict
from gdbext.target.protocol import MemoryFault

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
        unusual = self.unusual(addresses)
        return (
            list(map(unusual.get, addresses, repeat(Verdict.LIVE)))
            if unusual
            else [Verdict.LIVE] * len(addresses)
        )

    def unusual(self, addresses: array[int]) -> dict[int, Verdict]:
        """The verdicts on those of the addresses at which no object lives, or an immortal one."""
        known: dict[int, Verdict] = {}
        living = Living()
        slices = slices_of(addresses)
        pages = [page for number in slices if (page := self._page(number << SLICE_SHIFT))]
        if len(addresses) >= WORTHWHILE * len(slices):
            for page in {page.address: page for page in pages}.values():
                found = self.page(page)
                if found is not None:
                    freed = dict.fromkeys(found.freed, Verdict.FREED)
                    living.add(page, self._r.before(page), (*freed, *found.odd))
                    known |= freed
                    known |= found.odd
        wanted = set(living.missing(addresses))
        wanted.update(living.outside(addresses, slices))
        if not _are_aligned(addresses):
            wanted.update(address for address in addresses if address % GRAIN)
        return {address: known.get(address) or self._one(address) for address in wanted}

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
        for address in self._queued.get(page.address, ()):
            if address in found.starts and address not in found.freed and address not in odd:
                odd[address] = self._one(address)
        return PageCensus(found.starts, found.freed, odd)

    @cached_property
    def _queued(self) -> dict[int, list[int]]:
        """Objects that look alive, but of whose references some are in queues, by page."""
        found: dict[int, list[int]] = {}
        for address in (*self._r.queues.merges, *self._r.queues.decrefs):
            if page := self._page(address):
                found.setdefault(page.address, []).append(address)
        return found

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


def _are_aligned(addresses: array[int]) -> bool:
    """Whether all are what objects' addresses are multiples of."""
    return not any(low % GRAIN for low in set(addresses.tobytes()[::8]))


def to_array(addresses: Sequence[int]) -> array[int]:
    """Addresses as 64-bit words; what does not fit is cut."""
    return (
        addresses
        if isinstance(addresses, array)
        else array("Q", (a & (1 << 64) - 1 for a in addresses))
    )
