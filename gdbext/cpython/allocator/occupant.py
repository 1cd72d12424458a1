"""What is in a block that the allocator has given out: a living object, a dying one, a dead one
that is kept, or something else.
"""

from __future__ import annotations

from dataclasses import replace

from gdbext.cpython import fills
from gdbext.cpython.allocator.activity import ThreadStop
from gdbext.cpython.allocator.evidence import counts, guards, misfit, say, what_lives
from gdbext.cpython.allocator.kinds import is_kind_of
from gdbext.cpython.allocator.memory_records import Records
from gdbext.cpython.allocator.object_freelists import Cached, is_object_list, owner
from gdbext.cpython.allocator.page_free_lists import FreeBlocks, decode
from gdbext.cpython.allocator.pages import DOMAINS, MEM, Page
from gdbext.cpython.fills import fill_of
from gdbext.cpython.objects.header import MERGED, Header
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Address, Block, Claim, Confidence, Evidence, Liveness, Verdict

PROVEN, LIKELY, POSSIBLE = Confidence.PROVEN, Confidence.LIKELY, Confidence.POSSIBLE


class Occupants:
    """Judges blocks in use."""

    def __init__(self, records: Records) -> None:
        self._r = records

    def judge(
        self, address: int, page: Page, block: Block, free: FreeBlocks, expected: str | None
    ) -> Liveness:
        """The verdict on an address, used as an object's, inside a block in use."""
        if block.domain == "raw":
            return say(
                address,
                Verdict.FOREIGN,
                PROVEN,
                Claim("in-raw-block"),
                (),
                block,
            )
        if block.domain not in DOMAINS:
            return say(
                address,
                Verdict.UNKNOWN,
                POSSIBLE,
                Claim("page-of-unknown-heap"),
                (),
                block,
            )
        heap = self._r.mimalloc.owner(page)
        if heap is not None and heap.tag != page.tag:
            tag = Evidence(
                Claim("heap-is", domain=DOMAINS[heap.tag]), page.address, page.tag, broken=True
            )
            return say(
                address,
                Verdict.UNKNOWN,
                LIKELY,
                Claim("page-heap-contradicts"),
                [tag],
                block,
            )
        if page.tag == MEM:
            return self._in_mem(address, page, block, expected)
        past = address - block.start - self._r.before(page)
        return (
            self._inside(address, block, expected, past)
            if past
            else self._object(address, page, block, free, expected)
        )

    def raw(self, address: int, page: Page, block: Block, free: FreeBlocks) -> Liveness:
        """The verdict on a raw pointer into a block in use."""
        pending = self._pending(page, block)
        if pending:
            return replace(pending, address=address)
        if page.tag != MEM and block.domain in DOMAINS:
            return replace(
                self._object(block.start + self._r.before(page), page, block, free, None),
                address=address,
            )
        api = "PyMem_Raw" if block.domain == "raw" else "PyMem"
        what = Claim("in-memory-block", size=block.size, api=api)
        return say(address, Verdict.LIVE, LIKELY, what, guards(self._r, block), block)

    # --- no object starts here ------------------------------------------------------------------

    def _in_mem(self, address: int, page: Page, block: Block, expected: str | None) -> Liveness:
        pending = self._pending(page, block)
        if pending:
            return replace(pending, address=address)
        placed = self._placed(address, block)
        if placed:
            return placed
        reason = Claim("in-pymem-block", size=block.size)
        evidence = [Evidence(Claim("heap-tag-mem"), page.address, page.tag)]
        if expected is None and address != self._r.data(block.start):
            return say(address, Verdict.INTERIOR, PROVEN, reason, evidence, block)
        return say(address, Verdict.REUSED, PROVEN if expected else LIKELY, reason, evidence, block)

    def _placed(self, address: int, block: Block) -> Liveness | None:
        """A living object that an extension placed in memory of its own: what a dead one leaves
        behind counts no references.
        """
        objects = self._r.objects
        header = objects.header(address)
        info = objects.type_info(header.ob_type)
        if (
            info is None
            or header.problems
            or not header.refcount
            or objects.why_not_object(address)
        ):
            return None
        reason = Claim("placed-object", type=info.name, count=header.refcount or 0, size=block.size)
        return say(address, Verdict.LIVE, LIKELY, reason, what_lives(header, info), block)

    def _inside(self, address: int, block: Block, expected: str | None, past: int) -> Liveness:
        placed = self._placed(address, block) if past > 0 else None
        if placed:
            return placed
        start = address - past
        info = self._r.objects.type_of(start)
        kind = Claim("a-type", type=info.name) if info else Claim("an-object")
        evidence = [
            Evidence(
                Claim("object-starts-elsewhere", offset=abs(past), is_before=past > 0),
                start,
            )
        ]
        if expected is None:
            return say(
                address,
                Verdict.INTERIOR,
                PROVEN,
                Claim("inside-block", object=kind, start=Address(start)),
                evidence,
                block,
            )
        reason = Claim("inside-other-block", size=block.size, object=kind, start=Address(start))
        return say(address, Verdict.REUSED, LIKELY, reason, evidence, block)

    def _pending(self, page: Page, block: Block) -> Liveness | None:
        """The verdict on a block that waits for QSBR, or lies on a freelist that is not for
        objects.
        """
        data = self._r.data(block.start)
        waiting = self._r.queues.delayed.get(data)
        if waiting:
            whose = (
                Claim("lwp", lwp=waiting.thread.native_thread_id)
                if waiting.thread
                else Claim("exited-thread")
            )
            evidence = [
                Evidence(Claim("in-delayed-frees", owner=whose), waiting.place, data),
                Evidence(Claim("qsbr-goal"), waiting.place + 8, waiting.goal),
            ]
            return say(
                data,
                Verdict.PENDING_FREE,
                PROVEN,
                Claim("freed-waiting"),
                evidence,
                block,
            )
        cached = self._r.freelists.members.get(data)
        return (
            self._kept(data, block, cached) if cached and not is_object_list(cached.list) else None
        )

    def _kept(self, address: int, block: Block, cached: Cached) -> Liveness:
        evidence = [Evidence(Claim("in-freelist", list=cached.list), cached.place, address)]
        reason = Claim("kept-on-freelist", list=cached.list, owner=owner(cached))
        confidence = PROVEN if self._r.freelists.is_sound(cached) else LIKELY
        return say(address, Verdict.CACHED, confidence, reason, evidence, block)

    # --- objects --------------------------------------------------------------------------------

    def _object(
        self, address: int, page: Page, block: Block, free: FreeBlocks, expected: str | None
    ) -> Liveness:
        header = self._r.objects.header(address)
        info = self._r.objects.type_info(header.ob_type)
        return (
            self._waiting(page, block, header)
            or self._lost(page, block, free, header)
            or self._poisoned(page, block, header)
            or self._between(page, block, header, info)
            or self._other(page, block, header, info, expected)
            or self._alive(page, block, header, info)
        )

    def _waiting(self, page: Page, block: Block, header: Header) -> Liveness | None:
        """Dead or dying objects that some list or queue has."""
        address = header.address
        cached = self._r.freelists.members.get(address)
        if cached:
            return self._kept(address, block, cached)
        pending = self._pending(page, block) or self._pending_object(block, header)
        if pending:
            return replace(pending, address=address)
        trash = self._r.queues.trash.get(address)
        if trash and header.ref_local == 0 and header.ref_shared in (0, MERGED):
            linked = Evidence(Claim("linked-from-trash"), trash.address, address)
            reason = Claim("in-trashcan", lwp=trash.native_thread_id)
            return say(address, Verdict.DYING, PROVEN, reason, [linked, *counts(header)], block)
        return None

    def _pending_object(self, block: Block, header: Header) -> Liveness | None:
        """An object whose last references are the ones that queues hold."""
        merge, decref = (
            self._r.queues.merges.get(header.address),
            self._r.queues.decrefs.get(header.address),
        )
        held = (merge is not None) + (decref is not None)
        if not held or header.refcount is None or header.refcount > held:
            return None
        evidence = counts(header)
        if merge:
            claim = Claim("merge-pending", lwp=merge.thread.native_thread_id)
            evidence.append(Evidence(claim, merge.place, header.address))
        if decref:
            evidence.append(Evidence(Claim("decref-pending"), decref.place, header.address))
        return say(
            header.address,
            Verdict.PENDING_FREE,
            LIKELY,
            Claim("last-reference-in-queue"),
            evidence,
            block,
        )

    def _lost(self, page: Page, block: Block, free: FreeBlocks, header: Header) -> Liveness | None:
        """A block that the page counts as free, but that has fallen off its lists: what a decref
        too many does to a list.
        """
        if free.lost <= 0 or header.ref_local or header.ref_shared not in (0, MERGED):
            return None
        word = int.from_bytes(self._r.memory.read(block.start, 8), "little")
        link = decode(word, page.address, page.keys)
        if link and not page.is_block(link):
            return None
        evidence = [
            Evidence(
                Claim("blocks-lost", count=free.lost),
                page.address,
                None,
                broken=True,
            ),
            Evidence(Claim("first-word-is-link"), block.start, word),
            *counts(header),
        ]
        return say(
            header.address,
            Verdict.FREED,
            LIKELY,
            Claim("freed-and-lost"),
            evidence,
            block,
        )

    def _poisoned(self, page: Page, block: Block, header: Header) -> Liveness | None:
        fill = fill_of(header.ob_type)
        if fill is None:
            return None
        claim = Claim("type-is-fill", fill=Address(fill))
        evidence = [Evidence(claim, header.place("ob_type"), header.ob_type, header.address)]
        reason = Claim("memory-is-fill", fill=Address(fill), meanwhile=self._meanwhile(page))
        # A thread may be about to make an object of it, or to give it back.
        in_transit = fill == fills.UNINITIALISED or self.busy(page) is not None
        return say(
            header.address,
            Verdict.POISONED,
            POSSIBLE if in_transit else LIKELY,
            reason,
            evidence,
            block,
        )

    def _between(
        self, page: Page, block: Block, header: Header, info: TypeInfo | None
    ) -> Liveness | None:
        """No reference is left, and no list has it: it is between two states."""
        if not header.is_dead_shape:
            return None
        address, evidence = header.address, counts(header)
        if info is None:
            reason = Claim("no-object-yet", meanwhile=self._meanwhile(page))
            return say(address, Verdict.UNKNOWN, POSSIBLE, reason, evidence, block)
        ending, beginning = self._anyone("deallocating"), self._owner(page, "allocating")
        if ending:
            reason = Claim("dead-and-inside", lwp=ending.lwp, function=ending.deallocating)
            return say(address, Verdict.DYING, LIKELY, reason, evidence, block)
        if beginning:
            reason = Claim("owner-inside", lwp=beginning.lwp, function=beginning.allocating)
            return say(address, Verdict.UNKNOWN, POSSIBLE, reason, evidence, block)
        reason = Claim("dead-not-freed", meanwhile=self._meanwhile(page))
        return say(address, Verdict.DYING, POSSIBLE, reason, evidence, block)

    def _other(
        self, page: Page, block: Block, header: Header, info: TypeInfo | None, expected: str | None
    ) -> Liveness | None:
        """Something else than its user expects."""
        if info is None or header.problems:
            return None
        wrong = misfit(self._r, page, info)
        if wrong:
            reason = Claim("block-does-not-fit", type=info.name)
            return say(
                header.address,
                Verdict.REUSED,
                LIKELY,
                reason,
                [*what_lives(header, info), wrong],
                block,
            )
        if expected and not is_kind_of(self._r.objects, info, expected):
            reason = Claim("other-type-lives", type=info.name, expected=expected)
            return say(
                header.address, Verdict.REUSED, PROVEN, reason, what_lives(header, info), block
            )
        return None

    def _alive(self, page: Page, block: Block, header: Header, info: TypeInfo | None) -> Liveness:
        address = header.address
        if info is None or header.problems:
            problems = header.problems or self._r.objects.why_not_object(address)
            reason = Claim("not-an-object-in-block", meanwhile=self._meanwhile(page))
            return say(address, Verdict.UNKNOWN, LIKELY, reason, problems, block)
        evidence = [*what_lives(header, info), *guards(self._r, block)]
        if header.is_immortal:
            return say(
                address,
                Verdict.IMMORTAL,
                LIKELY,
                Claim("immortal", type=info.name),
                evidence,
                block,
            )
        collection = self._r.running_collection
        if collection and "unreachable" in header.gc_names:
            evidence.append(Evidence(Claim("collection-running"), collection.flag, 1))
            if collection.world_stopped:
                reason = Claim("reachability-unknown")
                return say(address, Verdict.UNKNOWN, POSSIBLE, reason, evidence, block)
            reason = Claim("unreachable")
            return say(address, Verdict.DYING, LIKELY, reason, evidence, block)
        return say(
            address,
            Verdict.LIVE,
            LIKELY,
            Claim("alive", type=info.name, count=header.refcount or 0),
            evidence,
            block,
        )

    # --- what threads were doing ----------------------------------------------------------------

    def busy(self, page: Page) -> ThreadStop | None:
        """A thread that stopped in the middle of something that may change the page."""
        return (
            self._owner(page, "allocating")
            or self._anyone("deallocating")
            or self._anyone("allocating")
        )

    def _anyone(self, what: str) -> ThreadStop | None:
        return next((stop for stop in self._r.stops if getattr(stop, what)), None)

    def _owner(self, page: Page, what: str) -> ThreadStop | None:
        """The page's owner, if it stopped inside such a function."""
        owner = self._r.mimalloc.owner(page)
        if owner is None:
            return None
        return next(
            (
                s
                for s in self._r.stops
                if s.lwp == owner.thread.native_thread_id and getattr(s, what)
            ),
            None,
        )

    def _meanwhile(self, page: Page) -> Claim | None:
        """A thread's doings that may explain a block in no regular state."""
        stop = self._owner(page, "allocating") or self._anyone("deallocating")
        if stop:
            return Claim("inside", lwp=stop.lwp, function=stop.allocating or stop.deallocating)
        return Claim("collection-running") if self._r.running_collection else None
