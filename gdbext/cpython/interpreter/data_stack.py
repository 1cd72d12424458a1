"""A thread's data stack: the chunks of memory that its Python frames are in (Python/pystate.c,
_PyThreadState_PushFrame; those of generators are in the generators).
"""

from __future__ import annotations

from gdbext.cpython.interpreter.runtime import ThreadState
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.target.protocol import Memory, MemoryFault

MAX_CHUNKS = 1_000


def data_stack(memory: Memory, layout: Layout, thread: ThreadState) -> tuple[range, ...]:
    """The addresses of each chunk, the newest first; fewer where the list is damaged."""
    chunks: list[range] = []
    try:
        place = thread.address + layout.offset("PyThreadState", "datastack_chunk")
        chunk = int.from_bytes(memory.read(place, 8), "little")
        while chunk and len(chunks) < MAX_CHUNKS:
            record = layout.record(memory, "_PyStackChunk", chunk)
            chunks.append(range(chunk, chunk + record["size"]))
            chunk = record["previous"]
    except (MemoryFault, UnknownLayout):
        pass
    return tuple(chunks)
