"""One verdict on one address, from everything in memory that records its state.

The allocator decides: an address is judged by the block that it lies in, and only where that is in
use by the object in it (:mod:`gdbext.cpython.allocator.occupant`).  ``PROVEN`` is said only where
memory admits no other reading:

- that a block is free, when it is on a list whose every link is sound and whose length agrees
  with the page's count;
- that memory is in no block at all, when the segment's page headers cover it without a gap;
- that another thing lives there, when that is a credible object of another type, or the block is
  not for objects.

That the object which its user means is alive is never proven: at the same address a successor of
the same type may live.
"""

from __future__ import annotations

from dataclasses import replace

from gdbext.cpython import fills
from gdbext.cpython.allocator.evidence import (
    on_list,
    over_decref,
    owners,
    say,
    what_lives,
)
from gdbext.cpython.allocator.looks import holds_objects
from gdbext.cpython.allocator.memory_records import Records
from gdbext.cpython.allocator.mimalloc import SEGMENT_MASK, Segment, Span
from gdbext.cpython.allocator.occupant import LIKELY, POSSIBLE, PROVEN, Occupants
from gdbext.cpython.allocator.page_free_lists import OF_OTHERS, FreeBlocks
from gdbext.cpython.allocator.pages import MEM, OBJECT, SLICE_SIZE, Page
from gdbext.cpython.allocator.places import Place
from gdbext.cpython.fills import fill_of
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.model import Address, Block, Claim, Evidence, Liveness, Verdict
from gdbext.target.protocol import MemoryFault

ALIGNMENT = 8
HEADER_SAMPLE = 256
OS_PAGE = 4096


