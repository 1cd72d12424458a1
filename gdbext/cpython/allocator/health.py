"""Damage to free lists: where it is, what was written there, and who may have done it (rule FT105).

A program dies of a damaged list long after, in whatever allocates next; but the bad link is still
where it was written. Two kinds of culprit are near: the dead object itself (somebody used it after
it was freed: its first word is the link), and the block before it in memory (written past its end).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from gdbext.cpython import fills
from gdbext.cpython.allocator.debug_hooks import HEADER, TRAILER, read_hooks
from gdbext.cpython.allocator.evidence import MAX_HOOKED_BLOCK
from gdbext.cpython.allocator.judge import Judge
from gdbext.cpython.allocator.memory_records import Records
from gdbext.cpython.allocator.mimalloc import SEGMENT_MASK
from gdbext.cpython.allocator.object_freelists import BrokenFreelist, is_object_list, owner
from gdbext.cpython.allocator.page_free_lists import Damage, Flaw, PageWords, decode
from gdbext.cpython.allocator.pages import DOMAINS, MEM, Page
from gdbext.frozen import dataclass
from gdbext.model import Address, Claim, Evidence, Verdict
from gdbext.target.protocol import MemoryFault, text_in_word

SMALL_NUMBER = 1 << 20
MAX_CROSSINGS = 256
PLAUSIBLE_FLOAT = (1e-6, 1e15)


MAX_SUSPECTS = 6
LOCATIONS = frozenset(
    {
        "in-raw-block",
        "in-memory-block",
        "in-pymem-block",
        "in-place",
        "inside-block",
        "inside-other-block",
    }
)
"""Kinds of verdicts' reasons that say where an address is."""


@dataclass(frozen=True)
class Suspect:
    """A block that may be the origin of damage.

    ``address`` is its object's (or data's) address.
    """

    address: int
    type: str | None
    verdict: Verdict
    role: str
    """Why: ``itself`` (used after it was freed), ``freed twice``, ``before`` or ``runs over``."""


@dataclass(frozen=True)
class Corruption:
    """Damage, explained.

    ``subject`` is the block whose link is bad, or that was written past its end; None if not known.
    """

    damage: Damage | None
    title: Claim
    evidence: tuple[Evidence, ...]
    subject: int | None = None
    suspects: tuple[Suspect, ...] = ()
    is_snapshot: bool = False
    """Whether a thread that stopped in the middle of an operation on the page explains it: then it
    may be no damage at all.
    """


