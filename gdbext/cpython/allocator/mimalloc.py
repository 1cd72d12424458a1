"""mimalloc's heaps and segments: which page an address lies in, and all pages there are.

A segment is 32 MiB (a huge one as much as its block needs), aligned to 32 MiB, and starts with its
header and the headers of its pages.  From CPython's Include/internal/mimalloc/mimalloc/types.h and
Objects/mimalloc/{segment,init}.c; each thread state has four heaps of its own
(Include/internal/pycore_mimalloc.h).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import field
from functools import cached_property

from gdbext.cpython.allocator.pages import DOMAINS, SLICE_SIZE, Page, PageReader
from gdbext.cpython.interpreter.runtime import Runtime, ThreadState
from gdbext.cpython.layout.layout import Layout, Record, StructLayout, UnknownLayout
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault, Region

WORD = struct.Struct("<Q")
SEGMENT_SIZE = 1 << 25
SEGMENT_MASK = SEGMENT_SIZE - 1
MAX_SLICES = 1 << 26
MAX_PAGES_IN_QUEUE = 1 << 22
MAX_SEGMENTS = 1 << 16
HUGE_KIND = 1
# Votes for the cookie: a few pages of each heap are plenty.
VOTERS = 64


@dataclass(frozen=True)
class MiHeap:
    """One of a thread state's four ``mi_heap_t``.  ``tag`` is its domain."""

    address: int
    thread: ThreadState
    tag: int


@dataclass(frozen=True)
class Span:
    """A run of slices of a segment: a page, or memory that is in no page."""

    first: int
    slices: int
    is_page: bool


@dataclass(frozen=True)
class Segment:
    """One ``mi_segment_t``.

    ``spans`` cover it without gaps as far as its slice headers make sense.
    """

    address: int
    size: int
    thread_id: int
    """The owning thread's pointer, 0 once that thread has exited."""
    used: int
    info_slices: int
    spans: tuple[Span, ...]
    is_intact: bool
    """Whether the spans end exactly where the segment does, and as many are pages as it counts."""
    headers: bytes = field(repr=False)
    """The bytes of its slices' headers."""

    @cached_property
    def _firsts(self) -> list[int]:
        return [span.first for span in self.spans]

    def span(self, address: int) -> Span | None:
        """The span that an address lies in; None in the header, or behind damage."""
        number = (address - self.address) // SLICE_SIZE
        at = bisect_right(self._firsts, number) - 1
        if at < 0 or number >= self.spans[at].first + self.spans[at].slices:
            return None
        return self.spans[at]


