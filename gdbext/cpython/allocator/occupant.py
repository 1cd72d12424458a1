"""What is in a block that the allocator has given out: a living object, a dying one, a dead one that is kept, or something else."""

from __future__ import annotations

from dataclasses import replace

from gdbext.cpython.allocator import debug_hooks
from gdbext.cpython.allocator.activity import ThreadStop
from gdbext.cpython.allocator.debug_hooks import fill_of
from gdbext.cpython.allocator.evidence import counts, guards, misfit, references, say, what_lives
from gdbext.cpython.allocator.kinds import is_kind_of
from gdbext.cpython.allocator.object_freelists import Cached, is_object_list, owner
from gdbext.cpython.allocator.page_free_lists import FreeBlocks, decode
from gdbext.cpython.allocator.pages import DOMAINS, MEM, Page
from gdbext.cpython.allocator.records import Records
from gdbext.cpython.objects.header import MERGED, Header
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Block, Confidence, Evidence, Liveness, Verdict

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
                "in a PyMem_Raw block (of mimalloc's default heap), not an object's",
                (),
                block,
            )
        if block.domain not in DOMAINS:
            return say(
                address,
                Verdict.UNKNOWN,
                POSSIBLE,
                "the page's tag is none of CPython's heaps",
                (),
                block,
            )
        heap = self._r.mimalloc.owner(page)
        if heap is not None and heap.tag != page.tag:
            tag = Evidence(f"its heap is {DOMAINS[heap.tag]}", page.address, page.tag, broken=True)
            return say(
                address,
                Verdict.UNKNOWN,
                LIKELY,
                "the page's header says another heap than the one that it is of",
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
        what = f"in a {block.size}-byte block of {'PyMem_Raw' if block.domain == 'raw' else 'PyMem'} memory"
        return say(address, Verdict.LIVE, LIKELY, what, guards(self._r, block), block)

    # --- no object starts here ------------------------------------------------------------------

    def _in_mem(self, address: int, page: Page, block: Block, expected: str | None) -> Liveness:
        pending = self._pending(page, block)
        if pending:
            return replace(pending, address=address)
        placed = self._placed(address, block)
        if placed:
            return placed
        reason = f"in a {block.size}-byte block of PyMem_Malloc, which no object can be in"
        evidence = [Evidence("the page's heap has tag 0 (mem)", page.address, page.tag)]
        if expected is None and address != self._r.data(page, block.start):
            return say(address, Verdict.INTERIOR, PROVEN, reason, evidence, block)
        return say(address, Verdict.REUSED, PROVEN if expected else LIKELY, reason, evidence, block)

    def _placed(self, address: int, block: Block) -> Liveness | None:
        """A living object that an extension placed in memory of its own: what a dead one leaves behind counts no references."""
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
        reason = f"a {info.name} with {references(header)}, placed by its maker in a {block.size}-byte block"
        return say(address, Verdict.LIVE, LIKELY, reason, what_lives(header, info), block)

    def _inside(self, address: int, block: Block, expected: str | None, past: int) -> Liveness:
        placed = self._placed(address, block) if past > 0 else None
        if placed:
            return placed
        start = address - past
        info = self._r.objects.type_of(start)
        kind = f"a {info.name}" if info else "an object"
        evidence = [
            Evidence(
                f"the block's object starts {abs(past)} bytes {'before' if past > 0 else 'after'} the address",
                start,
            )
        ]
        if expected is None:
            return say(
                address,
                Verdict.INTERIOR,
                PROVEN,
                f"inside the block of {kind} at {start:#x}",
                evidence,
                block,
            )
        reason = f"the page has blocks of {block.size} bytes now, and the address is inside that of {kind} at {start:#x}"
        return say(address, Verdict.REUSED, LIKELY, reason, evidence, block)

    def _pending(self, page: Page, block: Block) -> Liveness | None:
        """The verdict on a block that waits for QSBR, or lies on a freelist that is not for objects."""
        data = self._r.data(page, block.start)
        waiting = self._r.queues.delayed.get(data)
        if waiting:
            whose = (
                f"LWP {waiting.thread.native_thread_id}" if waiting.thread else "an exited thread"
            )
            evidence = [
                Evidence(f"the queue of delayed frees of {whose} has it", waiting.place, data),
                Evidence("QSBR goal", waiting.place + 8, waiting.goal),
            ]
            return say(
                data,
                Verdict.PENDING_FREE,
                PROVEN,
                "freed, and waiting until no thread can still read it",
                evidence,
                block,
            )
        cached = self._r.freelists.members.get(data)
        return (
            self._kept(data, block, cached) if cached and not is_object_list(cached.list) else None
        )

    def _kept(self, address: int, block: Block, cached: Cached) -> Liveness:
        evidence = [Evidence(f"the freelist `{cached.list}` has it", cached.place, address)]
        reason = (
            f"dead, kept on the freelist `{cached.list}` of {owner(cached)} for its next allocation"
        )
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
            linked = Evidence(
                "linked from delete_later of this thread state", trash.address, address
            )
            reason = (
                f"its deallocation was put off: the trashcan of LWP {trash.native_thread_id} has it"
            )
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
            claim = f"LWP {merge.thread.native_thread_id}, its owner, is to merge its counts"
            evidence.append(Evidence(claim, merge.place, header.address))
        if decref:
            evidence.append(Evidence("a delayed decref has it", decref.place, header.address))
        return say(
            header.address,
            Verdict.PENDING_FREE,
            LIKELY,
            "the last reference to it is the one that a queue will drop",
            evidence,
            block,
        )

    def _lost(self, page: Page, block: Block, free: FreeBlocks, header: Header) -> Liveness | None:
        """A block that the page counts as free, but that has fallen off its lists: what a decref too many does to a list."""
        if free.lost <= 0 or header.ref_local or header.ref_shared not in (0, MERGED):
            return None
        word = int.from_bytes(self._r.memory.read(block.start, 8), "little")
        link = decode(word, page.address, page.keys)
        if link and not page.is_block(link):
            return None
        evidence = [
            Evidence(
                f"{free.lost} of the page's free blocks are on no list",
                page.address,
                None,
                broken=True,
            ),
            Evidence("its first word is the link of a free block", block.start, word),
            *counts(header),
        ]
        return say(
            header.address,
            Verdict.FREED,
            LIKELY,
            "freed, and lost from a free list that was damaged",
            evidence,
            block,
        )

    def _poisoned(self, page: Page, block: Block, header: Header) -> Liveness | None:
        fill = fill_of(header.ob_type)
        if fill is None:
            return None
        claim = f"ob_type is {debug_hooks.FILLS[fill]}"
        evidence = [Evidence(claim, header.place("ob_type"), header.ob_type, header.address)]
        reason = f"its memory is {debug_hooks.FILLS[fill]}" + self._meanwhile(page)
        # A thread may be about to make an object of it, or to give it back.
        in_transit = fill == debug_hooks.UNINITIALISED or self.busy(page) is not None
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
            reason = "its block is in use, but there is no object in it (yet)" + self._meanwhile(
                page
            )
            return say(address, Verdict.UNKNOWN, POSSIBLE, reason, evidence, block)
        ending, beginning = self._anyone("deallocating"), self._owner(page, "allocating")
        if ending:
            reason = (
                f"its reference count is 0, and LWP {ending.lwp} is inside {ending.deallocating}"
            )
            return say(address, Verdict.DYING, LIKELY, reason, evidence, block)
        if beginning:
            reason = f"LWP {beginning.lwp}, which owns the page, is inside {beginning.allocating}"
            return say(address, Verdict.UNKNOWN, POSSIBLE, reason, evidence, block)
        reason = "its reference count is 0, but its block is not freed" + self._meanwhile(page)
        return say(address, Verdict.DYING, POSSIBLE, reason, evidence, block)

    def _other(
        self, page: Page, block: Block, header: Header, info: TypeInfo | None, expected: str | None
    ) -> Liveness | None:
        """Something else than its user expects."""
        if info is None or header.problems:
            return None
        wrong = misfit(self._r, page, info)
        if wrong:
            reason = f"its block cannot be that of a {info.name}"
            return say(
                header.address,
                Verdict.REUSED,
                LIKELY,
                reason,
                [*what_lives(header, info), wrong],
                block,
            )
        if expected and not is_kind_of(self._r.objects, info, expected):
            reason = f"a {info.name} lives there, and no {expected}"
            return say(
                header.address, Verdict.REUSED, PROVEN, reason, what_lives(header, info), block
            )
        return None

    def _alive(self, page: Page, block: Block, header: Header, info: TypeInfo | None) -> Liveness:
        address = header.address
        if info is None or header.problems:
            problems = header.problems or self._r.objects.why_not_object(address)
            reason = "its block is in use, but what is in it is no object" + self._meanwhile(page)
            return say(address, Verdict.UNKNOWN, LIKELY, reason, problems, block)
        evidence = [*what_lives(header, info), *guards(self._r, block)]
        if header.is_immortal:
            return say(
                address, Verdict.IMMORTAL, LIKELY, f"an immortal {info.name}", evidence, block
            )
        collection = self._r.running_collection
        if collection and "unreachable" in header.gc_names:
            evidence.append(Evidence("a garbage collection is running", collection.flag, 1))
            if collection.world_stopped:
                reason = "the garbage collector is finding out whether it is reachable"
                return say(address, Verdict.UNKNOWN, POSSIBLE, reason, evidence, block)
            reason = "the garbage collector has found it unreachable, and is about to clear it"
            return say(address, Verdict.DYING, LIKELY, reason, evidence, block)
        return say(
            address,
            Verdict.LIVE,
            LIKELY,
            f"a {info.name} with {references(header)}",
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

    def _meanwhile(self, page: Page) -> str:
        """A thread's doings that may explain a block in no regular state."""
        stop = self._owner(page, "allocating") or self._anyone("deallocating")
        if stop:
            return f"; LWP {stop.lwp} is inside {stop.allocating or stop.deallocating}"
        return "; a garbage collection is running" if self._r.running_collection else ""
