"""The lists of free blocks of a page, walked and checked.

A page has three: ``free`` (blocks to hand out), ``local_free`` (given back by the owning thread,
or by others and collected by it) and ``xthread_free`` (given back by others).  The first block that
another thread gives back to a full page goes to its heap's ``thread_delayed_free`` instead.  A
block's first word is the link; debug builds encode it with the page's (or heap's) keys.
From CPython's Objects/mimalloc/alloc.c and
Include/internal/mimalloc/mimalloc/internal.h (``mi_ptr_decode``).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import field

from gdbext.cpython.allocator.mimalloc import Mimalloc
from gdbext.cpython.allocator.pages import Page
from gdbext.cpython.layout.layout import Layout
from gdbext.frozen import dataclass
from gdbext.model import Claim
from gdbext.target.protocol import Memory, MemoryFault

WORD_MASK = (1 << 64) - 1
# Pages of larger blocks are not read whole to follow their links.
BULK_BLOCK_SIZE = 4096
FEW = 16
MAX_DELAYED = 1 << 20
MAX_KEPT = 1 << 19
"""Free blocks that are remembered, in all pages together."""

LISTS = ("free", "local_free", "xthread_free")
OF_OTHERS = ("xthread_free", "thread_delayed_free")
"""The lists of what other threads than the page's owner gave back.

The owner's lists show nobody: it collects the others' blocks into them
(``_mi_page_thread_free_collect``), and takes over the pages of threads that have ended as they are
(``mi_segment_reclaim``).
"""


class Flaw(str, enum.Enum):
    """What is wrong with a list."""

    OUTSIDE = "link-leaves-page"
    NO_BLOCK = "link-into-block"
    UNUSED = "link-to-unused-block"
    CYCLE = "list-cycle"
    TWICE = "block-on-two-lists"
    UNREADABLE = "link-unreadable"
    COUNT = "counts-contradict"

    @property
    def claim(self) -> Claim:
        """The flaw as a claim: its value is the claim's kind."""
        return Claim(self.value)


@dataclass(frozen=True)
class Damage:
    """A broken list.

    ``block`` holds the bad link (None if the head in the page's header is bad), ``word`` is what is
    stored.
    """

    page: Page
    flaw: Flaw
    list: str
    block: int | None = None
    word: int | None = None
    link: int | None = None
    """``word`` decoded."""
    position: int = 0
    """How many blocks of the list come before the damage."""


@dataclass
class FreeBlocks:
    """What the lists of one page hold: block → the list it is on, each list in its own order (last
    freed first).
    """

    where: dict[int, str] = field(default_factory=dict)
    damages: list[Damage] = field(default_factory=list)
    lengths: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    """Blocks that the page counts as free but that are on no list; negative if the lists hold too
    many.
    """

    @property
    def is_intact(self) -> bool:
        """Whether every link is sound and the lengths agree with the page's count: then membership
        is proof.
        """
        return not self.damages


def decode(word: int, null: int, keys: tuple[int, int] | None) -> int:
    """The link that ``word`` stands for; 0 at a list's end.

    >>> decode(0x20000090040, 0, None) == 0x20000090040
    True
    """
    if keys is None:
        return word
    key, mask = keys
    value = (word - key) & WORD_MASK
    shift = key % 64
    value = (value >> shift | value << 64 - shift) & WORD_MASK ^ mask
    return 0 if value == null else value


def encode(link: int, null: int, keys: tuple[int, int] | None) -> int:
    """The word that is stored for a link: the inverse of :func:`decode`."""
    if keys is None:
        return link
    key, mask = keys
    value = (link or null) ^ mask
    shift = key % 64
    value = (value << shift | value >> 64 - shift) & WORD_MASK
    return (value + key) & WORD_MASK


class PageWords:
    """First words of a page's blocks; ``bulk`` has all words of the page where many of its small
    blocks are free.
    """

    def __init__(self, memory: Memory, page: Page) -> None:
        self._memory = memory
        self._start = page.start
        self.bulk: memoryview | None = None
        if page.block_size < BULK_BLOCK_SIZE and page.capacity - page.used > FEW:
            self.bulk = memoryview(memory.read(page.start, page.capacity * page.block_size)).cast(
                "Q"
            )

    def __getitem__(self, block: int) -> int:
        if self.bulk is not None:
            return int(self.bulk[block - self._start >> 3])
        return int.from_bytes(self._memory.read(block, 8), "little")


