"""A page cache over a debugger's memory: many small reads become few large ones, in
bounded space.
"""

from __future__ import annotations

from collections import OrderedDict

from gdbext.target.protocol import Memory, MemoryFault

PAGE = 4096
MAX_PAGES = 16384
"""64 MiB."""
MAX_CACHED = 4 * PAGE
"""Larger reads go past the cache."""


class CachedMemory:
    """Reads through whole pages, least recently used dropped first.

    A read that crosses into missing memory raises MemoryFault with the first address that is
    missing.
    """

    def __init__(self, memory: Memory, max_pages: int = MAX_PAGES) -> None:
        self._memory = memory
        self._max_pages = max_pages
        self._pages: OrderedDict[int, bytes | None] = OrderedDict()

    def read(self, address: int, size: int) -> bytes:
        """As the memory behind it, a page at a time.

        Raises:
            MemoryFault
        """
        if size < 0 or address < 0 or address + size > 1 << 64:
            raise MemoryFault(address, size)
        first, offset = divmod(address, PAGE)
        if offset + size <= PAGE:
            page = self._page(first)
            if page is not None:
                return page[offset : offset + size]
            return self._partial(address, size)
        if size > MAX_CACHED:
            # One large read is faster than many small ones, and arrays would only push everything
            # else out of the cache.
            return self._memory.read(address, size)
        last = (address + size - 1) // PAGE
        parts = [self._page(number) for number in range(first, last + 1)]
        if None in parts:
            return self._partial(address, size)
        return b"".join(p for p in parts if p is not None)[offset : offset + size]

    def _page(self, number: int) -> bytes | None:
        pages = self._pages
        if number in pages:
            pages.move_to_end(number)
            return pages[number]
        try:
            data: bytes | None = self._memory.read(number * PAGE, PAGE)
        except MemoryFault:
            data = None
        pages[number] = data
        if len(pages) > self._max_pages:
            pages.popitem(last=False)
        return data

    def _partial(self, address: int, size: int) -> bytes:
        """A page that cannot be read whole may still have the bytes asked for (the end of a
        truncated core).
        """
        return self._memory.read(address, size)
