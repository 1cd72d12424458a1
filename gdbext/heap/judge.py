"""One verdict on one address, from all that keeps record of it (DESIGN: liveness of an address).

The allocator decides: an address is judged by the block that it lies in, and only where that is in use by the object in
it.  ``PROVEN`` is said only where memory admits no other reading:

- that a block is free, when it is on a list whose every link is sound and whose length agrees with the page's count;
- that memory is in no block at all, when the segment's page headers cover it without a gap;
- that another thing lives there, when that is a credible object of another type, or the block is not for objects.

That the object which its user means is alive is never proven: at the same address a successor of the same type may live.
"""

from __future__ import annotations

from dataclasses import replace

from gdbext.debuggers.base import MemoryFault
from gdbext.heap import debug_hooks
from gdbext.heap.activity import ThreadStop
from gdbext.heap.debug_hooks import fill_of, read_hooks
from gdbext.heap.free_lists import FREED_BY, LISTS, OTHER, FreeBlocks, decode
from gdbext.heap.freelists import Cached, is_object_list
from gdbext.heap.kinds import is_kind_of, least_size, tag_of
from gdbext.heap.mimalloc import Segment, Span
from gdbext.heap.pages import DOMAINS, MEM, SLICE_SIZE, Page
from gdbext.heap.records import Records
from gdbext.layout.layout import UnknownLayout
from gdbext.model import Block, Confidence, Evidence, Liveness, Verdict
from gdbext.objects.header import MERGED, Header
from gdbext.objects.types import TypeInfo

PROVEN, LIKELY, POSSIBLE = Confidence.PROVEN, Confidence.LIKELY, Confidence.POSSIBLE
ALIGNMENT = 8
MAX_HOOKED_BLOCK = 1 << 20