class Health:
    """Checks and explains free lists."""

    def __init__(self, records: Records, judge: Judge) -> None:
        self._r = records
        self._judge = judge

    def of_pages(self, pages: Iterable[Page]) -> Iterator[Corruption]:
        """Every damaged list of the given pages."""
        for page in pages:
            if not self._r.free_lists.is_full(page):
                for damage in self._r.free_lists.of(page).damages:
                    yield self.explain(damage)

    def explain(self, damage: Damage) -> Corruption:
        """What is wrong, what stands there, and which blocks are near."""
        page = damage.page
        domain = self._r.mimalloc.domain(page)
        evidence = [
            Evidence(
                Claim("page-is", size=page.block_size, domain=domain, start=Address(page.start)),
                page.address,
            )
        ]
        if damage.flaw is Flaw.COUNT:
            title = Claim(
                "page-flaw",
                size=page.block_size,
                page=Address(page.address),
                flaw=damage.flaw.claim,
            )
            busy = self._judge.occupants.busy(page) is not None
            return Corruption(damage, title, (*evidence, *self._counts(page)), is_snapshot=busy)
        block = damage.block if damage.block is not None else self._popped(damage)
        place = (
            damage.block
            if damage.block is not None
            else page.address + self._r.layout.offset("mi_page_t", damage.list)
        )
        claim = Claim(
            "list-flaw-after",
            list=damage.list,
            count=damage.position,
            flaw=damage.flaw.claim,
        )
        evidence.append(Evidence(claim, place, damage.word, damage.block, broken=True))
        if damage.block is None and block is not None:
            claim = Claim("last-block-has-word")
            evidence.append(Evidence(claim, block, self._word(block), block, broken=True))
        if damage.word is not None and damage.flaw not in (Flaw.CYCLE, Flaw.TWICE):
            evidence.append(
                Evidence(
                    Claim("looks-like", what=self.looks_like(damage.word)),
                    place,
                    damage.word,
                    block,
                )
            )
        if damage.flaw is Flaw.CYCLE:
            evidence.append(Evidence(Claim("cycle-by-double-free"), place, damage.word, block))
        near = self._suspects(page, block, damage.flaw) if block is not None else ()
        suspects = (*near, *self._writers(damage))
        for suspect in suspects[:MAX_SUSPECTS]:
            claim = Claim(
                "suspect-block",
                verdict=suspect.verdict.value,
                type=suspect.type,
                address=Address(suspect.address),
                role=suspect.role,
            )
            evidence.append(Evidence(claim, suspect.address, None, suspect.address))
        title = Claim(
            "free-list-damaged",
            size=page.block_size,
            page=Address(page.address),
            flaw=damage.flaw.claim,
        )
        return Corruption(damage, title, tuple(evidence), block, suspects)

    def _popped(self, damage: Damage) -> int | None:
        """The block whose bad link became the list's head when it was handed out; None if that
        is not known.
        """
        page = damage.page
        if damage.list != "free" or not damage.link:
            return None
        try:
            words = PageWords(self._r.memory, page)
            links = [
                block
                for block in page.blocks()
                if decode(words[block], page.address, page.keys) == damage.link
            ]
        except MemoryFault:
            return None
        return links[0] if len(links) == 1 else None

    def _writers(self, damage: Damage) -> Iterator[Suspect]:
        """Blocks in which a run of the same word begins that goes on into the next block: written
        past their ends.
        """
        page = damage.page
        if not damage.word:
            return
        try:
            words = memoryview(self._r.memory.read(page.start, page.end - page.start)).cast("Q")
        except MemoryFault:
            return
        step = page.block_size // 8
        crossings = [
            at for at in range(step, len(words), step) if words[at] == words[at - 1] == damage.word
        ]
        for at in crossings[:MAX_CROSSINGS]:
            first = at
            while first and words[first - 1] == damage.word:
                first -= 1
            if at - first <= step:
                # Not one that only hands on what came from the block before.
                yield self._suspect(page, page.block(first // step), "runs over")

    def _word(self, address: int) -> int:
        return int.from_bytes(self._r.memory.read(address, 8), "little")

    def _counts(self, page: Page) -> list[Evidence]:
        layout = self._r.layout.struct("mi_page_t")
        lengths = self._r.free_lists.of(page).lengths
        listed = tuple(Claim("on-list", count=n, list=name) for name, n in lengths.items())
        return [
            Evidence(
                Claim("page-capacity"), page.address + layout.offset("capacity"), page.capacity
            ),
            Evidence(Claim("page-used"), page.address + layout.offset("used"), page.used),
            Evidence(
                Claim("blocks-listed", lists=listed),
                page.address + layout.offset("free"),
                page.free,
                broken=True,
            ),
        ]

    def _suspects(self, page: Page, block: int, flaw: Flaw) -> Iterator[Suspect]:
        is_sound_link = flaw in (Flaw.CYCLE, Flaw.TWICE)
        yield self._suspect(page, block, "freed twice" if is_sound_link else "itself")
        if page.index(block) > 0 and not is_sound_link:
            yield self._suspect(page, block - page.block_size, "before")

    def _suspect(self, page: Page, block: int, role: str) -> Suspect:
        address = block + (self._r.before(page) if page.tag != MEM else self._r.data(block) - block)
        verdict = (
            self._judge.block(address) if page.tag == MEM else self._judge.address(address, None)
        ).verdict
        kind = None
        if page.tag != MEM and self._r.mimalloc.domain(page) in DOMAINS:
            try:
                kind = self._r.objects.type_name_left(self._r.objects.header(address).ob_type)
            except MemoryFault:
                kind = None
        return Suspect(address, kind, verdict, role)

    # --- CPython's freelists --------------------------------------------------------------------

    def freelists(self) -> Iterator[Corruption]:
        """Every freelist of CPython's whose links do not hold, or that has a block which the
        allocator has too.
        """
        for broken in self._r.freelists.broken:
            yield self._broken_freelist(broken)
        for member, cached in self._r.freelists.members.items():
            page = self._r.mimalloc.page_of(member)
            if page is None:
                if is_object_list(cached.list) and self._is_in_no_page(member):
                    reason = Evidence(
                        Claim("freelist-has-stray", list=cached.list),
                        cached.place,
                        member,
                        broken=True,
                    )
                    yield Corruption(
                        None,
                        Claim("freelist-damaged", list=cached.list, owner=owner(cached)),
                        (reason,),
                        member,
                    )
                continue
            block = page.block(page.index(member))
            on = self._r.free_lists.of(page).where.get(block)
            if on:
                evidence = (
                    Evidence(Claim("freelist-has-it", list=cached.list), cached.place, member),
                    Evidence(
                        Claim("page-list-has-it", list=on, page=Address(page.address)),
                        block,
                        None,
                        member,
                        broken=True,
                    ),
                )
                yield Corruption(
                    None,
                    Claim("cached-and-freed", address=Address(member), list=cached.list),
                    evidence,
                    member,
                )

    def _is_in_no_page(self, address: int) -> bool:
        """Whether no page can be at the address, as opposed to one that cannot be found.

        The pages of a segment whose header was overwritten cannot be found: a freelist with a
        block of theirs is not damaged by that.
        """
        segment = self._r.mimalloc.segment_of(address)
        if segment is not None:
            return segment.is_intact
        mapping = self._r.places.mapping(address)
        boundary = address & ~SEGMENT_MASK
        if mapping is None or boundary < mapping[0]:
            return True
        try:
            header = self._r.memory.read(boundary, self._r.layout.offset("mi_segment_t", "slices"))
        except MemoryFault:
            return True
        return not any(header)

    def _broken_freelist(self, broken: BrokenFreelist) -> Corruption:
        evidence = (
            Evidence(
                Claim("freelist-flaw", list=broken.list, reason=broken.reason),
                broken.place,
                broken.word,
                broken=True,
            ),
            Evidence(
                Claim("looks-like", what=self.looks_like(broken.word)),
                broken.place,
                broken.word,
            ),
        )
        title = Claim(
            "freelist-damaged-by", list=broken.list, owner=owner(broken), reason=broken.reason
        )
        return Corruption(None, title, evidence)

    # --- guard bytes ----------------------------------------------------------------------------

    def overruns(self, page: Page) -> Iterator[Corruption]:
        """Blocks in use of a page that were written past their ends, as the debug hooks' guard
        bytes show.
        """
        if not self._r.hooks or page.block_size > MAX_HOOKED_BLOCK or self._r.mimalloc.is_raw(page):
            return
        free = self._r.free_lists.of(page).where
        try:
            data = self._r.memory.read(page.start, page.end - page.start)
        except MemoryFault:
            return
        for block in page.blocks():
            at = block - page.start
            hooks = read_hooks(data[at : at + page.block_size]) if block not in free else None
            if hooks is None or not hooks.overrun or hooks.api is None or hooks.size is None:
                continue
            end = block + HEADER + hooks.size
            word = self._word(end)
            # Behind the guard bytes nothing tells how far it went.
            at_least = hooks.overrun == TRAILER
            suspect = self._suspect(page, block, "itself")
            evidence = (
                Evidence(
                    Claim("block-is", verdict=suspect.verdict.value, type=suspect.type),
                    suspect.address,
                    None,
                    suspect.address,
                ),
                Evidence(Claim("bytes-requested", size=hooks.size), block, self._word(block)),
                Evidence(
                    Claim("guard-overwritten", count=hooks.overrun, at_least=at_least),
                    end,
                    word,
                    block + HEADER,
                    broken=True,
                ),
            )
            title = Claim(
                "block-overrun",
                type=suspect.type,
                block=Address(block),
                count=hooks.overrun,
                at_least=at_least,
                size=hooks.size,
            )
            is_snapshot = any(stop.guarding for stop in self._r.stops)
            yield Corruption(None, title, evidence, block, (suspect,), is_snapshot)

    # --- what a word looks like -----------------------------------------------------------------

    def looks_like(self, word: int) -> Claim:
        """What an overwriting word seems to be: a fill, a pointer and to what, text, a number, a
        reference count.
        """
        if word == 0:
            return Claim("cleared-field")
        fill = fills.fill_of(word)
        if fill is not None:
            return Claim("debug-fill", fill=Address(fill))
        thread = self._r.runtime.by_tid(word)
        if thread:
            return Claim("thread-identifier", lwp=thread.native_thread_id)
        pointer = self._pointer(word)
        if pointer:
            return pointer
        if text_in_word(word):
            return Claim("text")
        if word < SMALL_NUMBER:
            return Claim("small-number", number=word)
        if word >> 32 == 0xFFFF_FFFF:
            return Claim("small-negative-number", number=word - (1 << 64))
        (number,) = struct.unpack("<d", struct.pack("<Q", word))
        if PLAUSIBLE_FLOAT[0] < abs(number) < PLAUSIBLE_FLOAT[1]:
            return Claim("float-number")
        return Claim("unknown-word")

    def _pointer(self, word: int) -> Claim | None:
        judged = self._judge.address(word & ~7, None)
        info = self._r.objects.type_of(word & ~7)
        if (
            judged.verdict in (Verdict.UNMAPPED, Verdict.NULL, Verdict.POISONED, Verdict.UNKNOWN)
            and judged.block is None
        ):
            return None
        if info and not judged.verdict.is_dead and judged.verdict is not Verdict.FOREIGN:
            kind = self._r.objects.type_info(word & ~7)
            if kind:
                return Claim("pointer-to-type", type=kind.name)
            return Claim("pointer-to-object", type=info.name)
        if judged.reason is not None and judged.reason.kind in LOCATIONS:
            return Claim("pointer-located", location=judged.reason)
        return Claim("pointer-to-memory", verdict=judged.verdict.value)