class Judge:
    """Puts verdicts together."""

    def __init__(self, records: Records) -> None:
        self._r = records
        self.occupants = Occupants(records)

    def address(self, address: int, expected: str | None) -> Liveness:
        """The verdict on an address that a program uses as ``PyObject *``."""
        if address == 0:
            return say(address, Verdict.NULL, PROVEN, Claim("null-pointer"))
        fill = fill_of(address)
        if fill is not None and self._r.hooks:
            # Not proven: others may write such bytes, too.
            reason = Claim("pointer-is-fill", fill=Address(fill))
            return say(address, Verdict.POISONED, LIKELY, reason)
        try:
            return self._in_memory(address, expected)
        except MemoryFault as fault:
            return self._unreadable(address, fault)
        except UnknownLayout as unknown:
            return say(address, Verdict.UNKNOWN, POSSIBLE, unknown.claim)

    def block(self, address: int) -> Liveness:
        """The verdict on memory that is not an object's: on the block that a raw pointer leads
        into.
        """
        try:
            self._r.memory.read(address, 1)
            segment = self._r.mimalloc.segment_of(address)
            page = self._r.mimalloc.page_of(address)
            if segment is None or page is None or not 0 <= page.index(address) < page.capacity:
                return replace(
                    self._in_memory(address - address % ALIGNMENT, None), address=address
                )
            block = self._block(segment, page, page.block(page.index(address)))
            free = self._r.free_lists.of(page)
            on = free.where.get(block.start)
            return (
                self._free(address, page, block, free, on)
                if on
                else self.occupants.raw(address, page, block, free)
            )
        except MemoryFault as fault:
            return self._unreadable(address, fault)
        except UnknownLayout as unknown:
            return say(address, Verdict.UNKNOWN, POSSIBLE, unknown.claim)

    def owners(self, address: int) -> list[Evidence]:
        """See :func:`gdbext.cpython.allocator.evidence.owners`."""
        try:
            segment, page = self._r.mimalloc.segment_of(address), self._r.mimalloc.page_of(address)
            if segment is None or page is None or not 0 <= page.index(address) < page.capacity:
                return []
            block = page.block(page.index(address))
            in_use = holds_objects(self._r, page) and block not in self._r.free_lists.of(page).where
            header = self._r.objects.header(block + self._r.before(page)) if in_use else None
            return owners(self._r, segment, page, header)
        except (MemoryFault, UnknownLayout):
            return []

    def _unreadable(self, address: int, fault: MemoryFault) -> Liveness:
        places = self._r.places
        if places.region(address) is not None:
            return say(
                address,
                Verdict.UNKNOWN,
                POSSIBLE,
                Claim("not-in-core"),
                [Evidence(fault.claim, fault.address)],
            )
        return say(
            address,
            Verdict.UNMAPPED,
            PROVEN if places.is_known else LIKELY,
            Claim("unmapped"),
        )

    def _in_memory(self, address: int, expected: str | None) -> Liveness:
        self._r.memory.read(address, 1)
        past = address % ALIGNMENT
        if past:
            return say(
                address,
                Verdict.MISALIGNED,
                PROVEN,
                Claim("misaligned", past=past, alignment=ALIGNMENT),
            )
        segment = self._r.mimalloc.segment_of(address)
        if segment is None:
            return self._outside(address)
        span = segment.span(address)
        page = self._r.mimalloc.page(segment, span) if span else None
        return (
            self._in_page(address, segment, page, expected)
            if page
            else self._no_page(address, segment, span)
        )

    # --- outside mimalloc -----------------------------------------------------------------------

    def _outside(self, address: int) -> Liveness:
        """Memory that is in no segment of mimalloc's."""
        place = self._r.places.find(address)
        if self._r.mimalloc.cookie is None and (place is None or place.kind == "memory"):
            return say(
                address,
                Verdict.UNKNOWN,
                LIKELY,
                Claim("segments-unknown"),
            )
        if place is None:
            return say(
                address,
                Verdict.FOREIGN,
                LIKELY,
                Claim("not-mimalloc"),
            )
        return (
            self._static(address, place)
            or self._in_arena(address, place)
            or self._elsewhere(address, place)
        )

    def _static(self, address: int, place: Place) -> Liveness | None:
        """An object in a module's data."""
        info = self._r.objects.type_of(address)
        if place.kind != "module" or not place.region.writable or info is None:
            return None
        header = self._r.objects.header(address)
        if header.is_immortal:
            return say(
                address,
                Verdict.IMMORTAL,
                PROVEN,
                Claim("static-object", type=info.name, place=place.what),
                what_lives(header, info),
            )
        if header.is_dead_shape:
            return None
        return say(
            address,
            Verdict.LIVE,
            LIKELY,
            Claim("object-in", type=info.name, place=place.what),
            what_lives(header, info),
        )

    def _in_arena(self, address: int, place: Place) -> Liveness | None:
        """Memory that mimalloc has reserved and that is in no segment: it lies between some, or
        behind them and its own 32 MiB boundary is empty.

        A freed segment is made unreadable in debug builds; in others it stays as it is for a while,
        and then reads as zero.
        """
        mapping = self._r.places.mapping(address)
        if mapping is None:
            return None
        segments = [
            segment
            for segment in self._r.mimalloc.segments
            if mapping[0] <= segment.address < mapping[1]
        ]
        boundary = max(address & ~SEGMENT_MASK, mapping[0])
        between = any(s.address < address for s in segments) and any(
            s.address > address for s in segments
        )
        if not segments or not (between or self._is_zero(boundary, HEADER_SAMPLE)):
            return None
        evidence = [Evidence(Claim("no-segment"), boundary)]
        if place.region.writable and self._is_zero(address & ~(OS_PAGE - 1), OS_PAGE):
            return say(
                address,
                Verdict.NEVER_ALLOCATED,
                LIKELY,
                Claim("reserved-unused"),
                evidence,
            )
        return say(address, Verdict.FREED, LIKELY, Claim("segment-freed"), evidence)

    def _elsewhere(self, address: int, place: Place) -> Liveness:
        info = self._r.objects.type_of(address)
        alive = info is not None and not self._r.objects.header(address).is_dead_shape
        seems = info.name if info and alive else None
        return say(
            address,
            Verdict.FOREIGN,
            PROVEN if place.kind in ("module", "stack") else LIKELY,
            Claim("in-place", place=place.what, seems=seems),
        )

    def _no_page(self, address: int, segment: Segment, span: Span | None) -> Liveness:
        """In a segment, but in no page of it."""
        number = (address - segment.address) // SLICE_SIZE
        if number < segment.info_slices:
            return say(
                address,
                Verdict.FOREIGN,
                PROVEN,
                Claim("segment-header", segment=Address(segment.address)),
            )
        if span is None or span.is_page:
            return say(
                address,
                Verdict.UNKNOWN,
                POSSIBLE,
                Claim("page-headers-damaged", segment=Address(segment.address)),
            )
        evidence = [
            Evidence(
                Claim("slices-without-page", count=span.slices),
                segment.address + span.first * SLICE_SIZE,
            ),
            Evidence(
                Claim("segment-pages-used"),
                segment.address + self._r.layout.offset("mi_segment_t", "used"),
                segment.used,
            ),
        ]
        if self._r.mimalloc.was_used(segment, span, number) or not self._is_zero(
            segment.address + number * SLICE_SIZE, SLICE_SIZE
        ):
            reason = Claim("page-given-back")
            return say(
                address, Verdict.FREED, PROVEN if segment.is_intact else LIKELY, reason, evidence
            )
        return say(
            address,
            Verdict.NEVER_ALLOCATED,
            LIKELY,
            Claim("never-a-page"),
            evidence,
        )

    def _is_zero(self, start: int, size: int) -> bool:
        """Whether memory was never written to, or was given back to the system."""
        try:
            return not any(self._r.memory.read(start, size))
        except MemoryFault:
            return True

    # --- in a page ------------------------------------------------------------------------------

    def _in_page(
        self, address: int, segment: Segment, page: Page, expected: str | None
    ) -> Liveness:
        index = page.index(address)
        if not 0 <= index < page.capacity:
            return self._beyond(address, page)
        block = self._block(segment, page, page.block(index))
        free = self._r.free_lists.of(page)
        on = free.where.get(block.start)
        return (
            self._free(address, page, block, free, on)
            if on
            else self.occupants.judge(address, page, block, free, expected)
        )

    def _beyond(self, address: int, page: Page) -> Liveness:
        """In a page, but in none of the blocks that it has handed out so far."""
        capacity = page.address + self._r.layout.offset("mi_page_t", "capacity")
        claim = Claim("blocks-handed-out", size=page.block_size, end=Address(page.end))
        evidence = [Evidence(claim, capacity, page.capacity)]
        start = address - (address - page.start) % page.block_size
        if self._is_zero(start, min(page.block_size, SLICE_SIZE)):
            return say(
                address,
                Verdict.NEVER_ALLOCATED,
                LIKELY,
                Claim("not-handed-out"),
                evidence,
            )
        # Only what an earlier page had can have been written to.
        reason = Claim("freed-with-earlier-page")
        return say(
            address,
            Verdict.FREED,
            PROVEN if self._r.free_lists.of(page).is_intact else LIKELY,
            reason,
            evidence,
        )

    def _block(self, segment: Segment, page: Page, start: int) -> Block:
        owner = self._r.mimalloc.owner(page)
        tstate = owner.thread.address if owner else None
        return Block(
            start,
            page.block_size,
            self._r.mimalloc.domain(page),
            page.address,
            tstate,
            segment.thread_id,
        )

    def _free(self, address: int, page: Page, block: Block, free: FreeBlocks, on: str) -> Liveness:
        block = replace(block, freed_by="other thread" if on in OF_OTHERS else None)
        evidence = [
            *on_list(self._r, page, block.start, free, on),
            *self._remains(address, page, block),
        ]
        evidence += [
            Evidence(
                Claim("list-flaw", list=d.list, flaw=d.flaw.claim),
                d.block or page.address,
                d.word,
                broken=True,
            )
            for d in free.damages[:2]
        ]
        reason = Claim(
            "freed",
            list=on,
            now="freed by another"
            if block.freed_by
            else "without owner"
            if page.is_abandoned
            else "owner's",
            page_waits=bool(page.qsbr_goal and not page.used),
        )
        alive = self._looks_alive(page, block)
        proven = free.is_intact and alive is None
        return say(
            address,
            Verdict.FREED,
            PROVEN if proven else LIKELY,
            reason,
            [*evidence, *([alive] if alive else [])],
            block,
        )

    def _looks_alive(self, page: Page, block: Block) -> Evidence | None:
        """What speaks against a list: a whole object with references, which freeing would have
        untracked, and made a link of.

        A link that was overwritten with another object's address leads the list to that one.
        """
        address = block.start + self._r.before(page)
        info = self._r.objects.type_of(address) if holds_objects(self._r, page) else None
        if info is None:
            return None
        header = self._r.objects.header(address)
        if header.is_dead_shape or header.is_immortal or (header.refcount or 0) <= 0:
            return None
        tracked = "tracked" in header.gc_names
        owned = (
            header.ob_tid == block.owner_tid or self._r.runtime.by_tid(header.ob_tid) is not None
        )
        if not (owned if page.tag == OBJECT else tracked):
            return None
        claim = Claim("looks-alive", type=info.name, count=header.refcount or 0)
        return Evidence(claim, header.place("ob_ref_local"), header.ref_local, address, broken=True)

    def _remains(self, address: int, page: Page, block: Block) -> list[Evidence]:
        """What the dead object's own memory shows."""
        if page.tag == MEM or address != block.start + self._r.before(page):
            return []
        header = self._r.objects.header(address)
        found = []
        if fill_of(header.ob_type) == fills.FREED:
            claim = Claim("type-is-freed-fill")
            found.append(Evidence(claim, header.place("ob_type"), header.ob_type, address))
        elif info := self._r.objects.type_info(header.ob_type):
            found.append(
                Evidence(
                    Claim("type-left-from", type=info.name),
                    header.place("ob_type"),
                    header.ob_type,
                    address,
                )
            )
        return found + over_decref(header)
