"""Which parts of glibc's heaps are free."""

from __future__ import annotations

import struct

from fakes import FakeMemory
from gdbext.cpython.allocator.glibc import free_parts
from gdbext.target.protocol import Region

START = 0x5555_0000_0000


def heap(
    *chunks: tuple[int, bool], start: int = START, first: int = 0, total: int = 4096
) -> tuple[FakeMemory, Region]:
    """Chunks of (size, whether it is in use); the rest is the top chunk."""
    memory = FakeMemory({start: bytes(total)})
    at, previous_in_use = start + first, True
    for size, in_use in (*chunks, (total - first - sum(size for size, _ in chunks), True)):
        memory.write(at + 8, struct.pack("<Q", size | previous_in_use))
        at += size
        previous_in_use = in_use
    return memory, Region(start, start + total)


def test_free_chunks_and_the_top_are_free() -> None:
    memory, region = heap((0x290, True), (0x100, False), (0x40, True))
    assert free_parts(memory, region) == [
        (START + 0x290 + 16, START + 0x390),
        (START + 0x3D0 + 16, START + 4096),
    ]


def test_a_threads_arena_starts_with_its_own_state() -> None:
    start = 0x7F00_0000_0000
    memory, region = heap(
        (0x290, True), (0x800, False), (0x30, True), start=start, first=0x8D0, total=8192
    )
    assert (start + 0x8D0 + 0x290 + 16, start + 0x8D0 + 0xA90) in free_parts(memory, region)


def test_what_does_not_add_up_is_no_heap() -> None:
    memory, region = heap((0x290, True), (0x100, False))
    memory.write(START + 0x290 + 8, struct.pack("<Q", 0x108 | 1))
    assert free_parts(memory, region) == []
    memory.write(START + 0x290 + 8, struct.pack("<Q", 0x10_0000 | 1))
    assert free_parts(memory, region) == []
    assert free_parts(memory, Region(START, START + 4096, writable=False)) == []
    assert free_parts(memory, Region(START, START + 4096, path="/lib/libc.so")) == []
    assert free_parts(memory, Region(START + 8192, START + 12288)) == []


def test_zeros_are_no_heap() -> None:
    assert free_parts(FakeMemory({START: bytes(4096)}), Region(START, START + 4096)) == []
