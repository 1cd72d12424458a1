"""All memory in which a reference to an object may be: blocks in use, and whatever else is
writable.

Memory comes in stretches of 64-bit words.  Free blocks are left out: what is in them refers to
nothing any more.  What is not mimalloc's (stacks, modules' data, glibc's heap, mappings) is gone
through word by word, which may find a leftover that is not a reference, but misses none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import cached_property
from itertools import compress
from typing import NamedTuple

from gdbext.cpython.allocator.glibc import free_parts
from gdbext.cpython.allocator.living import SLICE_SHIFT
from gdbext.cpython.allocator.looks import holds_objects
from gdbext.cpython.allocator.memory_records import Records
from gdbext.cpython.allocator.mimalloc import SEGMENT_SIZE
from gdbext.cpython.allocator.pages import Page
from gdbext.frozen import dataclass
from gdbext.target.protocol import MemoryFault

CHUNK = 1 << 20
SAMPLE = 256
WIDEST = 128
"""Words of a block: of larger ones a page has too few for columns to be long."""
CHUNKS = ("object_stacks", "object_stack_chunks")
"""The freelist of ``_PyObjectStackChunk``, in 3.13 and later: the collector's and the merge queues'
lists are made of these.
"""
RED_ZONE = 128
"""Bytes below the stack pointer that a leaf function of x86-64 may use."""
Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all)."""


class Column(NamedTuple):
    """Words and their indices in a stretch; ``is_uniform``: all are equal."""

    places: Sequence[int]
    words: Sequence[int]
    is_uniform: bool = False

    def distinct(self) -> Sequence[int]:
        """The words, or one that they all are."""
        return self.words[:1] if self.is_uniform else self.words


