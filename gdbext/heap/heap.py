"""The room's door: verdicts on addresses, and walks over the whole heap.

Example:
    >>> heap = Heap(memory, layout, runtime, regions=debugger.regions())
    >>> heap.judge(0x200000AFF10, "types.UnionType").verdict
    <Verdict.FREED: 'freed'>
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gdbext.debuggers.base import Memory, Region
from gdbext.heap.activity import ThreadStop, collections
from gdbext.heap.census import Census, to_array
from gdbext.heap.judge import Judge
from gdbext.heap.pages import Page
from gdbext.heap.records import Records
from gdbext.interpreter.runtime import Runtime
from gdbext.layout.layout import Layout
from gdbext.model import Liveness, Verdict
from gdbext.objects.objects import Objects


class Heap:
    """One process's heap.

    ``hooks``: whether CPython's debug hooks are on; by default the runtime is asked.  ``regions`` is the map of memory:
    with it exited threads' memory is found too, and addresses outside the heap get a name.  ``stops`` gives what the
    threads were doing, and is asked only where a block is in no regular state.
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

    def judge(self, address: int, expected_type: str | None = None) -> Liveness:
        """Whether the object that a program uses at this address (as ``PyObject *``) is alive.

        ``expected_type`` is the ``tp_name`` of what the program takes it for (``object``: any).
        """
        return self._judge.address(address, expected_type)

    def judge_block(self, address: int) -> Liveness:
        """Whether the memory that a raw pointer leads into is allocated: a list's array, a dict's keys, or inside of one."""
        return self._judge.block(address)

    def judge_many(self, addresses: Sequence[int]) -> list[Verdict]:
        """The verdicts on many addresses, in their order; at a million a second."""
        return self._census.judge_many(to_array(addresses))

    def pages(self) -> Iterator[Page]:
        """Every page in use: of the threads, of exited threads, and of mimalloc's default heaps."""
        return self.records.mimalloc.pages()