class Mimalloc:
    """All of mimalloc's memory in one process."""

    def __init__(
        self, memory: Memory, layout: Layout, runtime: Runtime, regions: Sequence[Region] = ()
    ) -> None:
        self._memory = memory
        self._layout = layout
        self._runtime = runtime
        self._regions = regions
        self._segments: dict[int, Segment | None] = {}
        self._pages: dict[int, Page | None] = {}

    @cached_property
    def _segment(self) -> StructLayout:
        return self._layout.struct("mi_segment_t")

    @cached_property
    def _slices(self) -> int:
        return self._segment.offset("slices")

    @cached_property
    def reader(self) -> PageReader:
        """How this Python's page headers are read.

        Raises:
            UnknownLayout
        """
        return PageReader(self._layout)

    # --- heaps ----------------------------------------------------------------------------------

    @cached_property
    def heaps(self) -> dict[int, MiHeap]:
        """Every thread state's heaps by address; empty if the layout is not known, and then nothing
        else is found either.
        """
        try:
            offset = self._layout.offset("_PyThreadStateImpl", "mimalloc.heaps")
            stride = self._layout.size("mi_heap_t")
            _ = self._segment, self.reader
        except UnknownLayout:
            return {}
        return {
            heap.address: heap
            for thread in self._runtime.threads
            for tag in range(len(DOMAINS))
            for heap in [MiHeap(thread.address + offset + tag * stride, thread, tag)]
        }

    def _queues(self, heap: MiHeap) -> list[int]:
        """The first page of each of a heap's queues."""
        field = self._layout.struct("mi_heap_t").field("pages")
        stride = self._layout.size("mi_page_queue_t")
        try:
            data = self._memory.read(heap.address + field.offset, field.size)
        except MemoryFault:
            return []
        return [
            first
            for at in range(0, field.size - 7, stride)
            if (first := int.from_bytes(data[at : at + 8], "little"))
        ]

    def _queued_pages(self, heap: MiHeap) -> Iterator[int]:
        """Addresses of the page headers in a heap's queues, as the links have them."""
        link = self._layout.offset("mi_page_t", "next")
        seen: set[int] = set()
        for page in self._queues(heap):
            while page and page not in seen and len(seen) < MAX_PAGES_IN_QUEUE:
                seen.add(page)
                yield page
                try:
                    page = self._header_word(page + link)
                except MemoryFault:
                    break

    def _header_word(self, address: int) -> int:
        """A word of a page's header: a segment's are read at once."""
        segment = self.segment(address & ~SEGMENT_MASK)
        at = address - segment.address - self._slices if segment else -1
        if segment is None or not 0 <= at <= len(segment.headers) - 8:
            return self._word(address)
        return int(WORD.unpack_from(segment.headers, at)[0])

    @cached_property
    def cookie(self) -> int | None:
        """What every segment's cookie is, xor its address.

        mimalloc takes it from a static variable; here the segments of the threads' own pages vote,
        so that no symbol is needed and one that was overwritten does not matter.
        """
        votes: Counter[int] = Counter()
        for heap in self.heaps.values():
            for page in self._queues(heap)[:VOTERS]:
                segment = page & ~SEGMENT_MASK
                try:
                    votes[self._word(segment + self._segment.offset("cookie")) ^ segment] += 1
                except MemoryFault:
                    continue
        return votes.most_common(1)[0][0] if votes else None

    # --- segments -------------------------------------------------------------------------------

    def segment(self, address: int) -> Segment | None:
        """The segment whose header is at ``address``; None if there is none there."""
        if address not in self._segments:
            try:
                self._segments[address] = self._read_segment(address)
            except MemoryFault:
                self._segments[address] = None
        return self._segments[address]

    def _read_segment(self, address: int) -> Segment | None:
        if self.cookie is None or not address:
            return None
        header = Record(self._segment, address, self._memory.read(address, self._slices))
        if header["cookie"] ^ address != self.cookie or header["kind"] > HUGE_KIND:
            return None
        total, info = header["segment_slices"], header["segment_info_slices"]
        if not 0 < info < total <= MAX_SLICES:
            return None
        entries = min(
            header["slice_entries"], (self._segment.size - self._slices) // self.reader.stride
        )
        data = self._memory.read(address + self._slices, entries * self.reader.stride)
        spans, intact = self._spans(data, info, total, entries)
        intact = intact and sum(span.is_page for span in spans) == header["used"]
        return Segment(
            address,
            total * SLICE_SIZE,
            header["thread_id"],
            header["used"],
            info,
            tuple(spans),
            intact,
            data,
        )

    def _spans(self, data: bytes, first: int, total: int, entries: int) -> tuple[list[Span], bool]:
        spans = []
        number = first
        while number < entries:
            slices, back, is_page = self.reader.span(data, number)
            if back or not 0 < slices <= total - number:
                break
            spans.append(Span(number, slices, is_page))
            number += slices
        return spans, number == total

    @cached_property
    def segments(self) -> list[Segment]:
        """All segments that there are, in address order.

        Found through the pages of the threads' heaps, and by looking at every 32 MiB boundary in
        writable memory: that finds the segments of exited threads too, and those whose heaps' links
        are damaged.
        """
        bases = {
            page & ~SEGMENT_MASK
            for heap in self.heaps.values()
            for page in self._queued_pages(heap)
        }
        for region in self._regions:
            if region.writable:
                first = (region.start + SEGMENT_MASK) & ~SEGMENT_MASK
                bases.update(
                    range(first, min(region.end, first + MAX_SEGMENTS * SEGMENT_SIZE), SEGMENT_SIZE)
                )
        found = [segment for base in sorted(bases) if (segment := self.segment(base))]
        # Inside a huge block there can be the header of a segment that was there before.
        kept: list[Segment] = []
        for segment in found:
            if not kept or segment.address >= kept[-1].address + kept[-1].size:
                kept.append(segment)
        return kept

    def segment_of(self, address: int) -> Segment | None:
        """The segment that an address lies in."""
        segment = self.segment(address & ~SEGMENT_MASK)
        if segment is not None:
            return segment
        at = bisect_right(self._bases, address) - 1
        if at >= 0 and address < self.segments[at].address + self.segments[at].size:
            return self.segments[at]
        return None

    @cached_property
    def _bases(self) -> list[int]:
        return [segment.address for segment in self.segments]

    # --- pages ----------------------------------------------------------------------------------

    def page(self, segment: Segment, span: Span) -> Page | None:
        """The page of a span; None if it is in no page, or the page's header makes no sense."""
        if not span.is_page:
            return None
        key = segment.address + span.first
        if key not in self._pages:
            self._pages[key] = self.reader.read(
                segment.address, segment.address + self._slices, segment.headers, span.first
            )
        return self._pages[key]

    def page_of(self, address: int) -> Page | None:
        """The page that an address lies in."""
        segment = self.segment_of(address)
        span = segment.span(address) if segment else None
        return self.page(segment, span) if segment and span else None

    def pages(self) -> Iterator[Page]:
        """Every page in use, in address order: of living threads, of exited ones, and of mimalloc's
        own default heaps.
        """
        for segment in self.segments:
            for span in segment.spans:
                page = self.page(segment, span)
                if page:
                    yield page

    def pages_with_room(self) -> Iterator[Page]:
        """Those of which a block is free, or whose header contradicts itself.

        Most pages of a large heap are full, and what is asked of the others need not be made for
        them.
        """
        for segment in self.segments:
            for span in segment.spans:
                if span.is_page and not self.reader.is_full(segment.headers, span.first):
                    page = self.page(segment, span)
                    if page:
                        yield page

    def was_used(self, segment: Segment, span: Span, number: int) -> bool:
        """Whether a slice that is in no page now has been in one before, as far as its header still
        shows.

        Giving a page back leaves some of its header as it was; that of the span itself is in the
        first and last slice.
        """
        if (number + 1) * self.reader.stride > len(segment.headers):
            return False
        return self.reader.was_used(
            segment.headers, number, number in (span.first, span.first + span.slices - 1)
        )

    def owner(self, page: Page) -> MiHeap | None:
        """The thread state's heap that the page belongs to; None for an exited thread's page, or a
        heap outside Python's.
        """
        return self.heaps.get(page.heap)

    def is_raw(self, page: Page) -> bool:
        """Whether the page belongs to mimalloc's default heaps, which CPython 3.15 takes PyMem_Raw
        memory from.
        """
        return page.heap != 0 and page.heap not in self.heaps

    def domain(self, page: Page) -> str:
        """``mem``, ``object``, ``gc``, ``gc_pre`` or ``raw``: whose blocks the page has."""
        if self.is_raw(page):
            return "raw"
        return DOMAINS[page.tag] if page.tag < len(DOMAINS) else f"tag {page.tag}"

    def _word(self, address: int) -> int:
        return int(WORD.unpack(self._memory.read(address, 8))[0])
