"""A walk over the whole heap: broken pages, objects that cannot be, containers with dead items.

The first pass judges every block, a page at a time, and notes which are dead; the second looks for
pointers to these in living objects.  What is kept is :class:`Living`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field

from gdbext.cpython.allocator.census import Census
from gdbext.cpython.allocator.health import Corruption, Health
from gdbext.cpython.allocator.judge import Judge
from gdbext.cpython.allocator.kinds import ANY
from gdbext.cpython.allocator.living import SLICE_SHIFT, Living
from gdbext.cpython.allocator.looks import holds_objects
from gdbext.cpython.allocator.memory_records import Records
from gdbext.cpython.allocator.pages import GC, GC_PRE, Page
from gdbext.cpython.allocator.sweep import Progress, Stretch, Sweep
from gdbext.cpython.objects.types import HAVE_GC
from gdbext.frozen import dataclass
from gdbext.model import Confidence, Liveness, Slot, Verdict

MAX_FOUND = 1_000
MAX_ARRAYS = 10_000
WRONG = frozenset({Verdict.UNKNOWN, Verdict.REUSED, Verdict.POISONED})
"""Verdicts on blocks in use that no sound program has."""


@dataclass(frozen=True)
class StaleItem:
    """A living ``holder`` whose ``slot`` (at ``place``) points to an object that has gone."""

    holder: int
    type: str
    slot: Slot
    place: int
    target: Liveness
    is_snapshot: bool = False
    """Whether the holder may only be in the making: the collector does not track it yet, and its
    slots may be leftovers.
    """


@dataclass
class ScanResult:
    """What a scan found; each list has at most :data:`MAX_FOUND` entries, and ``interrupted`` says
    that it was not finished.
    """

    pages: int = 0
    objects: int = 0
    """Objects alive."""
    corruptions: list[Corruption] = field(default_factory=list)
    broken: list[Liveness] = field(default_factory=list)
    """Blocks in use of the collector's heaps that should hold an object, and do not.

    (The heap for other objects serves buffers too.)
    """
    stale: list[StaleItem] = field(default_factory=list)
    interrupted: bool = False

    @property
    def is_sound(self) -> bool:
        """Nothing is wrong but what a thread in the middle of something explains."""
        sound = all(c.is_snapshot for c in self.corruptions) and all(
            s.is_snapshot for s in self.stale
        )
        return sound and not self.broken


class Scan:
    """One walk."""

    def __init__(self, records: Records, judge: Judge, census: Census) -> None:
        self._r = records
        self._judge = judge
        self._census = census
        self._health = Health(records, judge)
        self._living = Living()
        self._arrays: dict[int, tuple[int, list[int]]] = {}
        """Blocks that are no objects' with words to dead objects in them: (size, places of the
        words).
        """

    def run(self, progress: Progress | None = None) -> ScanResult:
        """Walk.  Ctrl-C (KeyboardInterrupt) ends it with what it has so far."""
        result = ScanResult()
        try:
            self._look(result, progress)
            result.corruptions += self._health.freelists()
            for stale in self._stale(progress):
                if len(result.stale) == MAX_FOUND:
                    break
                result.stale.append(stale)
        except KeyboardInterrupt:
            result.interrupted = True
        return result

    # --- first pass -----------------------------------------------------------------------------

    def _look(self, result: ScanResult, progress: Progress | None) -> None:
        pages = list(self._r.mimalloc.pages())
        for segment in self._r.mimalloc.segments:
            for span in segment.spans:
                if not span.is_page:
                    first = (segment.address >> SLICE_SHIFT) + span.first
                    self._living.add_empty(first, span.slices)
        for number, page in enumerate(pages):
            result.pages += 1
            if len(result.corruptions) < MAX_FOUND:
                result.corruptions += self._health.of_pages([page])
                result.corruptions += self._health.overruns(page)
            if holds_objects(self._r, page):
                self._look_at(page, result)
            self._r.free_lists.forget(page)
            if progress:
                progress(number + 1, 2 * len(pages))

    def _look_at(self, page: Page, result: ScanResult) -> None:
        found = self._census.page(page)
        if found is None:
            free = self._r.free_lists.of(page).where
            starts = [block + self._r.before(page) for block in page.blocks() if block not in free]
            odd = {start: self._judge.address(start, None).verdict for start in starts}
            freed = [block + self._r.before(page) for block in free]
        else:
            odd, freed = found.odd, found.freed
        if page.tag in (GC, GC_PRE):
            for address, verdict in odd.items():
                if verdict in WRONG and len(result.broken) < MAX_FOUND:
                    judged = self._judge.address(address, None)
                    # What is only possible is a block between two states.
                    if judged.confidence is not Confidence.POSSIBLE:
                        result.broken.append(judged)
        dead = [*freed, *(address for address, verdict in odd.items() if verdict.is_dead)]
        result.objects += page.capacity - len(dead)
        self._living.add(page, self._r.before(page), dead)

    # --- second pass ----------------------------------------------------------------------------

    def _stale(self, progress: Progress | None) -> Iterator[StaleItem]:
        sweep = Sweep(self._r)
        second = (lambda done, total: progress(total + done, 2 * total)) if progress else None
        for stretch in sweep.objects(second):
            suspects = sorted(self._suspects(stretch))
            if suspects:
                yield from self._in(stretch, suspects)
        blocks = {block: size for block, (size, _) in self._arrays.items()}
        for block, owners in (sweep.pointing_into(blocks) if blocks else {}).items():
            for owner in owners:
                yield from self._slots(owner, set(self._arrays[block][1]))

    def _suspects(self, stretch: Stretch) -> Iterator[int]:
        """The places of words that are addresses of objects that have gone: in a free block, or in
        one that starts elsewhere.
        """
        living = self._living
        for column in stretch.columns(living.slices):
            gone = {word for word in living.missing(column.distinct()) if living.is_missing(word)}
            if gone:
                for index, word in zip(column.places, column.words):
                    if word in gone:
                        yield stretch.start + 8 * index

    def _in(self, stretch: Stretch, places: Iterable[int]) -> Iterator[StaleItem]:
        page = stretch.page
        if page is None:
            return
        holders: dict[int, set[int]] = {}
        for place in places:
            block = page.block(page.index(place))
            if holds_objects(self._r, page):
                holders.setdefault(block + self._r.before(page), set()).add(place)
            elif len(self._arrays) < MAX_ARRAYS:
                self._arrays.setdefault(block, (page.block_size, []))[1].append(place)
        for holder, places in holders.items():
            yield from self._slots(holder, places)

    def _slots(self, holder: int, places: set[int]) -> Iterator[StaleItem]:
        """Those of the places that are slots of the object, if it is alive itself."""
        info = self._r.objects.type_of(holder)
        if info is None:
            return
        references = [r for r in self._r.objects.children(holder) if r.slot_address in places]
        if not references or self._judge.address(holder, None).verdict not in (
            Verdict.LIVE,
            Verdict.IMMORTAL,
        ):
            return
        in_the_making = (
            info.has(HAVE_GC) and "tracked" not in self._r.objects.header(holder).gc_names
        )
        for reference in references:
            target = self._judge.address(reference.target, ANY)
            if target.verdict.is_dead:
                yield StaleItem(
                    holder,
                    info.name,
                    reference.slot,
                    reference.slot_address,
                    target,
                    in_the_making,
                )
