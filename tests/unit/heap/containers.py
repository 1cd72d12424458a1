"""Containers in the pages of a :class:`HeapWorld`: the object in one, its array in another."""

from __future__ import annotations

import struct

from unit.heap.heap_world import FakePage, HeapWorld

TRACKED = 1
"""``ob_gc_bits`` of what the collector knows."""


def new_tuple(
    world: HeapWorld, page: FakePage, *items: int, bits: int = TRACKED, **header: int
) -> int:
    address = page.object("tuple", ob_gc_bits=bits, **header)
    world.set("PyTupleObject", address, ob_size=len(items))
    world.memory.write(
        address + world.layout.offset("PyTupleObject", "ob_item"),
        struct.pack(f"<{len(items)}Q", *items),
    )
    return address


def new_list(
    world: HeapWorld,
    page: FakePage,
    arrays: FakePage,
    *items: int,
    size: int | None = None,
    bits: int = TRACKED,
) -> int:
    address = page.object("list", ob_gc_bits=bits)
    data = arrays.take() + (16 if world.hooks else 0)
    world.memory.write(data, struct.pack(f"<{len(items) + 1}Q", len(items), *items))
    world.set(
        "PyListObject",
        address,
        ob_size=len(items) if size is None else size,
        ob_item=data + 8,
        allocated=len(items),
    )
    return address


def new_dict(
    world: HeapWorld, page: FakePage, arrays: FakePage, pairs: dict[str, int]
) -> tuple[int, int]:
    """A dict, and the address of its table."""
    objects = world.objects_world
    model = objects.dict([(objects.put(key), value) for key, value in pairs.items()])
    table = arrays.take() + (16 if world.hooks else 0)
    keys = world.word(model + world.layout.offset("PyDictObject", "ma_keys"))
    world.memory.write(table, world.memory.read(keys, 256))
    address = page.object("dict", ob_gc_bits=TRACKED)
    world.set("PyDictObject", address, ma_used=len(pairs), ma_keys=table, ma_values=0)
    return address, table