class Judge:
    """Puts verdicts together."""

    def __init__(self, records: Records) -> None:
        self._r = records

    # --- entry ----------------------------------------------------------------------------------

    def address(self, address: int, expected: str | None) -> Liveness:
        """The verdict on an address that a program uses as ``PyObject *``."""
        if address == 0:
            return Liveness(address, Verdict.NULL, PROVEN, reason="a NULL pointer")
        fill = fill_of(address)
        if fill is not None:
            return Liveness(
                address,
                Verdict.POISONED,
                PROVEN,
                reason=f"the pointer itself was read from memory that is {debug_hooks.FILLS[fill]}",
            )
        try:
            return self._in_memory(address, expected)
        except MemoryFault as fault:
            return self._unreadable(address, fault)
        except UnknownLayout as unknown:
            return Liveness(address, Verdict.UNKNOWN, POSSIBLE, reason=str(unknown))

    def block(self, address: int) -> Liveness:
        """The verdict on memory that is not an object's: on the block that a raw pointer leads into."""
        try:
            self._r.memory.read(address, 1)
            segment = self._r.mimalloc.segment_of(address)
            page = self._r.mimalloc.page_of(address)
            if segment is None or page is None or not 0 <= page.index(address) < page.capacity:
                return self._in_memory(address - address % ALIGNMENT, None)
            start = page.block(page.index(address))
            block = self._block(segment, page, start)
            free = self._r.free_lists.of(page)
            if start in free.where:
                return self._free(address, page, block, free, free.where[start])
            pending = self.pending(page, block)
            if pending:
                return replace(pending, address=address)
            if page.tag != MEM and block.domain in DOMAINS:
                return replace(self._object(start + self._r.before(page), page, block, free, None), address=address)
            what = f"in a {block.size}-byte block of {'PyMem_Raw' if block.domain == 'raw' else 'PyMem'} memory"
            return Liveness(address, Verdict.LIVE, LIKELY, tuple(self._hook_evidence(page, block)), block, what)
        except MemoryFault as fault:
            return self._unreadable(address, fault)
        except UnknownLayout as unknown:
            return Liveness(address, Verdict.UNKNOWN, POSSIBLE, reason=str(unknown))

    def _unreadable(self, address: int, fault: MemoryFault) -> Liveness:
        places = self._r.places
        if places.is_known and places.region(address) is not None:
            return Liveness(
                address,
                Verdict.UNKNOWN,
                POSSIBLE,
                (Evidence(str(fault), fault.address),),
                reason="mapped, but the core does not have it",
            )
        confidence = PROVEN if places.is_known else LIKELY
        return Liveness(
            address, Verdict.UNMAPPED, confidence, (Evidence("cannot be read", address),), reason="no memory is mapped there"
        )

    def _in_memory(self, address: int, expected: str | None) -> Liveness:
        self._r.memory.read(address, 1)
        if address % ALIGNMENT:
            return Liveness(
                address,
                Verdict.MISALIGNED,
                PROVEN,
                reason=f"{address % ALIGNMENT} past a multiple of {ALIGNMENT}, where no object can start",
            )
        segment = self._r.mimalloc.segment_of(address)
        if segment is None:
            return self._outside(address)
        span = segment.span(address)
        page = self._r.mimalloc.page(segment, span) if span else None
        if page is None:
            return self._no_page(address, segment, span)
        return self._in_page(address, segment, page, expected)

    # --- not in a page --------------------------------------------------------------------------

    def _outside(self, address: int) -> Liveness:
        """Memory that mimalloc does not manage."""
        place = self._r.places.find(address)
        if place is None:
            reserved = self._r.mimalloc.cookie is None
            reason = (
                "mimalloc's segments could not be told apart"
                if reserved
                else "not in mimalloc's memory; there is no map to say more"
            )
            return Liveness(address, Verdict.UNKNOWN if reserved else Verdict.FOREIGN, LIKELY, reason=reason)
        header = self._header(address)
        info = self._type(header)
        if place.kind == "module" and header and info and place.region.writable:
            if header.is_immortal:
                return Liveness(
                    address,
                    Verdict.IMMORTAL,
                    PROVEN,
                    self._object_evidence(header, info),
                    reason=f"a static {info.name} in {place.text}",
                )
            if not header.is_dead_shape:
                return Liveness(
                    address, Verdict.LIVE, LIKELY, self._object_evidence(header, info), reason=f"a {info.name} in {place.text}"
                )
        if self._is_reserved(address):
            return Liveness(
                address,
                Verdict.NEVER_ALLOCATED,
                LIKELY,
                (Evidence("no segment starts at this 32 MiB boundary", address & ~0x1FFFFFF, 0),),
                reason="memory that mimalloc has reserved and never used",
            )
        what = f"; a {info.name} seems to be there" if header and info and not header.is_dead_shape else ""
        return Liveness(address, Verdict.FOREIGN, PROVEN if place.kind == "module" else LIKELY, (), None, f"in {place.text}{what}")

    def _is_reserved(self, address: int) -> bool:
        """Whether an address lies in an arena of mimalloc's, outside all segments: in one mapping with some, and empty."""
        region = self._r.places.region(address)
        if region is None or not any(region.start <= s.address < region.end for s in self._r.mimalloc.segments):
            return False
        try:
            return not any(self._r.memory.read(max(address & ~0x1FFFFFF, region.start), 512))
        except MemoryFault:
            return True

    def _no_page(self, address: int, segment: Segment, span: Span | None) -> Liveness:
        if span is None and address < segment.address + segment.info_slices * SLICE_SIZE:
            return Liveness(address, Verdict.FOREIGN, PROVEN, reason=f"mimalloc's own header of segment {segment.address:#x}")
        if span is None:
            return Liveness(
                address,
                Verdict.UNKNOWN,
                POSSIBLE,
                reason=f"the page headers of segment {segment.address:#x} are damaged here",
            )
        number = (address - segment.address) // SLICE_SIZE
        evidence = (
            Evidence(f"{span.slices} slices of 64 KiB are in no page", segment.address + span.first * SLICE_SIZE, span.slices),
            Evidence("pages of the segment in use", segment.address + self._r.layout.offset("mi_segment_t", "used"), segment.used),
        )
        confidence = PROVEN if segment.is_intact else LIKELY
        if self._r.mimalloc.was_used(segment, span, number) or not self._is_zero(segment.address + number * SLICE_SIZE, SLICE_SIZE):
            return Liveness(
                address, Verdict.FREED, confidence, evidence, reason="every block of its page was freed, and the page given back"
            )
        return Liveness(address, Verdict.NEVER_ALLOCATED, LIKELY, evidence, reason="no page was ever made of this memory")

    def _is_zero(self, start: int, size: int) -> bool:
        try:
            return not any(self._r.memory.read(start, size))
        except MemoryFault:
            return False

    # --- in a page ------------------------------------------------------------------------------

    def _in_page(self, address: int, segment: Segment, page: Page, expected: str | None) -> Liveness:
        index = page.index(address)
        if not 0 <= index < page.capacity:
            return self._beyond(address, page)
        start = page.block(index)
        block = self._block(segment, page, start)
        free = self._r.free_lists.of(page)
        on = free.where.get(start)
        if on is not None:
            return self._free(address, page, block, free, on)
        if block.domain == "raw":
            return Liveness(
                address, Verdict.FOREIGN, PROVEN, (), block, "in a PyMem_Raw block (mimalloc's default heap), not an object's"
            )
        if block.domain not in DOMAINS:
            return Liveness(address, Verdict.UNKNOWN, POSSIBLE, (), block, "the page's tag is none of CPython's heaps")
        if page.tag == MEM:
            return self._in_raw_block(address, page, block, expected)
        at = address - start - self._r.before(page)
        if at:
            return self._not_at_start(address, page, block, expected, at)
        return self._object(address, page, block, free, expected)

    def _beyond(self, address: int, page: Page) -> Liveness:
        """In a page, but in none of the blocks that it has handed out so far."""
        evidence = (
            Evidence(
                f"blocks of {page.block_size} bytes that the page has handed out; they end at {page.end:#x}",
                page.address + self._r.layout.offset("mi_page_t", "capacity"),
                page.capacity,
            ),
        )
        start = address - (address - page.start) % page.block_size
        if self._is_zero(start, min(page.block_size, SLICE_SIZE)):
            return Liveness(
                address, Verdict.NEVER_ALLOCATED, LIKELY, evidence, reason="its page has not handed out this memory yet"
            )
        # Only what an earlier page had can have been written to.
        return Liveness(
            address, Verdict.FREED, PROVEN, evidence, reason="freed with an earlier page; the page there now has not handed it out"
        )

    def _block(self, segment: Segment, page: Page, start: int) -> Block:
        owner = self._r.mimalloc.owner(page)
        return Block(
            start,
            page.block_size,
            self._r.mimalloc.domain(page),
            page.address,
            owner.thread.address if owner else None,
            segment.thread_id,
        )

    # --- free blocks ----------------------------------------------------------------------------

    def _free(self, address: int, page: Page, block: Block, free: FreeBlocks, on: str) -> Liveness:
        block = replace(block, freed_by=FREED_BY[on])
        evidence = [*self._list_evidence(page, block, free, on), *self._after_death(address, page, block)]
        if not free.is_intact:
            evidence += [Evidence(f"{on}: {d.flaw}", d.block or page.address, d.word, broken=True) for d in free.damages[:2]]
        by = "another thread" if block.freed_by == OTHER else "the thread that owns the page"
        if page.is_abandoned:
            by = "another thread" if block.freed_by == OTHER else "its own thread, which has exited since"
        reason = f"its block is on the page's {on}: freed by {by}"
        if page.qsbr_goal and not page.used:
            reason += "; the whole page waits for QSBR to be given back"
        return Liveness(address, Verdict.FREED, PROVEN if free.is_intact else LIKELY, tuple(evidence), block, reason)

    def _list_evidence(self, page: Page, block: Block, free: FreeBlocks, on: str) -> list[Evidence]:
        """The link to the block, and the counts that agree with the lists' lengths."""
        layout = self._r.layout.struct("mi_page_t")
        order = [start for start, name in free.where.items() if name == on]
        place = order.index(block.start)
        if on in LISTS:
            head = page.address + layout.offset(on)
        else:
            head = page.heap + self._r.layout.offset("mi_heap_t", on)
        before = order[place - 1] if place else head
        encoded = ", encoded with the page's keys" if page.keys and place else ""
        listed = free.lengths["free"] + free.lengths["local_free"]
        return [
            Evidence(
                f"block {block.start:#x} is number {place + 1} of {len(order)} on {on}; this word is the link to it{encoded}",
                before,
                self._word(before),
            ),
            Evidence(
                f"the page has {page.capacity} blocks, {listed} on free and local_free: the rest is in use",
                page.address + layout.offset("used"),
                page.used,
            ),
        ]

    def _after_death(self, address: int, page: Page, block: Block) -> list[Evidence]:
        """What the dead object's own memory shows."""
        if page.tag == MEM or address != block.start + self._r.before(page):
            return []
        header = self._header(address)
        if header is None:
            return []
        found = []
        if fill_of(header.ob_type) == debug_hooks.FREED:
            found.append(Evidence("ob_type has the debug fill of freed memory", header.place("ob_type"), header.ob_type, address))
        elif info := self._r.objects.type_info(header.ob_type):
            found.append(Evidence(f"ob_type is left from a {info.name}", header.place("ob_type"), header.ob_type, address))
        found += over_decref(header)
        return found

    # --- blocks in use --------------------------------------------------------------------------

    def _in_raw_block(self, address: int, page: Page, block: Block, expected: str | None) -> Liveness:
        pending = self.pending(page, block)
        if pending:
            return replace(pending, address=address)
        what = f"in a {block.size}-byte block of PyMem_Malloc, which no object can be in"
        evidence = (Evidence("the page's heap has tag 0 (mem)", page.address, page.tag),)
        if expected is None and address != self._r.data(page, block.start):
            return Liveness(address, Verdict.INTERIOR, PROVEN, evidence, block, what)
        return Liveness(address, Verdict.REUSED, PROVEN if expected else LIKELY, evidence, block, what)

    def _not_at_start(self, address: int, page: Page, block: Block, expected: str | None, at: int) -> Liveness:
        start = address - at
        info = self._type(self._header(start))
        kind = f"a {info.name}" if info else "an object"
        evidence = (Evidence(f"the block's object starts {abs(at)} bytes {'before' if at > 0 else 'after'} the address", start),)
        if expected is None:
            return Liveness(address, Verdict.INTERIOR, PROVEN, evidence, block, f"inside the block of {kind} at {start:#x}")
        reason = f"the page's blocks are of {block.size} bytes now, and the address is inside that of {kind} at {start:#x}"
        return Liveness(address, Verdict.REUSED, LIKELY, evidence, block, reason)

    def pending(self, page: Page, block: Block) -> Liveness | None:
        """The verdict on a block that waits for QSBR, or lies on a freelist of CPython's that is not for objects."""
        data = self._r.data(page, block.start)
        waiting = self._r.queues.delayed.get(data)
        if waiting:
            whose = f"LWP {waiting.thread.native_thread_id}" if waiting.thread else "an exited thread"
            in_queue = (
                Evidence(f"the queue of delayed frees of {whose} has it", waiting.place, data),
                Evidence("QSBR goal", waiting.place + 8, waiting.goal),
            )
            reason = "freed, and waiting until no thread can still read it"
            return Liveness(data, Verdict.PENDING_FREE, PROVEN, in_queue, block, reason)
        cached = self._r.freelists.members.get(data)
        return self._cached(data, block, cached) if cached and not is_object_list(cached.list) else None

    def _cached(self, address: int, block: Block, cached: Cached) -> Liveness:
        evidence = (Evidence(f"the freelist `{cached.list}` has it", cached.place, address),)
        reason = f"dead, kept on the freelist `{cached.list}` of LWP {cached.thread.native_thread_id} for its next allocation"
        return Liveness(address, Verdict.CACHED, PROVEN, evidence, block, reason)

    # --- objects --------------------------------------------------------------------------------

    def _object(self, address: int, page: Page, block: Block, free: FreeBlocks, expected: str | None) -> Liveness:
        header = self._r.objects.header(address)
        info = self._type(header)
        return (
            self._waiting(address, page, block, header, info)
            or self._lost(address, page, block, free, header)
            or self._poisoned(address, page, block, header)
            or self._dead(address, page, block, header, info)
            or self._other(address, page, block, header, info, expected)
            or self._alive(address, page, block, header, info)
        )

    def _waiting(self, address: int, page: Page, block: Block, header: Header, info: TypeInfo | None) -> Liveness | None:
        """Dead or dying objects that some list or queue has."""
        records = self._r
        cached = records.freelists.members.get(address)
        if cached:
            return self._cached(address, block, cached)
        pending = self.pending(page, block) or self._pending_object(address, header, block)
        if pending:
            return replace(pending, address=address)
        trash = records.queues.trash.get(address)
        if trash:
            linked = Evidence("linked from delete_later of this thread state", trash.address, address)
            reason = f"its deallocation was put off: the trashcan of LWP {trash.native_thread_id} has it"
            return Liveness(address, Verdict.DYING, PROVEN, (linked, *self._count_evidence(header)), block, reason)
        return None

    def _pending_object(self, address: int, header: Header, block: Block) -> Liveness | None:
        """An object whose last references are the ones that queues hold."""
        merge, decref = self._r.queues.merges.get(address), self._r.queues.decrefs.get(address)
        held = (merge is not None) + (decref is not None)
        if not held or header.refcount is None or header.refcount > held:
            return None
        evidence = []
        if merge:
            evidence.append(
                Evidence(f"LWP {merge.thread.native_thread_id}, its owner, is to merge its counts", merge.place, address)
            )
        if decref:
            evidence.append(Evidence("a delayed decref has it", decref.place, address))
        evidence += self._count_evidence(header)
        return Liveness(
            address,
            Verdict.PENDING_FREE,
            LIKELY,
            tuple(evidence),
            block,
            "the last reference to it is the one that a queue will drop",
        )

    def _lost(self, address: int, page: Page, block: Block, free: FreeBlocks, header: Header) -> Liveness | None:
        """A block that the page counts as free, but that has fallen off its lists: what a decref too many does to a list."""
        if free.lost <= 0 or header.ref_local or header.ref_shared not in (0, MERGED):
            return None
        link = decode(self._word(block.start), page.address, page.keys)
        if link and not page.is_block(link):
            return None
        evidence = (
            Evidence(f"{free.lost} of the page's free blocks are on no list", page.address, free.lost, broken=True),
            Evidence("its first word is the link of a free block", block.start, self._word(block.start)),
            *self._count_evidence(header),
        )
        return Liveness(address, Verdict.FREED, LIKELY, evidence, block, "freed, and lost from a free list that was damaged")

    def _poisoned(self, address: int, page: Page, block: Block, header: Header) -> Liveness | None:
        fill = fill_of(header.ob_type)
        if fill is None:
            return None
        evidence = (Evidence(f"ob_type is {debug_hooks.FILLS[fill]}", header.place("ob_type"), header.ob_type, address),)
        reason = f"its memory is {debug_hooks.FILLS[fill]}"
        return Liveness(address, Verdict.POISONED, LIKELY, evidence, block, reason + self._meanwhile(page))

    def _dead(self, address: int, page: Page, block: Block, header: Header, info: TypeInfo | None) -> Liveness | None:
        """No reference is left, and no list has it: between two states."""
        if not header.is_dead_shape:
            return None
        evidence = self._count_evidence(header)
        if info is None:
            reason = "its block is in use, but there is no object in it (yet)"
            return Liveness(address, Verdict.UNKNOWN, POSSIBLE, evidence, block, reason + self._meanwhile(page))
        allocating = self._stop(page, "allocating")
        if allocating and not self._any("deallocating"):
            reason = f"LWP {allocating.lwp}, which owns the page, is inside {allocating.allocating}"
            return Liveness(address, Verdict.UNKNOWN, POSSIBLE, evidence, block, reason)
        stop = self._any("deallocating")
        if stop:
            reason = f"its reference count is 0, and LWP {stop.lwp} is inside {stop.deallocating}"
            return Liveness(address, Verdict.DYING, LIKELY, evidence, block, reason)
        return Liveness(
            address,
            Verdict.DYING,
            POSSIBLE,
            evidence,
            block,
            "its reference count is 0, but its block is not freed" + self._meanwhile(page),
        )

    def _other(
        self, address: int, page: Page, block: Block, header: Header, info: TypeInfo | None, expected: str | None
    ) -> Liveness | None:
        """Something else than its user expects."""
        if info is None or header.problems:
            return None
        evidence = self._object_evidence(header, info)
        wrong = misfit(self._r, page, info)
        if wrong:
            return Liveness(
                address, Verdict.REUSED, LIKELY, (*evidence, wrong), block, f"its block cannot be that of a {info.name}"
            )
        if expected and not is_kind_of(self._r.objects, info, expected):
            return Liveness(address, Verdict.REUSED, PROVEN, evidence, block, f"a {info.name} lives there, and no {expected}")
        return None

    def _alive(self, address: int, page: Page, block: Block, header: Header, info: TypeInfo | None) -> Liveness:
        if info is None or header.problems:
            problems = tuple(header.problems) or tuple(self._r.objects.why_not_object(address))
            reason = "its block is in use, but what is in it is no object"
            return Liveness(address, Verdict.UNKNOWN, LIKELY, problems, block, reason + self._meanwhile(page))
        evidence = [*self._object_evidence(header, info), *self._hook_evidence(page, block)]
        if header.is_immortal:
            return Liveness(address, Verdict.IMMORTAL, LIKELY, tuple(evidence), block, f"an immortal {info.name}")
        collection = self._r.running_collection
        if collection and "unreachable" in header.gc_names:
            evidence.append(Evidence("a garbage collection is running", collection.flag, 1))
            if collection.world_stopped:
                return Liveness(
                    address,
                    Verdict.UNKNOWN,
                    POSSIBLE,
                    tuple(evidence),
                    block,
                    "the garbage collector is finding out whether it is reachable",
                )
            return Liveness(
                address,
                Verdict.DYING,
                LIKELY,
                tuple(evidence),
                block,
                "the garbage collector has found it unreachable, and is about to clear it",
            )
        return Liveness(address, Verdict.LIVE, LIKELY, tuple(evidence), block, f"a {info.name} with {_references(header)}")

    # --- evidence -------------------------------------------------------------------------------

    def _header(self, address: int) -> Header | None:
        try:
            return self._r.objects.header(address)
        except MemoryFault:
            return None

    def _type(self, header: Header | None) -> TypeInfo | None:
        return self._r.objects.type_info(header.ob_type) if header else None

    def _count_evidence(self, header: Header) -> tuple[Evidence, ...]:
        return (
            Evidence("ob_ref_local", header.place("ob_ref_local"), header.ref_local, header.address),
            Evidence("ob_ref_shared", header.place("ob_ref_shared"), header.ref_shared & (1 << 64) - 1, header.address),
        )

    def _object_evidence(self, header: Header, info: TypeInfo) -> tuple[Evidence, ...]:
        return (
            Evidence(f"ob_type is {info.name}", header.place("ob_type"), header.ob_type, header.address),
            *self._count_evidence(header),
        )

    def _hook_evidence(self, page: Page, block: Block) -> list[Evidence]:
        """Guard bytes that were written over."""
        if not self._r.hooks or block.size > MAX_HOOKED_BLOCK:
            return []
        try:
            hooks = read_hooks(self._r.memory.read(block.start, block.size))
        except MemoryFault:
            return []
        found = []
        if hooks.size is None:
            found.append(
                Evidence(
                    "the debug hooks' size before the object does not fit its block",
                    block.start,
                    self._word(block.start),
                    broken=True,
                )
            )
        elif hooks.overrun:
            end = block.start + debug_hooks.HEADER + hooks.size
            found.append(
                Evidence(
                    f"written {hooks.overrun} bytes past its {hooks.size} bytes (guard bytes are 0xFD)",
                    end,
                    self._word(end),
                    broken=True,
                )
            )
        if hooks.underrun:
            found.append(
                Evidence(
                    f"{hooks.underrun} of the guard bytes before it are overwritten",
                    block.start + 8,
                    self._word(block.start + 8),
                    broken=True,
                )
            )
        return found

    def _word(self, address: int) -> int:
        return int.from_bytes(self._r.memory.read(address, 8), "little")

    # --- what threads were doing ----------------------------------------------------------------

    def _any(self, what: str) -> ThreadStop | None:
        return next((stop for stop in self._r.stops if getattr(stop, what)), None)

    def _stop(self, page: Page, what: str) -> ThreadStop | None:
        """The page's owner, if it stopped inside such a function."""
        owner = self._r.mimalloc.owner(page)
        if owner is None:
            return None
        return next((s for s in self._r.stops if s.lwp == owner.thread.native_thread_id and getattr(s, what)), None)

    def _meanwhile(self, page: Page) -> str:
        """A thread's doings that may explain a block in no regular state."""
        stop = self._stop(page, "allocating") or self._any("deallocating")
        if stop:
            return f"; LWP {stop.lwp} is inside {stop.allocating or stop.deallocating}"
        return "; a garbage collection is running" if self._r.running_collection else ""


def _references(header: Header) -> str:
    count = header.refcount or 0
    return f"{count} reference{'s' if count != 1 else ''}"


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


def over_decref(header: Header) -> list[Evidence]:
    """What a decref too many leaves in a freed object of a release build (FT104).

    The count of an object that was never merged wraps and looks immortal; a merged one's goes below zero.
    """
    if header.is_immortal and header.ob_tid:
        return [
            Evidence(
                "its count wrapped below 0: one decref too many after it was freed",
                header.place("ob_ref_local"),
                header.ref_local,
                header.address,
                broken=True,
            )
        ]
    if header.ref_shared < 0:
        return [
            Evidence(
                f"its shared count is {header.ref_shared >> 2}: decrefs after it was freed",
                header.place("ob_ref_shared"),
                header.ref_shared & (1 << 64) - 1,
                header.address,
                broken=True,
            )
        ]
    return []
