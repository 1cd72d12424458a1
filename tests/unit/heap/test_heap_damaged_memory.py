"""Whatever stands in memory, the room answers: no exception, no endless walk."""

from __future__ import annotations

import random
import struct

import pytest

from gdbext.cpython.allocator.heap import Heap
from gdbext.cpython.layout.layout import Layout
from gdbext.model import Liveness, Verdict
from gdbext.target.protocol import MemoryFault
from unit.heap.heap_world import GC, GC_PRE, KINDS, MEM, OBJECT, SEGMENT, SLICE, HeapWorld

INTERESTING = (
    0,
    1,
    2,
    3,
    7,
    8,
    0xFFFF,
    0xFFFF_FFFF,
    0x7FFF_FFFF,
    (1 << 63) - 1,
    1 << 63,
    (1 << 64) - 1,
    0xDDDD_DDDD_DDDD_DDDD,
)


def inhabited(version: str, flavour: str) -> tuple[HeapWorld, list[int]]:
    world = HeapWorld(version, flavour)
    world.objects_world.new_class("Plain")
    addresses = []
    for tag, name in ((GC, "list"), (GC_PRE, "Plain"), (OBJECT, "str")):
        page = world.page(tag, 384)
        made = [page.object(name, ob_gc_bits=1) for _ in range(20)]
        for address in made[::3]:
            page.free(address)
        for address in made[1::5]:
            page.free(address, "xthread_free")
        addresses += made
    addresses.append(world.page(MEM, 384).take())
    world.write()
    return world, addresses


def open_heap(world: HeapWorld) -> Heap:
    return Heap(
        world.memory,
        world.layout,
        world.runtime,
        regions=sorted(world.regions, key=lambda region: region.start),
    )


def ask_everything(heap: Heap, addresses: list[int]) -> None:
    for address in addresses:
        assert isinstance(heap.judge(address, "list"), Liveness)
        assert isinstance(heap.judge_block(address), Liveness)
    assert len(heap.judge_many(addresses)) == len(addresses)
    for page in heap.pages():
        heap.free_list_health(page)
    heap.freelist_health()
    heap.scan()
    heap.orphans()
    heap.referrers(addresses[1])


@pytest.mark.parametrize("seed", range(60))
def test_overwritten_words_never_raise(seed: int) -> None:
    chance = random.Random(seed)
    world, addresses = inhabited(*chance.choice(KINDS))
    headers = world.info_slices * SLICE
    areas = [
        (SEGMENT, 600),
        (
            SEGMENT + world.layout.offset("mi_segment_t", "slices"),
            8 * world.layout.size("mi_page_t"),
        ),
        (SEGMENT + headers, 4 * SLICE),
        (world.threads[0].address, world.layout.size("_PyThreadStateImpl")),
        (world.threads[1].address, world.layout.size("_PyThreadStateImpl")),
    ]
    pool = [
        *INTERESTING,
        *addresses,
        *(page.header for page in world.pages),
        *(page.start for page in world.pages),
    ]
    for _ in range(chance.choice([1, 10, 300])):
        start, size = chance.choice(areas)
        word = chance.choice(pool) if chance.random() < 0.7 else chance.getrandbits(64)
        place = start + chance.randrange(size // 8) * 8
        world.memory.write(place, struct.pack("<Q", word))
    ask_everything(open_heap(world), addresses)


@pytest.mark.parametrize("missing", [SEGMENT, 0x5510_0000_0000, 0x5520_0000_0000, 0x5500_0000_0000])
def test_missing_memory_never_raises(missing: int) -> None:
    world, addresses = inhabited("3.13.5", "release")
    del world.memory.segments[missing]
    ask_everything(open_heap(world), addresses)


def test_an_unknown_python_is_unknown() -> None:
    world, addresses = inhabited("3.13.5", "release")
    known = dict(world.layout._table)
    for name in ("mi_segment_t", "mi_page_t", "_PyThreadStateImpl"):
        layout = Layout(
            lambda name: None, world.layout.offsets, {k: v for k, v in known.items() if k != name}
        )
        heap = Heap(world.memory, layout, world.runtime)
        assert heap.judge(addresses[1]).verdict is Verdict.UNKNOWN
        ask_everything(heap, addresses)


def test_a_page_full_of_one_endless_list() -> None:
    world, addresses = inhabited("3.13.5", "release")
    page = world.pages[0]
    for index in range(page.capacity):
        world.memory.write_word(page.block(index), page.block((index + 1) % page.capacity))
    ask_everything(open_heap(world), addresses)
    with pytest.raises(MemoryFault):
        world.memory.read(0, 8)
