"""mimalloc's pages: a run of 64 KiB slices that holds blocks of one size.

From CPython's Include/internal/mimalloc/mimalloc/types.h (``mi_page_t``) and
Objects/mimalloc/segment.c.  CPython 3.13 and early 3.14 bundle mimalloc 2.1.2, later ones 2.5.2;
they are told apart by the fields that the layout knows.
"""

from __future__ import annotations

from gdbext.cpython.layout.layout import Layout, Record
from gdbext.frozen import dataclass

SLICE_SIZE = 1 << 16
# 2.1.2 keeps block sizes in 32 bits; this value stands for "the whole page" (MI_HUGE_BLOCK_SIZE).
WHOLE_PAGE = 1 << 31
POINTER_FLAGS = 3
"""The low bits of ``xthread_free`` and ``xheap`` that are no part of the pointer."""

MEM, OBJECT, GC, GC_PRE = range(4)
DOMAINS = ("mem", "object", "gc", "gc_pre")
"""Names of a page's tag: which of a thread's four heaps it belongs to (CPython's
Include/internal/pycore_mimalloc.h).
"""


@dataclass(frozen=True)
class Page:
    """One ``mi_page_t`` in use.

    Sizes in bytes; ``free``, ``local_free`` and ``xthread_free`` are the lists' heads.
    """

    address: int
    segment: int
    slices: int
    start: int
    """Address of block 0."""
    area_end: int
    block_size: int
    capacity: int
    """Blocks that have ever been on a free list; those from here to ``reserved`` were never handed
    out.
    """
    reserved: int
    used: int
    """Blocks handed out and not given back by their owner: those on ``xthread_free`` still count.
    """
    free: int
    local_free: int
    xthread_free: int
    heap: int
    """Address of the ``mi_heap_t``; 0 when the owning thread has exited."""
    tag: int
    keys: tuple[int, int] | None
    """What the links of its lists are encoded with (debug builds)."""
    qsbr_goal: int

    @property
    def end(self) -> int:
        """Where the blocks that were ever handed out end."""
        return self.start + self.capacity * self.block_size

    @property
    def is_abandoned(self) -> bool:
        """Whether the thread that owned the page has ended."""
        return self.heap == 0

    def index(self, address: int) -> int:
        """The number of the block that an address lies in; may be out of range."""
        return (address - self.start) // self.block_size

    def block(self, index: int) -> int:
        """The address of the block of that number."""
        return self.start + index * self.block_size

    def blocks(self) -> range:
        """Addresses of all blocks that were ever handed out."""
        return range(self.start, self.end, self.block_size)

    def is_block(self, address: int) -> bool:
        """Whether a block that was ever handed out starts at this address."""
        offset = address - self.start
        return 0 <= offset < self.capacity * self.block_size and offset % self.block_size == 0


class PageReader:
    """Decodes page headers of either generation out of a segment's bytes.

    ``data`` are the headers of all slices of a segment, one after the other, and ``number`` counts
    slices.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout.struct("mi_page_t")
        self.stride = self._layout.size
        self._old = "xblock_size" in self._layout
        size = "xblock_size" if self._old else "block_size"
        self._keys = "keys" in self._layout
        self._values = self._layout.unpacker(
            size,
            "slice_count",
            "capacity",
            "reserved",
            "used",
            "free",
            "local_free",
            "xthread_free",
            "xheap",
            "tag" if "tag" in self._layout else "heap_tag",
            "qsbr_goal",
            *(() if self._old else ("page_start",)),
        )
        self._span = self._layout.unpacker("slice_count", "slice_offset", size)
        self._fill = self._layout.unpacker(
            size, "slice_count", "capacity", "used", "free", "local_free", "xthread_free"
        )

    @property
    def encodes(self) -> bool:
        """Whether links are encoded and blocks padded: mimalloc's debug form, which comes with
        Py_DEBUG.
        """
        return self._keys

    def span(self, data: bytes, number: int) -> tuple[int, int, bool]:
        """(slices, bytes back to the first slice's header, whether a page starts here) of the span
        that a slice is the first of, or is in.

        A size of 0 is a free span, 1 one that is being put together.
        """
        slices, back, size = self._span(data, number * self.stride)
        return slices, back, size > 1

    def is_full(self, data: bytes, number: int) -> bool:
        """Whether the page that starts at the slice says that all its blocks are in use, and has no
        list that says otherwise.
        """
        size, slices, capacity, used, free, local, others = self._fill(data, number * self.stride)
        if free or local or others & ~POINTER_FLAGS:
            return False
        return used == capacity and capacity * size <= slices * SLICE_SIZE

    def was_used(self, data: bytes, number: int, is_end: bool) -> bool:
        """Whether a free slice's header shows that it was in a page once; ``is_end``: it is the
        first or last of its span.
        """
        if self._record(0, data, number)["is_committed"]:
            return True
        return not is_end and any(self.span(data, number)[:2])

    def read(self, segment: int, headers: int, data: bytes, number: int) -> Page | None:
        """The page that starts at the slice; None if there is none, or its header makes no sense.

        ``headers`` is the address of the first slice's header.
        """
        at = number * self.stride
        if at + self.stride > len(data):
            return None
        (
            size,
            slices,
            capacity,
            reserved,
            used,
            free,
            local_free,
            xthread_free,
            heap,
            tag,
            qsbr_goal,
            *start_of_blocks,
        ) = self._values(data, at)
        area_end = segment + (number + slices) * SLICE_SIZE
        if self._old:
            start = segment + number * SLICE_SIZE + _offset_of_first_block(size)
            if size >= WHOLE_PAGE:
                size = area_end - start
        else:
            (start,) = start_of_blocks
        if size < 8 or size % 8 or not segment < start < area_end:
            return None
        keys = self._record(headers, data, number).raw("keys") if self._keys else b""
        room = (area_end - start) // size
        return Page(
            headers + at,
            segment,
            slices,
            start,
            area_end,
            size,
            min(capacity, room),
            min(reserved, room),
            used,
            free,
            local_free,
            xthread_free & ~POINTER_FLAGS,
            heap & ~POINTER_FLAGS,
            tag,
            (int.from_bytes(keys[:8], "little"), int.from_bytes(keys[8:16], "little"))
            if keys
            else None,
            qsbr_goal,
        )

    def _record(self, headers: int, data: bytes, number: int) -> Record:
        at = number * self.stride
        return Record(self._layout, headers + at, data[at : at + self.stride])


def _offset_of_first_block(size: int) -> int:
    """2.1.2 starts pages of small blocks a little after the slice (segment.c,
    _mi_segment_page_start_from_slice).
    """
    if size <= 64:
        return 3 * size
    return size if size <= 512 else 0
