"""A small mimalloc in fake memory, of either generation: a segment, threads' heaps, pages whose
lists are written as they are.

>>> world = HeapWorld()
>>> page = world.page(GC, 64)
>>> lst = page.object("list")
>>> world.heap().judge(lst).verdict
<Verdict.LIVE: 'live'>
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fakes import FakeMemory
from gdbext.cpython.allocator.activity import ThreadStop
from gdbext.cpython.allocator.heap import Heap
from gdbext.cpython.allocator.page_free_lists import encode
from gdbext.cpython.allocator.pages import GC, GC_PRE, MEM, OBJECT
from gdbext.cpython.fills import FREED, GUARD
from gdbext.cpython.interpreter.runtime import Interpreter, Runtime, ThreadState
from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.types import HAVE_GC
from gdbext.target.protocol import Region
from unit.objects.object_world import BUILTINS, HEAP, SIZE, VERSIONS, World

SEGMENT = 0x300_0000_0000
SLICE = 1 << 16
SLICES = 24
"""How many slices of a segment are really there."""
COOKIE = 0x5EED_5EED_5EED_5EED
KEYS = (0x1234_5678_9ABC_DEF1, 0x0FED_CBA9_8765_4321)
RUNTIME, INTERPRETER, STATES = 0x5500_0000_0000, 0x5510_0000_0000, 0x5520_0000_0000
STACKS = 0x7F00_0000_0000
MAIN_TID, OTHER_TID = STACKS + 0xF940, STACKS + 0x2_F940
KINDS = [(version, flavour) for version in VERSIONS for flavour in ("release", "debug")]
IDS = [f"{version}-{flavour}" for version, flavour in KINDS]
WITHOUT_GC = (
    "int",
    "bool",
    "float",
    "complex",
    "str",
    "bytes",
    "bytearray",
    "NoneType",
    "ellipsis",
    "object",
)
API = {MEM: b"m", OBJECT: b"o", GC: b"o", GC_PRE: b"o"}


@dataclass
class FakePage:
    """One page; blocks are handed out in order, and freed by putting them on a list by hand.

    ``write`` puts it in memory.
    """

    world: HeapWorld
    number: int
    slices: int
    tag: int
    block_size: int
    heap: int
    start: int
    capacity: int
    reserved: int
    segment: int = SEGMENT
    next_block: int = 0
    lists: dict[str, list[int]] = field(
        default_factory=lambda: {"free": [], "local_free": [], "xthread_free": []}
    )
    used: int | None = None
    qsbr_goal: int = 0

    @property
    def header(self) -> int:
        world = self.world
        return (
            self.segment
            + world.layout.offset("mi_segment_t", "slices")
            + self.number * world.layout.size("mi_page_t")
        )

    @property
    def before(self) -> int:
        return (16 if self.world.hooks else 0) + (16 if self.tag == GC_PRE else 0)

    def block(self, index: int) -> int:
        return self.start + index * self.block_size

    def take(self) -> int:
        """The next block that was never handed out."""
        self.next_block += 1
        assert self.next_block <= self.capacity
        return self.block(self.next_block - 1)

    def object(self, type_name: str, **header: int) -> int:
        """A new object in the next block."""
        block = self.take()
        if self.world.hooks:
            self.guard(block)
        address = block + self.before
        self.world.objects_world.header(
            address, self.world.types[type_name], ob_tid=self.world.tid_of(self.heap), **header
        )
        return address

    def guard(self, block: int, size: int | None = None) -> None:
        """The debug hooks around a block whose user asked for ``size`` bytes."""
        room = self.block_size - 24 - (8 if self.world.encodes else 0)
        size = room if size is None else size
        guard = bytes([GUARD])
        self.world.memory.write(block, struct.pack(">Q", size) + API[self.tag] + guard * 7)
        self.world.memory.write(block + 16 + size, guard * 8)

    def free(self, address: int, on: str = "local_free", *, died: bool = True) -> None:
        """Give the block back that an address lies in, as its owner (``local_free``) or another
        thread (``xthread_free``).
        """
        block = self.start + (address - self.start) // self.block_size * self.block_size
        if died and self.tag != MEM:
            self.world.objects_world.set(
                "PyObject", block + self.before, ob_ref_local=0, ob_ref_shared=0, ob_gc_bits=0
            )
        if self.world.hooks:
            kept = {MEM: 16, GC_PRE: 56}.get(self.tag, 40)
            self.world.memory.write(block + 8, bytes([FREED]) * 8)
            self.world.memory.write(block + kept, bytes([FREED]) * (self.block_size - kept))
        self.lists[on].insert(0, block)

    def write(self) -> None:
        """Write the page's header, and the links of its lists."""
        world = self.world
        listed = len(self.lists["free"]) + len(self.lists["local_free"])
        # What was not taken yet is on the free list too, at its end.
        fresh = [self.block(index) for index in range(self.next_block, self.capacity)]
        lists = {
            name: [*blocks, *(fresh if name == "free" else [])]
            for name, blocks in self.lists.items()
        }
        used = self.capacity - listed - len(fresh) if self.used is None else self.used
        keys = KEYS if world.encodes else None
        for blocks in lists.values():
            for block, following in zip(blocks, [*blocks[1:], 0]):
                world.memory.write_word(block, encode(following, self.header, keys))
        values = {
            "slice_count": self.slices,
            "slice_offset": 0,
            "is_committed": 1,
            "capacity": self.capacity,
            "reserved": self.reserved,
            "used": used,
            "free": lists["free"][0] if lists["free"] else 0,
            "local_free": lists["local_free"][0] if lists["local_free"] else 0,
            "xthread_free": (lists["xthread_free"][0] if lists["xthread_free"] else 0) | 2,
            "xheap": self.heap,
            "use_qsbr": self.tag != MEM,
            "qsbr_goal": self.qsbr_goal,
            "debug_offset": 24,
        }
        if world.is_old:
            world.set(
                "mi_page_t",
                self.header,
                **values,
                tag=self.tag,
                xblock_size=min(self.block_size, 1 << 31),
            )
        else:
            world.set(
                "mi_page_t",
                self.header,
                **values,
                heap_tag=self.tag,
                block_size=self.block_size,
                page_start=self.start,
            )
        if keys:
            place = self.header + world.layout.offset("mi_page_t", "keys")
            world.memory.write(place, struct.pack("<QQ", *keys))


