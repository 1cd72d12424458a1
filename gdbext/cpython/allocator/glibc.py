"""glibc's malloc: which parts of its heaps are free (malloc/malloc.c and malloc/arena.c of glibc).

A heap is one chunk after the other, each with its size before the user's bytes; the lowest bit of
the *next* chunk's size says whether a chunk is in use.  The main heap fills its region from the
start.  Others are aligned to 64 MiB and start with a ``heap_info``, which the arena's own state may
follow.  Small freed chunks in thread caches count as in use.
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.target.protocol import Memory, MemoryFault, Region

FLAGS = 7
PREVIOUS_IN_USE = 1
SMALLEST = 32
HEADER = 16
HEAP_ALIGNMENT = 1 << 26
# A heap_info has 32 to 48 bytes, a malloc_state some 2200.
FIRST_CHUNK_WITHIN = 0xA00
MAX_HEAP = 1 << 29
MAX_CHUNKS = 1 << 22
# A chain so short that it reaches the end may do so by accident.
LEAST_CHUNKS = 2


def free_parts(memory: Memory, region: Region) -> list[tuple[int, int]]:
    """[start, end) of the free chunks' contents, if the region is a heap of glibc's; else nothing.

    It is one only if its chunks, size by size, lead exactly to its end.
    """
    size = region.end - region.start
    if not region.writable or size > MAX_HEAP or (region.path and region.path != "[heap]"):
        return []
    try:
        data = memory.read(region.start, size)
    except MemoryFault:
        return []
    words = memoryview(data).cast("Q")
    for first in _first_chunks(region, words):
        chunks = _chain(words, first)
        if chunks is not None:
            return [
                (region.start + start, region.start + end)
                for start, end in _free(words, chunks, size)
            ]
    return []


def _first_chunks(region: Region, words: memoryview) -> Iterator[int]:
    """Offsets at which the first chunk may be."""
    if _is_size(words[1]):
        yield 0
    if region.start % HEAP_ALIGNMENT == 0:
        yield from (at for at in range(32, FIRST_CHUNK_WITHIN, 16) if _is_size(words[at // 8 + 1]))


def _is_size(word: int) -> bool:
    size = word & ~FLAGS
    return bool(word & PREVIOUS_IN_USE) and size >= SMALLEST and size % 16 == 0


def _chain(words: memoryview, first: int) -> list[int] | None:
    """Offsets of all chunks; None if they do not lead to the end."""
    end = len(words) * 8
    at = first
    chunks: list[int] = []
    while at < end - 8 and len(chunks) < MAX_CHUNKS:
        size = words[at // 8 + 1] & ~FLAGS
        if size < SMALLEST or size % 16 or at + size > end:
            return None
        chunks.append(at)
        at += size
    return chunks if at == end and len(chunks) >= LEAST_CHUNKS else None


def _free(words: memoryview, chunks: list[int], size: int) -> Iterator[tuple[int, int]]:
    for chunk, following in zip(chunks, [*chunks[1:], None]):
        if following is None:
            # The last one is the top: what has not been handed out yet.
            yield chunk + HEADER, size
        elif not words[following // 8 + 1] & PREVIOUS_IN_USE:
            yield chunk + HEADER, following
