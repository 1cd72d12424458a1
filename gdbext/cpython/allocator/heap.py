"""What other packages ask: verdicts on addresses, and walks over the whole heap.

Example:
    >>> heap = Heap(memory, layout, runtime, regions=debugger.regions())  # doctest: +SKIP
    >>> heap.judge(0x200000AFF10, "types.UnionType").verdict  # doctest: +SKIP
    <Verdict.FREED: 'freed'>
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from gdbext.cpython.allocator.activity import ThreadStop, collections
from gdbext.cpython.allocator.census import Census, to_array
from gdbext.cpython.allocator.health import Corruption, Health
from gdbext.cpython.allocator.judge import Judge
from gdbext.cpython.allocator.looks import holds_objects
from gdbext.cpython.allocator.memory_records import Records
from gdbext.cpython.allocator.pages import DOMAINS, MEM, Page
from gdbext.cpython.allocator.pointer_holders import Holder, HolderSearch
from gdbext.cpython.allocator.sweep import Progress, Sweep
from gdbext.cpython.interpreter.runtime import Runtime
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Claim, Evidence, Liveness, Verdict
from gdbext.target.protocol import Memory, MemoryFault, Region

if TYPE_CHECKING:
    from gdbext.cpython.allocator.orphans import Orphans
    from gdbext.cpython.allocator.referrers import Referrers
    from gdbext.cpython.allocator.scan import ScanResult

MOST_KEPT = 1 << 14
"""Verdicts that are remembered."""


class Heap:
    """One process's heap.

    ``hooks``: whether CPython's debug hooks are on; by default the runtime is asked.  ``regions``
    is the map of memory: with it exited threads' memory is found too, and addresses outside the
    heap get a name.  ``stops`` gives what the threads were doing, and is asked only where a block
    is in no regular state.
    """

    def __init__(
        self,
        memory: Memory,
        layout: Layout,
        runtime: Runtime,
        objects: Objects | None = None,
        regions: Sequence[Region] = (),
        hooks: bool | None = None,
        stops: Callable[[], Sequence[ThreadStop]] | None = None,
    ) -> None:
        if objects is None:
            is_collecting = any(c.is_collecting for c in collections(memory, layout, runtime))
            objects = Objects(memory, layout, is_collecting=is_collecting)
        self.records = Records(memory, layout, runtime, objects, regions, hooks, stops)
        self._judge = Judge(self.records)
        self._census = Census(self.records, self._judge)
        self._health = Health(self.records, self._judge)
        self._holders = HolderSearch(self.records, self._judge)
        self._judged: dict[tuple[int, str | None], Liveness] = {}

    def judge(self, address: int, expected_type: str | None = None) -> Liveness:
        """Whether the object that a program uses at this address (as ``PyObject *``) is alive.

        ``expected_type`` is the ``tp_name`` of what the program takes it for (``object``: any).
        """
        wanted = address, expected_type
        if wanted not in self._judged:
            if len(self._judged) == MOST_KEPT:
                self._judged.clear()
            self._judged[wanted] = self._judge.address(address, expected_type)
        return self._judged[wanted]

    def judge_block(self, address: int) -> Liveness:
        """Whether the memory that a raw pointer leads into is allocated: a list's array, a dict's
        keys, or inside of one.
        """
        return self._judge.block(address)

    def is_raw(self, address: int) -> bool:
        """Whether the address lies in memory that objects' own data comes from (arrays, buffers),
        and no object.
        """
        page = self.page_of(address)
        return page is not None and not holds_objects(self.records, page)

    def owners(self, address: int) -> list[Evidence]:
        """Whose the block at an address is, as its page, its segment and the object in it have it;
        empty outside mimalloc.
        """
        return self._judge.owners(address)

    def judge_many(self, addresses: Sequence[int]) -> list[Verdict]:
        """The verdicts on many objects' addresses (``expected_type`` being ``object``), in their
        order; at two million a second.
        """
        return self._census.judge_many(to_array(addresses))

    def not_alive(self, addresses: Sequence[int]) -> dict[int, Verdict]:
        """The verdicts on those of many objects' addresses at which nothing lives; at three million
        a second.
        """
        unusual = self._census.unusual(to_array(addresses))
        alive = (Verdict.LIVE, Verdict.IMMORTAL)
        return {address: verdict for address, verdict in unusual.items() if verdict not in alive}

    def scan(self, progress: Progress | None = None) -> ScanResult:
        """Everything that is wrong with the heap: damaged lists, blocks without the object that
        they should have, stale slots.
        """
        from gdbext.cpython.allocator.scan import Scan

        return Scan(self.records, self._judge, self._census).run(progress)

    def referrers(self, address: int, progress: Progress | None = None) -> Referrers:
        """Who holds the address: objects, frames, registers, stacks, modules' data, queues."""
        from gdbext.cpython.allocator.referrers import ReferrerSearch

        return ReferrerSearch(self.records, address).run(progress)

    def holders(self, *addresses: int, in_arrays: bool = True) -> list[Holder] | None:
        """The living objects that have any of the addresses in a slot; None if the heap is too
        large for a quick search.

        Without ``in_arrays`` those are left out that have it in an array outside the object: lists,
        dicts and sets.
        """
        try:
            return self._holders.holders(addresses, in_arrays)
        except (MemoryFault, UnknownLayout):
            return None

    def in_modules(self, address: int) -> list[int]:
        """Where loaded files' data has the address: C's global and static variables."""
        return self._holders.in_modules(address)

    def orphans(self, progress: Progress | None = None) -> Orphans:
        """Living tracked objects that nothing in the process refers to; tuples among them with the
        unions they were made for.
        """
        from gdbext.cpython.allocator.orphans import OrphanSearch, find_unions, tie_to_unions

        result = OrphanSearch(self.records).run(progress)
        if any(orphan.items for orphan in result.found):
            result.found = tie_to_unions(
                self.records.objects, result.found, find_unions(self.records)
            )
        return result

    def free_list_health(self, page: Page) -> list[Corruption]:
        """What is wrong with the free lists of a page; empty if nothing is."""
        return list(self._health.of_pages([page]))

    def freelist_health(self) -> list[Corruption]:
        """What is wrong with CPython's own freelists."""
        return list(self._health.freelists())

    def written_into(self, address: int) -> list[Corruption]:
        """The block right before an address' own, if it was written past its end; the debug hooks'
        guard bytes show it.
        """
        page = self.page_of(address)
        if page is None:
            return []
        before = page.block(page.index(address)) - page.block_size
        return [found for found in self._health.overruns(page) if found.subject == before]

    def page_of(self, address: int) -> Page | None:
        """The page that an address lies in; None if it lies in none."""
        try:
            return self.records.mimalloc.page_of(address)
        except (MemoryFault, UnknownLayout):
            return None

    def object_around(self, address: int) -> int | None:
        """Where the object starts that the block around an address is for; None in memory that is
        for no object.
        """
        page = self.page_of(address)
        if page is None or page.tag == MEM or self.records.mimalloc.domain(page) not in DOMAINS:
            return None
        return page.block(page.index(address)) + self.records.before(page)

    def looks_like(self, word: int) -> Claim:
        """What a word that was written over another seems to be: a pointer and to what, text, a
        number, a fill.
        """
        return self._health.looks_like(word)

    def instances_of_type(self, metatype: int) -> Iterator[TypeInfo]:
        """Every type object whose own type is at ``metatype``, C's and Python's, in no order."""
        objects = self.records.objects
        at = self.records.layout.offset("PyObject", "ob_type")
        seen: set[int] = set()
        for stretch in Sweep(self.records).stretches():
            for place, _ in stretch.where({metatype}):
                address = place - at
                info = objects.type_info(address)
                if info is not None and address not in seen:
                    seen.add(address)
                    yield info

    def pages(self) -> Iterator[Page]:
        """Every page in use: of the threads, of exited threads, and of mimalloc's default heaps."""
        return self.records.mimalloc.pages()