class HeapWorld:
    """Fake memory with CPython's types, two threads, and one segment that belongs to the first."""

    def __init__(
        self, version: str = "3.13.5", flavour: str = "release", hooks: bool | None = None
    ) -> None:
        self.objects_world = World(version, flavour)
        self.memory: FakeMemory = self.objects_world.memory
        self.types = self.objects_world.types
        for name in WITHOUT_GC:
            flags = self.word(
                self.types[name] + self.objects_world.layout.offset("PyTypeObject", "tp_flags")
            )
            self.objects_world.set("PyTypeObject", self.types[name], tp_flags=flags & ~HAVE_GC)
        self.version, self.flavour = version, flavour
        self.encodes = flavour == "debug"
        self.hooks = self.encodes if hooks is None else hooks
        minor = int(version.split(".")[1])
        plain = self.objects_world.layout
        self.layout = Layout(
            lambda name: None,
            DebugOffsets(RUNTIME, 3 << 24 | minor << 16, True, {}, {}),
            plain._table,
        )
        self.is_old = self.layout.has("mi_page_t", "xblock_size")
        self.pages: list[FakePage] = []
        self.regions = [Region(HEAP, HEAP + SIZE, True, "/usr/bin/python3")]
        for start, size in (
            (RUNTIME, self.layout.size("_PyRuntimeState")),
            (INTERPRETER, self.layout.size("PyInterpreterState")),
            (STATES, 1 << 18),
            (STACKS, 1 << 16),
            (STACKS + 0x2_0000, 1 << 16),
            (SEGMENT, SLICES * SLICE),
        ):
            self.map(start, size)
        self.set("_PyRuntimeState", RUNTIME, allocators__is_debug_enabled=int(self.hooks))
        self.threads = [self._thread(0, MAIN_TID, 100), self._thread(1, OTHER_TID, 101)]
        self.set(
            "PyInterpreterState",
            INTERPRETER,
            mem_free_queue__head__next=self._queue_of(INTERPRETER),
        )
        self.segments: list[int] = []
        self.stops: list[ThreadStop] = []
        self.info_slices = 2 if self.layout.size("mi_segment_t") > SLICE else 1
        self.segment(SEGMENT, MAIN_TID)

    # --- memory ---------------------------------------------------------------------------------

    def map(self, start: int, size: int, path: str | None = None) -> None:
        self.memory.map(start, size)
        self.regions.append(Region(start, start + size, True, path))

    def set(self, struct_name: str, address: int, /, **values: int) -> None:
        self.objects_world.set(struct_name, address, **values)

    def word(self, address: int) -> int:
        return int.from_bytes(self.memory.read(address, 8), "little")

    # --- threads --------------------------------------------------------------------------------

    def _thread(self, number: int, tid: int, lwp: int) -> ThreadState:
        address = STATES + number * (1 << 16)
        head = address + self.layout.offset("_PyThreadStateImpl", "mem_free_queue")
        self.memory.write_word(head, head)
        return ThreadState(address, INTERPRETER, tid, lwp, "attached", 0, 0, 0, 0, number == 0)

    def _queue_of(self, interpreter: int) -> int:
        return interpreter + self.layout.offset("PyInterpreterState", "mem_free_queue.head")

    def heap_of(self, tag: int, thread: int = 0) -> int:
        """The address of one of a thread's heaps."""
        state = self.threads[thread].address + self.layout.offset(
            "_PyThreadStateImpl", "mimalloc.heaps"
        )
        return state + tag * self.layout.size("mi_heap_t")

    def tid_of(self, heap: int) -> int:
        for thread in self.threads:
            if thread.address <= heap < thread.address + (1 << 16):
                return thread.thread_id
        return MAIN_TID

    # --- segments and pages ---------------------------------------------------------------------

    def segment(self, address: int, thread_id: int, slices: int = 512, kind: int = 0) -> None:
        """A segment's header; its pages are added by :meth:`page`."""
        self.segments.append(address)
        self.set(
            "mi_segment_t",
            address,
            cookie=COOKIE ^ address,
            segment_slices=slices,
            segment_info_slices=self.info_slices,
            slice_entries=min(slices, 512),
            kind=kind,
            thread_id=thread_id,
        )

    def page(
        self,
        tag: int,
        block_size: int,
        thread: int | None = 0,
        capacity: int | None = None,
        slices: int = 1,
        segment: int = SEGMENT,
        number: int | None = None,
    ) -> FakePage:
        """The next page of a segment.  ``thread`` None: of a thread that has exited."""
        if number is None:
            mine = [page for page in self.pages if page.segment == segment]
            number = max((page.number + page.slices for page in mine), default=self.info_slices)
        start = segment + number * SLICE
        if self.is_old:
            start += 3 * block_size if block_size <= 64 else block_size if block_size <= 512 else 0
        reserved = (segment + (number + slices) * SLICE - start) // block_size
        heap = 0 if thread is None else self.heap_of(tag, thread)
        capacity = min(reserved, 40) if capacity is None else capacity
        page = FakePage(
            self, number, slices, tag, block_size, heap, start, capacity, reserved, segment
        )
        self.pages.append(page)
        return page

    def write(self) -> None:
        """Everything that is kept in Python so far, put in memory."""
        stride = self.layout.size("mi_page_t")
        for segment in self.segments:
            slices = segment + self.layout.offset("mi_segment_t", "slices")
            mine = sorted(
                (page for page in self.pages if page.segment == segment),
                key=lambda page: page.number,
            )
            total = self.word(segment + self.layout.offset("mi_segment_t", "segment_slices"))
            at = self.info_slices
            for page in [*mine, None]:
                gap = (page.number if page else total) - at
                if gap:
                    self.set("mi_page_t", slices + at * stride, slice_count=gap, slice_offset=0)
                if page:
                    page.write()
                    at = page.number + page.slices
            self.set("mi_segment_t", segment, used=len(mine))
        for thread in range(len(self.threads)):
            for tag in range(4):
                heap = self.heap_of(tag, thread)
                queues = heap + self.layout.offset("mi_heap_t", "pages")
                headers = [p.header for p in self.pages if p.heap == heap]
                for header, following in zip(headers, [*headers[1:], 0]):
                    self.set("mi_page_t", header, next=following)
                self.memory.write_word(queues + 24, headers[0] if headers else 0)

    @property
    def runtime(self) -> Runtime:
        return Runtime(RUNTIME, (Interpreter(INTERPRETER, 0, False, tuple(self.threads)),))

    def heap(
        self,
        regions: Sequence[Region] | None = None,
        stops: Callable[[], Sequence[ThreadStop]] | None = None,
    ) -> Heap:
        """Write all, and look at it as a heap."""
        self.write()
        found = (
            sorted(self.regions, key=lambda region: region.start) if regions is None else regions
        )
        return Heap(
            self.memory,
            self.layout,
            self.runtime,
            regions=found,
            stops=stops or (lambda: self.stops),
        )


__all__ = [
    "BUILTINS",
    "GC",
    "GC_PRE",
    "IDS",
    "KEYS",
    "KINDS",
    "MEM",
    "OBJECT",
    "SEGMENT",
    "SLICE",
    "FakePage",
    "HeapWorld",
]
