"""Memory and objects that wait: for QSBR, for their owner to merge their refcounts, or to be
deallocated by the trashcan.

From CPython's Objects/obmalloc.c (``_mem_work_chunk``), Python/qsbr.c, Python/brc.c,
Include/internal/pycore_object_stack.h and Objects/object.c (the trashcan's ``delete_later``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gdbext.cpython.interpreter.runtime import Runtime, ThreadState
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault

STATE = "_PyThreadStateImpl"
MAX_CHUNKS = 1 << 16
MAX_TRASH = 1 << 20
ITEM_SIZE = 16


@dataclass(frozen=True)
class DelayedFree:
    """A pointer that is freed once every thread has passed a quiescent state.

    ``place`` is the address of the queue's entry, ``thread`` whose queue it is (None: the
    interpreter's, left by a thread that has exited).  ``is_decref``: not memory to free but an
    object to drop a reference to (3.14 and later).
    """

    place: int
    goal: int
    thread: ThreadState | None
    is_decref: bool


@dataclass(frozen=True)
class Merge:
    """An object whose refcounts the owning ``thread`` was asked to merge; the entry holds one
    reference.
    """

    place: int
    thread: ThreadState


class Queues:
    """All queues of a process, read once; each maps an address to its entry.

    ``broken`` says which could not be followed.
    """

    def __init__(self, memory: Memory, layout: Layout, runtime: Runtime) -> None:
        self._memory = memory
        self._layout = layout
        self.broken: list[str] = []
        self.delayed: dict[int, DelayedFree] = {}
        self.decrefs: dict[int, DelayedFree] = {}
        self.merges: dict[int, Merge] = {}
        self.trash: dict[int, ThreadState] = {}
        # In 3.13 the tag marks a block of the object domain, from 3.14 on a reference to drop.
        self._tag_is_decref = layout.offsets is not None and layout.offsets.minor >= 14
        for interpreter in runtime.interpreters:
            self._guard(
                f"interpreter {interpreter.id}'s delayed frees",
                self._read_interpreter,
                interpreter.address,
            )
        for thread in runtime.threads:
            name = f"thread state {thread.address:#x}"
            self._guard(f"{name}'s delayed frees", self._read_delayed, thread)
            self._guard(f"{name}'s merge queue", self._read_merges, thread)
            self._guard(f"{name}'s trashcan", self._read_trash, thread)

    def _guard(self, name: str, read: object, argument: object) -> None:
        assert callable(read)
        try:
            read(argument)
        except UnknownLayout:
            return
        except MemoryFault as fault:
            self.broken.append(f"{name}: {fault}")

    # --- QSBR -----------------------------------------------------------------------------------

    def _read_interpreter(self, interpreter: int) -> None:
        self._chunks(
            interpreter + self._layout.offset("PyInterpreterState", "mem_free_queue.head"), None
        )

    def _read_delayed(self, thread: ThreadState) -> None:
        self._chunks(thread.address + self._layout.offset(STATE, "mem_free_queue"), thread)

    def _chunks(self, head: int, thread: ThreadState | None) -> None:
        layout = self._layout.struct("_mem_work_chunk")
        array = layout.field("array")
        node = self._word(head)
        seen = {head, 0}
        while node not in seen:
            if len(seen) > MAX_CHUNKS:
                self.broken.append(f"the delayed frees at {head:#x} do not end")
                return
            seen.add(node)
            chunk = node - layout.offset("node")
            data = self._memory.read(chunk, layout.size)
            first, last = (
                int.from_bytes(data[layout.offset(f) : layout.offset(f) + 8], "little")
                for f in ("rd_idx", "wr_idx")
            )
            if not first <= last <= array.size // ITEM_SIZE:
                self.broken.append(
                    f"the chunk of delayed frees at {chunk:#x} counts from {first} to {last}"
                )
                return
            for number in range(first, last):
                at = array.offset + ITEM_SIZE * number
                pointer, goal = struct.unpack_from("<QQ", data, at)
                is_decref = bool(pointer & 1) and self._tag_is_decref
                entry = DelayedFree(chunk + at, goal, thread, is_decref)
                (self.decrefs if is_decref else self.delayed)[pointer & ~1] = entry
            node = int.from_bytes(data[layout.offset("node") : layout.offset("node") + 8], "little")
        if node == 0:
            self.broken.append(f"the delayed frees at {head:#x} are cut short")

    # --- merge queues ---------------------------------------------------------------------------

    def _read_merges(self, thread: ThreadState) -> None:
        for field in ("brc.objects_to_merge.head", "brc.local_objects_to_merge.head"):
            chunk = self._word(thread.address + self._layout.offset(STATE, field))
            for place, item in self._stack(chunk):
                self.merges[item] = Merge(place, thread)

    def _stack(self, chunk: int) -> Iterator[tuple[int, int]]:
        """(address of the entry, object) of an ``_PyObjectStack``."""
        layout = self._layout.struct("_PyObjectStackChunk")
        items = layout.field("objs")
        seen: set[int] = set()
        while chunk and chunk not in seen and len(seen) < MAX_CHUNKS:
            seen.add(chunk)
            data = self._memory.read(chunk, layout.size)
            previous, count = (
                int.from_bytes(data[layout.offset(f) : layout.offset(f) + 8], "little")
                for f in ("prev", "n")
            )
            if count > items.size // 8:
                self.broken.append(f"the chunk of objects to merge at {chunk:#x} counts {count}")
                return
            for number, item in enumerate(struct.unpack_from(f"<{count}Q", data, items.offset)):
                yield chunk + items.offset + 8 * number, item
            chunk = previous

    # --- trashcan -------------------------------------------------------------------------------

    def _read_trash(self, thread: ThreadState) -> None:
        """Objects whose deallocation was put off are linked through ``ob_tid``."""
        link = self._layout.offset("PyObject", "ob_tid")
        item = thread.delete_later or 0
        while item and item not in self.trash and len(self.trash) < MAX_TRASH:
            self.trash[item] = thread
            item = self._word(item + link)

    def _word(self, address: int) -> int:
        return int.from_bytes(self._memory.read(address, 8), "little")