class FreeLists:
    """Free blocks by page, each page walked once."""

    def __init__(self, memory: Memory, layout: Layout, mimalloc: Mimalloc) -> None:
        self._memory = memory
        self._layout = layout
        self._mimalloc = mimalloc
        self._known: dict[int, FreeBlocks] = {}
        self._kept = 0
        self._delayed: dict[int, dict[int, list[int]]] = {}
        self.delayed_damages: dict[int, str] = {}
        """Heaps whose ``thread_delayed_free`` is broken, with what is wrong."""

    def of(self, page: Page) -> FreeBlocks:
        """The free blocks of a page."""
        found = self._known.get(page.address)
        if found is None:
            found = self._known[page.address] = self._walk(page)
            self._kept += len(found.where)
            if self._kept > MAX_KEPT:
                self._known = {page.address: found}
                self._kept = len(found.where)
        return found

    def forget(self, page: Page) -> None:
        """Drop what is kept of a page (a scan of the whole heap stays in bounded space so)."""
        found = self._known.pop(page.address, None)
        self._kept -= len(found.where) if found else 0

    def is_full(self, page: Page) -> bool:
        """Whether all blocks are in use, and the page says so itself: its lists are sound."""
        return page.used == page.capacity and self._has_no_list(page)

    def _has_no_list(self, page: Page) -> bool:
        return not (page.free or page.local_free or page.xthread_free or self._delayed_blocks(page))

    def _walk(self, page: Page) -> FreeBlocks:
        found = FreeBlocks()
        if self._has_no_list(page):
            found.lengths = dict.fromkeys((*LISTS, *OF_OTHERS), 0)
            self._count(page, found)
            return found
        try:
            words: PageWords | None = PageWords(self._memory, page)
        except MemoryFault:
            words = None
        for name, head in zip(LISTS, (page.free, page.local_free, page.xthread_free)):
            before = len(found.where)
            if head and words is None:
                found.damages.append(Damage(page, Flaw.UNREADABLE, name, None, head, head))
            elif head and words is not None:
                self._follow(page, name, head, words, found)
            found.lengths[name] = len(found.where) - before
        delayed = [block for block in self._delayed_blocks(page) if block not in found.where]
        found.where.update(dict.fromkeys(delayed, "thread_delayed_free"))
        found.lengths["thread_delayed_free"] = len(delayed)
        self._count(page, found)
        return found

    def _follow(
        self, page: Page, name: str, head: int, words: PageWords, found: FreeBlocks
    ) -> None:
        start, size, limit, keys = (
            page.start,
            page.block_size,
            page.capacity * page.block_size,
            page.keys,
        )
        where, null = found.where, page.address
        before, address, word = None, head, head
        position = len(where)
        if words.bulk is not None and keys is None:
            # The loop below without its care, for as long as all is well: nearly always to the end.
            bulk = words.bulk
            while (
                address not in where
                and 0 <= (offset := address - start) < limit
                and not offset % size
            ):
                where[address] = name
                before = address
                address = word = bulk[offset >> 3]
        position = len(where) - position
        while address:
            offset = address - start
            if not 0 <= offset < limit or offset % size:
                found.damages.append(
                    Damage(page, _bad_link(page, address), name, before, word, address, position)
                )
                return
            if address in where:
                flaw = Flaw.CYCLE if where[address] == name else Flaw.TWICE
                found.damages.append(Damage(page, flaw, name, before, word, address, position))
                return
            where[address] = name
            position += 1
            before = address
            try:
                word = words[address]
            except MemoryFault:
                found.damages.append(
                    Damage(page, Flaw.UNREADABLE, name, address, None, None, position)
                )
                return
            address = word if keys is None else decode(word, null, keys)

    def _count(self, page: Page, found: FreeBlocks) -> None:
        """At rest the blocks not in use are those on the owner's two lists, and the others' frees
        still count as used.
        """
        listed = found.lengths["free"] + found.lengths["local_free"]
        found.lost = page.capacity - page.used - listed
        others = found.lengths["xthread_free"] + found.lengths["thread_delayed_free"]
        if not found.damages and (found.lost or others > page.used):
            found.damages.append(Damage(page, Flaw.COUNT, "free", position=listed))

    # --- the heap's delayed list ----------------------------------------------------------------

    def _delayed_blocks(self, page: Page) -> list[int]:
        if not page.heap:
            return []
        if page.heap not in self._delayed:
            blocks: dict[int, list[int]] = {}
            for block in self._delayed_list(page.heap):
                owner = self._mimalloc.page_of(block)
                if owner is not None:
                    blocks.setdefault(owner.address, []).append(block)
            self._delayed[page.heap] = blocks
        return self._delayed[page.heap].get(page.address, [])

    def _delayed_list(self, heap: int) -> Iterator[int]:
        """Blocks on a heap's ``thread_delayed_free``, as far as its links are sound."""
        layout = self._layout.struct("mi_heap_t")
        keys = None
        try:
            block = self._word(heap + layout.offset("thread_delayed_free"))
            if self._mimalloc.reader.encodes:
                place = heap + layout.offset("keys")
                keys = (self._word(place), self._word(place + 8))
            seen: set[int] = set()
            while block:
                page = self._mimalloc.page_of(block)
                if (
                    page is None
                    or not page.is_block(block)
                    or block in seen
                    or len(seen) > MAX_DELAYED
                ):
                    self.delayed_damages[heap] = (
                        f"thread_delayed_free of heap {heap:#x} is broken at {block:#x}"
                    )
                    return
                seen.add(block)
                yield block
                block = decode(self._word(block), heap, keys)
        except MemoryFault as fault:
            self.delayed_damages[heap] = f"thread_delayed_free of heap {heap:#x}: {fault}"

    def _word(self, address: int) -> int:
        return int.from_bytes(self._memory.read(address, 8), "little")


def _bad_link(page: Page, address: int) -> Flaw:
    if not page.start <= address < page.area_end:
        return Flaw.OUTSIDE
    if page.end <= address and (address - page.start) % page.block_size == 0:
        return Flaw.UNUSED
    return Flaw.NO_BLOCK
