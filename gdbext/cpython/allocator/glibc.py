"""glibc's malloc: which parts of its heaps are free (malloc/malloc.c and malloc/arena.c of glibc).

A heap is one chunk after the other, each with its size before the user's bytes; the lowest bit of
the *next* chunk's size says whether a chunk is in use.  The main heap fills its region from the
start.  Others are aligned to 64 MiB and start with a ``heap_info``, which the arena's own state may
follow.  Small freed chunks in thread caches count as in use.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import NamedTuple

from gdbext.target.protocol import Memory, MemoryFault, Region

FLAGS = 7
PREVIOUS_IN_USE = 1
SMALLEST = 32
HEADER = 16
ALIGNMENT = 16
"""What malloc() hands out is a multiple of it."""
HEAP_ALIGNMENT = 1 << 26
# A heap_info has 32 to 48 bytes, a malloc_state some 2200.
FIRST_CHUNK_WITHIN = 0xA00
MAX_HEAP = 1 << 29
MAX_CHUNKS = 1 << 22
# A chain so short that it reaches the end may do so by accident.
LEAST_CHUNKS = 2


class Chunk(NamedTuple):
    """A chunk of a heap whose chunks lead to its end; ``size`` is what its user has at most."""

    size: int
    in_use: bool


def chunk_at(memory: Memory, region: Region, pointer: int) -> Chunk | None:
    """The chunk whose user's bytes begin at that address; None where no heap has one there."""
    heap = _heap(memory, region)
    if heap is None:
        return None
    words, chunks = heap
    at = pointer - HEADER - region.start
    if at not in chunks or at == chunks[-1]:
        return None
    size = words[at // 8 + 1] & ~FLAGS
    return Chunk(size - 8, bool(words[(at + size) // 8 + 1] & PREVIOUS_IN_USE))


def chunk_around(memory: Memory, region: Region, pointer: int) -> Chunk | None:
    """The chunk of a sound heap in whose middle the address lies; None where one begins there.

    What was not handed out yet counts as free.
    """
    heap = _heap(memory, region)
    if heap is None:
        return None
    words, chunks = heap
    at = pointer - HEADER - region.start
    index = bisect.bisect_right(chunks, at) - 1
    if index < 0 or chunks[index] == at:
        return None
    start = chunks[index]
    size = words[start // 8 + 1] & ~FLAGS
    is_last = index == len(chunks) - 1
    in_use = not is_last and bool(words[(start + size) // 8 + 1] & PREVIOUS_IN_USE)
    return Chunk(size - 8, in_use)


def free_parts(memory: Memory, region: Region) -> list[tuple[int, int]]:
    """[start, end) of the free chunks' contents, if the region is a heap of glibc's; else nothing.

    It is one only if its chunks, size by size, lead exactly to its end.
    """
    heap = _heap(memory, region)
    if heap is None:
        return []
    return [(region.start + start, region.start + end) for start, end in _free(*heap)]


def _heap(memory: Memory, region: Region) -> tuple[memoryview, list[int]] | None:
    """The words of a region, and the offsets of the chunks that lead to its end."""
    size = region.end - region.start
    if not region.writable or size > MAX_HEAP or (region.path and region.path != "[heap]"):
        return None
    try:
        words = memoryview(memory.read(region.start, size)).cast("Q")
    except MemoryFault:
        return None
    chains = (_chain(words, first) for first in _first_chunks(region, words))
    return next(((words, chunks) for chunks in chains if chunks is not None), None)


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


def _free(words: memoryview, chunks: list[int]) -> Iterator[tuple[int, int]]:
    for chunk, following in zip(chunks, [*chunks[1:], None]):
        if following is None:
            # The last one is the top: what has not been handed out yet.
            yield chunk + HEADER, len(words) * 8
        elif not words[following // 8 + 1] & PREVIOUS_IN_USE:
            yield chunk + HEADER, following
