"""Which living objects have a pointer to an address now: a bounded search of the heap's pages.

:mod:`gdbext.cpython.allocator.referrers` goes through all memory and tells of every word.  Here
only what is certain counts: a slot of an object that is alive itself.  Free blocks, what lies
behind a list's or a table's end, and arrays that nobody owns any more hold nothing.  So little need
be read of each page that triage can afford it: free lists are walked only where the address was
seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice

from gdbext.cpython.allocator.judge import Judge
from gdbext.cpython.allocator.looks import holds_objects
from gdbext.cpython.allocator.memory_records import Records
from gdbext.cpython.allocator.pages import Page
from gdbext.cpython.objects.decoded import List, Tuple
from gdbext.cpython.objects.types import HAVE_GC
from gdbext.frozen import dataclass
from gdbext.model import Slot, Verdict
from gdbext.target.protocol import Memory, MemoryFault

WORD = 8
CHUNK = 1 << 20
TELLING = 4
"""How many of an address' bytes are searched for.

All words have its upper ones, which makes a search for them slow.
"""
MANY = 16
"""Of more addresses it is quicker to look at each word than to search for each of them."""
MAX_BYTES = 32 << 20
"""Of pages, and of modules' data: more is not searched at all, so that what is not found is not
there.
"""
MAX_WORDS = 512
"""Words with one of the addresses that are looked into; an address that more have is not a
lost item's.
"""
MAX_SLOTS = 100_000
"""Slots of one object that are looked through, but for lists and tuples, where the place tells the
index.
"""
UNTRACKED = ("tuple", "dict")
"""What the collector may leave untracked when it is finished (Objects/tupleobject.c,
Objects/dictobject.c).
"""


@dataclass(frozen=True)
class Holder:
    """A living object whose ``slot`` (at ``place``) has the pointer to ``target``."""

    address: int
    type: str
    slot: Slot
    place: int
    target: int


class HolderSearch:
    """Searches one stopped process."""

    def __init__(self, records: Records, judge: Judge) -> None:
        self._r = records
        self._judge = judge

    def holders(self, targets: Iterable[int], in_arrays: bool = True) -> list[Holder] | None:
        """The holders of any of the addresses, in the order of their slots; None if the heap is too
        large to be searched.

        Without ``in_arrays`` lists, dicts and sets are left out: whose an array is takes another
        search.
        """
        if not self._pages:
            return None
        wanted = set(targets)
        found: list[Holder] = []
        arrays: dict[int, set[int]] = {}
        for page, place in self._in_use(wanted):
            block = page.block(page.index(place))
            if holds_objects(self._r, page):
                found += self._slots(block + self._r.before(page), [place], wanted)
            elif in_arrays:
                arrays.setdefault(self._r.data(block), set()).add(place)
        return found + list(self._owners(arrays, wanted))

    def in_modules(self, target: int) -> list[int]:
        """The places in loaded files' data that have the address; empty if there is too much data
        to be searched.
        """
        regions = [
            region
            for region in self._r.regions
            if region.writable and self._r.places.module(region.start)
        ]
        if sum(region.end - region.start for region in regions) > MAX_BYTES:
            return []
        found = (_places(self._r.memory, region.start, region.end, [target]) for region in regions)
        return [place for places in found for place in islice(places, MAX_WORDS)]

    @cached_property
    def _pages(self) -> list[Page]:
        """All pages; none if they have more than :data:`MAX_BYTES`."""
        found, size = [], 0
        for page in self._r.mimalloc.pages():
            size += page.end - page.start
            if size > MAX_BYTES:
                return []
            found.append(page)
        return found

    def _in_use(self, wanted: set[int]) -> Iterator[tuple[Page, int]]:
        """Words of blocks in use that are one of the addresses."""
        count = 0
        for page in self._pages:
            for place in _places(self._r.memory, page.start, page.end, wanted):
                count += 1
                if count > MAX_WORDS:
                    return
                block = page.block(page.index(place))
                if (
                    block in self._r.free_lists.of(page).where
                    or self._r.data(block) in self._r.queues.delayed
                ):
                    continue
                yield page, place

    def _owners(self, arrays: Mapping[int, set[int]], wanted: set[int]) -> Iterator[Holder]:
        """The objects whose items are in these arrays: a list points behind its array's first word,
        others to its start.
        """
        starts = {pointer: start for start in arrays for pointer in (start, start + WORD)}
        asked: set[tuple[int, int]] = set()
        for page, place in self._in_use(set(starts)) if starts else ():
            if not holds_objects(self._r, page):
                continue
            owner = page.block(page.index(place)) + self._r.before(page)
            try:
                start = starts[int.from_bytes(self._r.memory.read(place, WORD), "little")]
            except MemoryFault:
                continue
            if (owner, start) not in asked:
                asked.add((owner, start))
                yield from self._slots(owner, arrays[start], wanted)

    def _slots(self, holder: int, places: Iterable[int], wanted: set[int]) -> Iterator[Holder]:
        """Those of the places that are slots of the object, if that is alive, and finished."""
        objects = self._r.objects
        info = objects.type_of(holder)
        if info is None or (holder in wanted and len(wanted) == 1):
            return
        if self._judge.address(holder, None).verdict not in (Verdict.LIVE, Verdict.IMMORTAL):
            return
        header = objects.header(holder)
        if (
            info.has(HAVE_GC)
            and "tracked" not in header.gc_names
            and not any(info.is_subclass(name) for name in UNTRACKED)
        ):
            return
        left = set(places)
        decoded = objects.decode(holder)
        if isinstance(decoded, (List, Tuple)):
            for place in sorted(left):
                index = (place - decoded.buffer) // WORD
                if 0 <= index < decoded.length:
                    left.discard(place)
                    yield Holder(holder, info.name, index, place, self._target(place))
        if not left:
            return
        for reference in islice(objects.children(holder), MAX_SLOTS):
            if reference.slot_address in left and reference.slot != "ob_type":
                left.discard(reference.slot_address)
                yield Holder(
                    holder, info.name, reference.slot, reference.slot_address, reference.target
                )

    def _target(self, place: int) -> int:
        return int.from_bytes(self._r.memory.read(place, WORD), "little")


def _places(memory: Memory, start: int, end: int, wanted: Collection[int]) -> Iterator[int]:
    """Places of aligned words in [start, end) that are one of the addresses; memory that cannot be
    read has none.
    """
    patterns = [address.to_bytes(WORD, "little") for address in wanted]
    many = set(wanted) if len(patterns) > MANY and start % WORD == 0 else set()
    for at in range(start, end, CHUNK):
        try:
            data = memory.read(at, min(CHUNK, end - at))
        except MemoryFault:
            continue
        if many:
            words = memoryview(data)[: len(data) // WORD * WORD].cast("Q")
            if not many.isdisjoint(words):
                yield from (at + WORD * i for i, word in enumerate(words) if word in many)
            continue
        for pattern in patterns:
            telling = pattern[:TELLING]
            found = data.find(telling)
            while found != -1:
                if (at + found) % WORD == 0 and data.startswith(pattern, found):
                    yield at + found
                found = data.find(telling, found + 1)
