"""Claims that verdicts rest on, each with the address at which a debugger's ``x`` shows it."""

from __future__ import annotations

from collections.abc import Iterable

from gdbext.cpython.allocator import debug_hooks
from gdbext.cpython.allocator.debug_hooks import read_hooks
from gdbext.cpython.allocator.kinds import least_size, tag_of
from gdbext.cpython.allocator.memory_records import Records
from gdbext.cpython.allocator.mimalloc import Segment
from gdbext.cpython.allocator.page_free_lists import LISTS, FreeBlocks
from gdbext.cpython.allocator.pages import DOMAINS, POINTER_FLAGS, Page
from gdbext.cpython.objects.header import Header
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Address, Block, Claim, Confidence, Evidence, Liveness, Verdict
from gdbext.target.protocol import MemoryFault

MAX_HOOKED_BLOCK = 1 << 20
WORD = (1 << 64) - 1


def say(
    address: int,
    verdict: Verdict,
    confidence: Confidence,
    reason: Claim,
    evidence: Iterable[Evidence] = (),
    block: Block | None = None,
) -> Liveness:
    """A verdict, the reason for people first."""
    return Liveness(address, verdict, confidence, tuple(evidence), block, reason)


def counts(header: Header) -> list[Evidence]:
    """Both halves of the reference count."""
    return [
        Evidence(
            Claim("local-count"), header.place("ob_ref_local"), header.ref_local, header.address
        ),
        Evidence(
            Claim("shared-count"),
            header.place("ob_ref_shared"),
            header.ref_shared & WORD,
            header.address,
        ),
    ]


def what_lives(header: Header, info: TypeInfo) -> list[Evidence]:
    """The object's type and count."""
    return [
        Evidence(
            Claim("type-is", type=info.name),
            header.place("ob_type"),
            header.ob_type,
            header.address,
        ),
        *counts(header),
    ]


AFTER_FREE = frozenset({"count-wrapped-after-free", "shared-count-after-free"})
"""Kinds of claims that say that an object lost a reference after it was freed."""


def over_decref(header: Header) -> list[Evidence]:
    """What a decref too many leaves in a freed object of a release build (FT104).

    The count of an object that was never merged wraps and looks immortal; a merged one's goes below
    zero.
    """
    if header.is_immortal and header.ob_tid:
        claim, name, value = (
            Claim("count-wrapped-after-free"),
            "ob_ref_local",
            header.ref_local,
        )
    elif header.ref_shared < 0:
        claim, name, value = (
            Claim("shared-count-after-free", count=header.ref_shared >> 2),
            "ob_ref_shared",
            header.ref_shared & WORD,
        )
    else:
        return []
    return [Evidence(claim, header.place(name), value, header.address, broken=True)]


def on_list(records: Records, page: Page, block: int, free: FreeBlocks, on: str) -> list[Evidence]:
    """The link to a free block, and the counts that agree with the lists' lengths."""
    layout = records.layout.struct("mi_page_t")
    order = [start for start, name in free.where.items() if name == on]
    place = order.index(block)
    head = (
        page.address + layout.offset(on)
        if on in LISTS
        else page.heap + records.layout.offset("mi_heap_t", on)
    )
    link = order[place - 1] if place else head
    word = int.from_bytes(records.memory.read(link, 8), "little")
    claim = Claim(
        "linked-block",
        block=Address(block),
        encoded=word & ~POINTER_FLAGS != block,
        number=place + 1,
        length=len(order),
        list=on,
    )
    listed = free.lengths["free"] + free.lengths["local_free"]
    return [
        Evidence(claim, link, word),
        Evidence(
            Claim("page-blocks", capacity=page.capacity, listed=listed),
            page.address + layout.offset("used"),
            page.used,
        ),
    ]


def owners(records: Records, segment: Segment, page: Page, header: Header | None) -> list[Evidence]:
    """Whose block it is, by each of the three that know: the page's heap, the segment, and the
    object itself.

    They contradict each other where a thread made its object in another one's memory (a block that
    it had cached), or where memory was taken over from an exited thread; a heap and a segment of
    two threads are damage.
    """

    def name(tid: int) -> Claim:
        thread = records.runtime.by_tid(tid)
        if thread:
            return Claim("lwp", lwp=thread.native_thread_id)
        return Claim("thread-that-has-exited") if tid else Claim("nobody")

    heap = records.mimalloc.owner(page)
    whose = (
        Claim("heap-of-thread", domain=DOMAINS[heap.tag], lwp=heap.thread.native_thread_id)
        if heap
        else Claim("no-heap")
    )
    heap_tid = heap.thread.thread_id if heap else 0
    place, structs = "mi_segment_t", records.layout.struct("mi_page_t")
    claim = Claim("segment-owner", owner=name(segment.thread_id))
    differs = bool(heap_tid and segment.thread_id and heap_tid != segment.thread_id)
    found = [
        Evidence(
            Claim("page-owner", owner=whose), page.address + structs.offset("xheap"), page.heap
        ),
        Evidence(
            claim,
            segment.address + records.layout.offset(place, "thread_id"),
            segment.thread_id,
            broken=differs,
        ),
    ]
    if header is not None:
        differs = bool(header.ob_tid) and header.ob_tid != segment.thread_id
        claim = Claim("object-owner", owner=name(header.ob_tid), differs=differs)
        found.append(Evidence(claim, header.place("ob_tid"), header.ob_tid, header.address))
    return found


def misfit(records: Records, page: Page, info: TypeInfo) -> Evidence | None:
    """Why an object of that type cannot be in a block of that page; None if it can."""
    room, needed = records.room(page), least_size(records.layout, info)
    if needed > room:
        claim = Claim("block-too-small", type=info.name, needed=needed, room=room)
        return Evidence(claim, page.address, page.block_size, broken=True)
    if tag_of(info) != page.tag:
        claim = Claim(
            "page-of-other-heap",
            type=info.name,
            domain=DOMAINS[tag_of(info)],
            page_domain=DOMAINS[page.tag],
        )
        return Evidence(claim, page.address, page.tag, broken=True)
    return None


def guards(records: Records, block: Block) -> list[Evidence]:
    """The debug hooks' guard bytes around a block that were written over."""
    if not records.hooks or block.size > MAX_HOOKED_BLOCK:
        return []
    try:
        data = records.memory.read(block.start, block.size)
    except MemoryFault:
        return []
    hooks = read_hooks(data)

    def broken(claim: Claim, offset: int) -> Evidence:
        return Evidence(
            claim,
            block.start + offset,
            int.from_bytes(data[offset : offset + 8], "little"),
            broken=True,
        )

    found = []
    if hooks.size is None:
        found.append(broken(Claim("debug-size-implausible"), 0))
    elif hooks.overrun:
        end = debug_hooks.HEADER + hooks.size
        found.append(
            broken(
                Claim("written-past-end", count=hooks.overrun, size=hooks.size),
                end,
            )
        )
    if hooks.underrun:
        found.append(broken(Claim("guard-before-overwritten", count=hooks.underrun), 8))
    return found
