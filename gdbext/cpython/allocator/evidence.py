"""Claims that verdicts rest on, each with the address at which a debugger's ``x`` shows it."""

from __future__ import annotations

from collections.abc import Iterable

from gdbext.cpython.allocator import debug_hooks
from gdbext.cpython.allocator.debug_hooks import read_hooks
from gdbext.cpython.allocator.kinds import least_size, tag_of
from gdbext.cpython.allocator.mimalloc import Segment
from gdbext.cpython.allocator.page_free_lists import LISTS, FreeBlocks
from gdbext.cpython.allocator.pages import DOMAINS, POINTER_FLAGS, Page
from gdbext.cpython.allocator.records import Records
from gdbext.cpython.objects.header import Header
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Block, Confidence, Evidence, Liveness, Verdict
from gdbext.target.protocol import MemoryFault

MAX_HOOKED_BLOCK = 1 << 20
WORD = (1 << 64) - 1


def say(
    address: int,
    verdict: Verdict,
    confidence: Confidence,
    reason: str,
    evidence: Iterable[Evidence] = (),
    block: Block | None = None,
) -> Liveness:
    """A verdict, the reason for people first."""
    return Liveness(address, verdict, confidence, tuple(evidence), block, reason)


def counts(header: Header) -> list[Evidence]:
    """Both halves of the reference count."""
    return [
        Evidence("ob_ref_local", header.place("ob_ref_local"), header.ref_local, header.address),
        Evidence(
            "ob_ref_shared", header.place("ob_ref_shared"), header.ref_shared & WORD, header.address
        ),
    ]


def what_lives(header: Header, info: TypeInfo) -> list[Evidence]:
    """The object's type and count."""
    return [
        Evidence(
            f"ob_type is {info.name}", header.place("ob_type"), header.ob_type, header.address
        ),
        *counts(header),
    ]


def references(header: Header) -> str:
    """The count in words."""
    count = header.refcount or 0
    return f"{count} reference{'s' if count != 1 else ''}"


AFTER_FREE = "after it was freed"


def over_decref(header: Header) -> list[Evidence]:
    """What a decref too many leaves in a freed object of a release build (FT104).

    The count of an object that was never merged wraps and looks immortal; a merged one's goes below zero.
    """
    if header.is_immortal and header.ob_tid:
        claim, name, value = (
            f"its count wrapped below 0: a decref {AFTER_FREE}",
            "ob_ref_local",
            header.ref_local,
        )
    elif header.ref_shared < 0:
        claim, name, value = (
            f"its shared count is {header.ref_shared >> 2}: decrefs {AFTER_FREE}",
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
    encoded = ", encoded" if word & ~POINTER_FLAGS != block else ""
    listed = free.lengths["free"] + free.lengths["local_free"]
    return [
        Evidence(
            f"this word links to block {block:#x}{encoded}: number {place + 1} of {len(order)} on {on}",
            link,
            word,
        ),
        Evidence(
            f"of the page's {page.capacity} blocks {listed} are on free and local_free; the rest is in use",
            page.address + layout.offset("used"),
            page.used,
        ),
    ]


def owners(records: Records, segment: Segment, page: Page, header: Header | None) -> list[Evidence]:
    """Whose block it is, by each of the three that know: the page's heap, the segment, and the object itself.

    They contradict each other where a thread made its object in another one's memory (a block that it had cached), or where
    memory was taken over from an exited thread; a heap and a segment of two threads are damage.
    """

    def name(tid: int) -> str:
        thread = records.runtime.by_tid(tid)
        return (
            f"LWP {thread.native_thread_id}"
            if thread
            else "a thread that has exited"
            if tid
            else "nobody"
        )

    heap = records.mimalloc.owner(page)
    whose = (
        f"heap {DOMAINS[heap.tag]} of LWP {heap.thread.native_thread_id}"
        if heap
        else "no thread's heap"
    )
    heap_tid = heap.thread.thread_id if heap else 0
    place, structs = "mi_segment_t", records.layout.struct("mi_page_t")
    claim = f"the segment belongs to {name(segment.thread_id)}"
    differs = bool(heap_tid and segment.thread_id and heap_tid != segment.thread_id)
    found = [
        Evidence(f"the page belongs to {whose}", page.address + structs.offset("xheap"), page.heap),
        Evidence(
            claim,
            segment.address + records.layout.offset(place, "thread_id"),
            segment.thread_id,
            broken=differs,
        ),
    ]
    if header is not None:
        claim = f"ob_tid names {name(header.ob_tid)}"
        if header.ob_tid and header.ob_tid != segment.thread_id:
            claim += ", not the segment's thread"
        found.append(Evidence(claim, header.place("ob_tid"), header.ob_tid, header.address))
    return found


def misfit(records: Records, page: Page, info: TypeInfo) -> Evidence | None:
    """Why an object of that type cannot be in a block of that page; None if it can."""
    room, needed = records.room(page), least_size(records.layout, info)
    if needed > room:
        claim = f"a {info.name} has at least {needed} bytes, its block has room for {room}"
        return Evidence(claim, page.address, page.block_size, broken=True)
    if tag_of(info) != page.tag:
        claim = f"a {info.name} comes from heap {DOMAINS[tag_of(info)]}, its page is of {DOMAINS[page.tag]}"
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

    def broken(claim: str, offset: int) -> Evidence:
        return Evidence(
            claim,
            block.start + offset,
            int.from_bytes(data[offset : offset + 8], "little"),
            broken=True,
        )

    found = []
    if hooks.size is None:
        found.append(
            broken("the size that the debug hooks noted before it does not fit its block", 0)
        )
    elif hooks.overrun:
        end = debug_hooks.HEADER + hooks.size
        found.append(
            broken(
                f"written {hooks.overrun} bytes past its {hooks.size} bytes (guard bytes are 0xFD)",
                end,
            )
        )
    if hooks.underrun:
        found.append(broken(f"{hooks.underrun} of the guard bytes before it are overwritten", 8))
    return found