@dataclass(frozen=True)
class Stretch:
    """Words from ``start`` on; ``page`` is None outside mimalloc.

    ``in_use`` are ranges of indices of words.
    """

    start: int
    data: bytes
    page: Page | None
    in_use: tuple[tuple[int, int], ...]

    @cached_property
    def words(self) -> memoryview:
        """The memory as 64-bit words."""
        return memoryview(self.data).cast("Q")

    @cached_property
    def _slices(self) -> memoryview:
        """Bits 16 to 47 of each word, in every second place: the slice that it may point into."""
        return memoryview(self.data + b"\0\0")[2 : 2 + len(self.data)].cast("I")

    def columns(self, slices: Set[int]) -> Iterator[Column]:
        """The words in use of which any may point into the slices.

        Blocks of a page are alike: the words at one place in each are often all equal, or none of
        them is a pointer, and both shows without a step of Python for each.
        """
        step = self.page.block_size // 8 if self.page else 1
        if self.page is None or self.start != self.page.start or not 1 < step <= WIDEST:
            for first, last in self.in_use:
                if not slices.isdisjoint(self._slices[2 * first : 2 * last : 2]):
                    yield Column(range(first, last), self.words[first:last])
            return
        for at in range(step):
            column = self.words[at::step]
            is_uniform = column[1:] == column[:-1]
            if (is_uniform and column[0] >> SLICE_SHIFT not in slices) or (
                not is_uniform and slices.isdisjoint(self._slices[2 * at :: 2 * step])
            ):
                continue
            places: Sequence[int] = range(at, len(self.words), step)
            words: Sequence[int] = column
            if self._used is not None:
                places = list(compress(places, self._used))
                words = list(compress(column, self._used))
            yield Column(places, words, is_uniform)

    @cached_property
    def _used(self) -> bytearray | None:
        """For each block of the page whether it is in use; None if all are."""
        if self.page is None or self.in_use == ((0, len(self.words)),):
            return None
        step = self.page.block_size // 8
        used = bytearray(len(self.words) // step)
        for first, last in self.in_use:
            used[first // step : last // step] = b"\1" * ((last - first) // step)
        return used

    def distinct(self) -> set[int]:
        """All values that words in use have."""
        found: set[int] = set()
        for first, last in self.in_use:
            found.update(self.words[first:last])
        return found

    def where(self, wanted: set[int]) -> Iterator[tuple[int, int]]:
        """(address, word) of each word in use that has one of the values."""
        for first, last in self.in_use:
            for index, word in enumerate(self.words[first:last], first):
                if word in wanted:
                    yield self.start + 8 * index, word


class Sweep:
    """Goes through the memory of one process."""

    def __init__(self, records: Records) -> None:
        self._r = records
        self.unread: list[tuple[int, int]] = []
        """[start, end) of what could not be read: references there are missed."""

    def stretches(self, progress: Progress | None = None) -> Iterator[Stretch]:
        """Everything, pages first."""
        pages = list(self._r.mimalloc.pages())
        outside = list(self._outside())
        total = sum(page.end - page.start for page in pages) + sum(
            end - start for start, end in outside
        )
        done = 0
        for page in pages:
            yield from self._page(page)
            done += page.end - page.start
            if progress:
                progress(done, total)
        for start, end in outside:
            for at in range(start, end, CHUNK):
                size = min(CHUNK, end - at)
                data = self._read(at, size)
                if data:
                    yield Stretch(
                        at, data, None, tuple(_indices(at, subtract(at, at + size, self._unused)))
                    )
                done += size
                if progress:
                    progress(done, total)

    def objects(self, progress: Progress | None = None) -> Iterator[Stretch]:
        """The pages that objects and their arrays are in."""
        pages = list(self._r.mimalloc.pages())
        for number, page in enumerate(pages):
            yield from self._page(page)
            if progress:
                progress(number + 1, len(pages))

    def pointing_into(self, blocks: dict[int, int]) -> dict[int, list[int]]:
        """Block → the objects that have a pointer into it.

        ``blocks`` maps blocks to their sizes.
        """
        slices: dict[int, list[int]] = {}
        for block, size in blocks.items():
            for number in range(block >> SLICE_SHIFT, (block + size - 1 >> SLICE_SHIFT) + 1):
                slices.setdefault(number, []).append(block)
        found: dict[int, dict[int, None]] = {}
        for stretch in self.objects():
            page = stretch.page
            if page is None or not holds_objects(self._r, page):
                continue
            for places, words, _ in stretch.columns(slices.keys()):
                for index, word in zip(places, words):
                    for block in slices.get(word >> SLICE_SHIFT, ()):
                        if block <= word < block + blocks[block]:
                            place = stretch.start + 8 * index
                            holder = page.block(page.index(place)) + self._r.before(page)
                            owners = found.setdefault(block, {})
                            owners[holder] = None
        return {block: sorted(owners) for block, owners in found.items()}

    def _read(self, start: int, size: int) -> bytes | None:
        try:
            return self._r.memory.read(start, size - size % 8)
        except MemoryFault:
            self.unread.append((start, start + size))
            return None

    def _page(self, page: Page) -> Iterator[Stretch]:
        free = self._r.free_lists.of(page).where
        runs = list(_runs(page, free.keys() | self._kept.get(page.address, set())))
        self._r.free_lists.forget(page)
        if page.end - page.start <= CHUNK:
            data = self._read(page.start, page.end - page.start) if runs else None
            if data:
                yield Stretch(page.start, data, page, tuple(_indices(page.start, runs)))
            return
        for first, last in runs:
            for at in range(first, last, CHUNK):
                size = min(CHUNK, last - at)
                data = self._read(at, size)
                if data:
                    yield Stretch(at, data, page, ((0, size // 8),))

    def _outside(self) -> Iterator[tuple[int, int]]:
        """Writable memory that is not mimalloc's."""
        segments = [
            (segment.address, segment.address + segment.size)
            for segment in self._r.mimalloc.segments
        ]
        for region in self._r.regions:
            if region.writable:
                is_arena = any(region.start <= start < region.end for start, _ in segments)
                for start, end in subtract(region.start, region.end, segments):
                    yield from self._without_reserve(start, end) if is_arena else [(start, end)]

    def _without_reserve(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Leaves out what an arena has reserved and not used: whole empty pieces from one 32 MiB
        boundary to the next.
        """
        at = start
        while at < end:
            stop = min((at // SEGMENT_SIZE + 1) * SEGMENT_SIZE, end)
            if at % SEGMENT_SIZE or not self._is_empty(at):
                yield at, stop
            at = stop

    @cached_property
    def _kept(self) -> dict[int, set[int]]:
        """Blocks, by page, of dead objects that CPython keeps on freelists, and of memory that
        waits for QSBR.
        """
        found: dict[int, set[int]] = {}
        for address in (*self._r.freelists.members, *self._r.queues.delayed):
            page = self._r.mimalloc.page_of(address)
            if page is not None:
                found.setdefault(page.address, set()).add(page.block(page.index(address)))
        return found

    @cached_property
    def _unused(self) -> list[tuple[int, int]]:
        """Memory that holds leftovers only: glibc's free chunks, CPython's unused stacks of
        objects, and threads' stacks below their stack pointers.
        """
        found = [part for region in self._r.regions for part in free_parts(self._r.memory, region)]
        chunk = self._r.layout.find("_PyObjectStackChunk")
        if chunk:
            kept = [
                member
                for member, cached in self._r.freelists.members.items()
                if cached.list in CHUNKS
            ]
            found += [(member, member + chunk.size) for member in kept]
        for stop in self._r.stops:
            region = self._r.places.region(stop.stack_pointer) if stop.stack_pointer else None
            if region and stop.stack_pointer:
                found.append((region.start, (stop.stack_pointer - RED_ZONE) & ~7))
        return sorted(found)

    def _is_empty(self, address: int) -> bool:
        try:
            return not any(self._r.memory.read(address, SAMPLE))
        except MemoryFault:
            return True


def subtract(start: int, end: int, holes: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """[start, end) without the holes, which are sorted.

    >>> list(subtract(0, 10, [(2, 4), (8, 20)]))
    [(0, 2), (4, 8)]
    """
    at = start
    for first, last in holes[max(bisect_right(holes, (start, start)) - 1, 0) :]:
        if first >= end:
            break
        if first > at:
            yield at, first
        at = max(at, last)
    if at < end:
        yield at, end


def _indices(start: int, parts: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Addresses as indices of words."""
    return ((first - start >> 3, last - start >> 3) for first, last in parts)


def _runs(page: Page, free: Set[int]) -> Iterator[tuple[int, int]]:
    """[start, end) of neighbouring blocks in use."""
    if not free:
        if page.capacity:
            yield page.start, page.end
        return
    first = None
    for block in page.blocks():
        if block in free:
            if first is not None:
                yield first, block
            first = None
        elif first is None:
            first = block
    if first is not None:
        yield first, page.end
