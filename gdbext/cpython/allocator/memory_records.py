"""All who keep record of memory, in one place, each read when it is first asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from gdbext.cpython.allocator.activity import Collection, ThreadStop, collections
from gdbext.cpython.allocator.debug_hooks import HEADER, TRAILER
from gdbext.cpython.allocator.mimalloc import Mimalloc
from gdbext.cpython.allocator.object_freelists import Freelists
from gdbext.cpython.allocator.page_free_lists import FreeLists
from gdbext.cpython.allocator.pages import GC_PRE, Page
from gdbext.cpython.allocator.places import Places
from gdbext.cpython.allocator.queues import Queues
from gdbext.cpython.interpreter.runtime import Runtime
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.types import PRE_HEADER
from gdbext.target.protocol import Memory, MemoryFault, Region

MI_PADDING = 8
"""What mimalloc's debug form puts at each block's end (``mi_padding_t``)."""


class Records:
    """One process's keepers of memory."""

    def __init__(
        self,
        memory: Memory,
        layout: Layout,
        runtime: Runtime,
        objects: Objects,
        regions: Sequence[Region] = (),
        hooks: bool | None = None,
        stops: Callable[[], Sequence[ThreadStop]] | None = None,
    ) -> None:
        self.memory = memory
        self.layout = layout
        self.runtime = runtime
        self.objects = objects
        self.regions = regions
        self.mimalloc = Mimalloc(memory, layout, runtime, regions)
        self.free_lists = FreeLists(memory, layout, self.mimalloc)
        self._hooks = hooks
        self._stops = stops

    @cached_property
    def hooks(self) -> bool:
        """Whether the debug hooks are around blocks: ``allocators.is_debug_enabled`` of the runtime
        says so.
        """
        if self._hooks is not None:
            return self._hooks
        try:
            place = self.runtime.address + self.layout.offset(
                "_PyRuntimeState", "allocators.is_debug_enabled"
            )
            return self.memory.read(place, 4) != b"\0\0\0\0"
        except (MemoryFault, UnknownLayout):
            return self.mimalloc.reader.encodes

    def before(self, page: Page) -> int:
        """How far after its block's start an object of that page starts."""
        return (HEADER if self.hooks else 0) + (PRE_HEADER if page.tag == GC_PRE else 0)

    def data(self, block: int) -> int:
        """What malloc's caller got for the block."""
        return block + (HEADER if self.hooks else 0)

    def room(self, page: Page) -> int:
        """Bytes that an object of that page may have at most."""
        after = (TRAILER if self.hooks else 0) + (MI_PADDING if self.mimalloc.reader.encodes else 0)
        return page.block_size - self.before(page) - after

    @cached_property
    def freelists(self) -> Freelists:
        """CPython's own lists of dead objects that it keeps for new ones."""
        return Freelists(self.memory, self.layout, self.runtime)

    @cached_property
    def queues(self) -> Queues:
        """Memory that waits to be freed: QSBR's queues and those of biased reference counting."""
        return Queues(self.memory, self.layout, self.runtime)

    @cached_property
    def stops(self) -> Sequence[ThreadStop]:
        """Where the threads stopped; empty if nobody said."""
        return self._stops() if self._stops else ()

    @cached_property
    def places(self) -> Places:
        """What memory outside of the heap is: a thread's stack, a file's data."""
        return Places(self.memory, self.runtime, self.regions, lambda: self.stops)

    @cached_property
    def collections(self) -> list[Collection]:
        """The state of the garbage collector of each interpreter."""
        return collections(self.memory, self.layout, self.runtime)

    @property
    def running_collection(self) -> Collection | None:
        """A garbage collection that was going on, in any interpreter."""
        return next((c for c in self.collections if c.is_collecting), None)
