"""Objects that nothing refers to: what a race leaves behind when both threads make an object and
one is dropped (FT202).

An orphan is a tracked, living object with a count above zero whose address is in no block in use,
on no stack, in no register and in no other writable memory, tagged or not, nor that of a place
inside it.  Objects in a garbage cycle refer to each other and are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field

from gdbext.cpython.allocator.kinds import is_kind_of
from gdbext.cpython.allocator.looks import Selection
from gdbext.cpython.allocator.memory_records import Records
from gdbext.cpython.allocator.pages import GC, GC_PRE, SLICE_SIZE, Page
from gdbext.cpython.allocator.sweep import Progress, Stretch, Sweep
from gdbext.cpython.objects.header import Header
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.types import TypeInfo
from gdbext.frozen import dataclass

SLICE_SHIFT = SLICE_SIZE.bit_length() - 1
UNION = "types.UnionType"
UNION_STRUCT = "unionobject"


@dataclass(frozen=True)
class Orphan:
    """One object that nothing refers to.  ``items`` are a tuple's.

    ``unions`` are those whose ``__parameters__`` are an equal tuple: one of them is what it was
    made for.
    """

    address: int
    type: str
    refcount: int
    items: tuple[int, ...] = ()
    unions: tuple[int, ...] = ()


@dataclass
class Orphans:
    """What a search found.

    It is complete unless ``unread`` memory may hold references, or it was ``interrupted``.
    """

    found: list[Orphan] = field(default_factory=list)
    searched: int = 0
    """Objects that were looked for."""
    unread: list[tuple[int, int]] = field(default_factory=list)
    interrupted: bool = False


@dataclass
class _Entry:
    """The objects of one page that are looked for: one byte a block, 1 while no reference to it has
    been seen.
    """

    page: Page
    wanted: bytearray

    def index(self, address: int) -> int | None:
        offset = address - self.page.start
        return (
            offset // self.page.block_size
            if 0 <= offset < self.page.end - self.page.start
            else None
        )


class OrphanSearch:
    """Marks what is referred to; what stays unmarked is an orphan."""

    def __init__(self, records: Records) -> None:
        self._r = records
        self._entries: dict[int, _Entry] = {}
        self._slices: dict[int, _Entry] = {}

    def run(self, progress: Progress | None = None) -> Orphans:
        """Search the whole process.

        Ctrl-C (KeyboardInterrupt) ends the search; it then has found nothing for sure.
        """
        result = Orphans()
        sweep = Sweep(self._r)
        try:
            self._collect()
            result.searched = sum(sum(entry.wanted) for entry in self._entries.values())
            for address in self._held():
                self._mark(address, None)
            for stretch in sweep.stretches(progress):
                self._mark_stretch(stretch)
            result.found = list(self._unmarked())
        except KeyboardInterrupt:
            result.interrupted = True
        result.unread = sweep.unread
        return result

    # --- who is looked for ----------------------------------------------------------------------

    def _collect(self) -> None:
        selection = Selection(self._r, self._is_wanted)
        for page in self._r.mimalloc.pages():
            wanted = selection.of(page) if page.tag in (GC, GC_PRE) else []
            if wanted:
                entry = self._entries[page.address] = _Entry(page, bytearray(page.capacity))
                for address in wanted:
                    entry.wanted[page.index(address)] = 1
                for number in range(page.start >> SLICE_SHIFT, (page.end - 1 >> SLICE_SHIFT) + 1):
                    self._slices[number] = entry
            self._r.free_lists.forget(page)

    def _is_wanted(self, address: int) -> bool:
        """A tracked object that lives by its count: not an immortal one, nor one that only the
        collector frees.
        """
        header = self._r.objects.header(address)
        if header.is_immortal or header.is_deferred or header.problems or header.is_dead_shape:
            return False
        if "tracked" not in header.gc_names or "unreachable" in header.gc_names:
            return False
        return (header.refcount or 0) > 0 and self._r.objects.type_info(header.ob_type) is not None

    # --- who is referred to ---------------------------------------------------------------------

    def _held(self) -> Iterator[int]:
        """What registers hold, and queues."""
        for stop in self._r.stops:
            yield from stop.registers.values()
        yield from self._r.queues.merges
        yield from self._r.queues.decrefs
        yield from self._r.queues.trash

    def _mark(self, word: int, source: _Entry | None) -> bool:
        """Note that a word may refer to an object.

        True if it points into the page it is in: then it may be its own.
        """
        entry = self._slices.get(word >> SLICE_SHIFT)
        if entry is None:
            return False
        index = entry.index(word)
        if index is None:
            return False
        if entry is source:
            return True
        entry.wanted[index] = 0
        return False

    def _mark_stretch(self, stretch: Stretch) -> None:
        source = self._entries.get(stretch.page.address) if stretch.page else None
        own = {word for word in stretch.distinct() if self._mark(word, source)}
        if source is None or not own:
            return
        # A reference from an object to itself keeps nobody alive.
        for address, word in stretch.where(own):
            target = source.index(word)
            if target is not None and target != source.index(address):
                source.wanted[target] = 0

    # --- who is left ----------------------------------------------------------------------------

    def _unmarked(self) -> Iterator[Orphan]:
        for entry in self._entries.values():
            before = self._r.before(entry.page)
            for index, wanted in enumerate(entry.wanted):
                if wanted:
                    address = entry.page.block(index) + before
                    header = self._r.objects.header(address)
                    info = self._r.objects.type_info(header.ob_type)
                    if info is not None:
                        yield self._orphan(header, info)

    def _orphan(self, header: Header, info: TypeInfo) -> Orphan:
        items = (
            tuple(self._r.objects.tuple_items(header.address, 64))
            if info.is_subclass("tuple")
            else ()
        )
        return Orphan(header.address, info.name, header.refcount or 0, items)


def find_unions(records: Records) -> Iterator[int]:
    """Every living union."""
    objects = records.objects

    def is_union(address: int) -> bool:
        info = objects.type_of(address)
        return (
            info is not None
            and is_kind_of(objects, info, UNION)
            and not objects.header(address).is_dead_shape
        )

    selection = Selection(records, is_union)
    for page in records.mimalloc.pages():
        if page.tag == GC:
            yield from selection.of(page)


def tie_to_unions(
    objects: Objects, orphans: Sequence[Orphan], unions: Iterable[int]
) -> list[Orphan]:
    """The orphans again, tuples with the unions that they were made for.

    ``union_init_parameters`` makes the tuple of a union's type variables, and stores it: two
    threads that do so at once make two equal tuples, and one is lost (CPython's
    Objects/unionobject.c, gh-132713).
    """
    wanted = {orphan.items for orphan in orphans if orphan.items}
    owners: dict[tuple[int, ...], list[int]] = {}
    for union in unions:
        parameters = objects.pointer(UNION_STRUCT, union, "parameters")
        items = tuple(objects.tuple_items(parameters, 64)) if parameters else ()
        if items in wanted:
            owners.setdefault(items, []).append(union)
    return [
        Orphan(o.address, o.type, o.refcount, o.items, tuple(owners.get(o.items, ())))
        for o in orphans
    ]
