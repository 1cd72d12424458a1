"""Walks over all memory: who refers to what, who is referred to by nobody, what is wrong."""

from __future__ import annotations

import struct

import pytest

from gdbext.cpython.allocator.activity import ThreadStop
from gdbext.cpython.allocator.referrers import Referrer
from gdbext.cpython.allocator.sweep import Sweep, subtract
from gdbext.model import Verdict
from gdbext.target.protocol import Region
from gdbext.wording import sentence
from unit.heap.heap_world import GC, IDS, KINDS, MEM, OBJECT, FakePage, HeapWorld

TRACKED = 1


@pytest.fixture(params=KINDS, ids=IDS)
def world(request: pytest.FixtureRequest) -> HeapWorld:
    return HeapWorld(*request.param)


@pytest.fixture
def page(world: HeapWorld) -> FakePage:
    return world.page(GC, 144)


def new_list(world: HeapWorld, page: FakePage, arrays: FakePage, *items: int) -> int:
    """A list whose array is a block of its own, as CPython has it."""
    address = page.object("list", ob_gc_bits=TRACKED)
    data = arrays.take() + (16 if world.hooks else 0)
    world.memory.write(data, struct.pack(f"<{len(items) + 1}Q", len(items), *items))
    world.set("PyListObject", address, ob_size=len(items), ob_item=data + 8, allocated=len(items))
    return address


def new_tuple(world: HeapWorld, page: FakePage, *items: int) -> int:
    address = page.object("tuple", ob_gc_bits=TRACKED)
    world.set("PyTupleObject", address, ob_size=len(items))
    world.memory.write(
        address + world.layout.offset("PyTupleObject", "ob_item"),
        struct.pack(f"<{len(items)}Q", *items),
    )
    return address


def by_kind(found: list[Referrer], kind: str) -> list[Referrer]:
    return [referrer for referrer in found if referrer.kind == kind]


# --- referrers ----------------------------------------------------------------------------------


def test_a_list_and_a_tuple_hold_it_by_index(world: HeapWorld, page: FakePage) -> None:
    arrays = world.page(MEM, 144)
    target = page.object("dict", ob_gc_bits=TRACKED)
    holder = new_tuple(world, page, target)
    lst = new_list(world, page, arrays, holder, target)
    found = world.heap().referrers(target).found
    assert [(r.holder, r.slot, r.type, r.certain) for r in by_kind(found, "object")] == [
        (holder, 0, "tuple", True),
        (lst, 1, "list", True),
    ]
    for referrer in found:
        assert referrer.place is not None
        assert world.word(referrer.place) == target
    assert world.heap().referrers(lst).found == []


def test_dead_holders_hold_nothing(world: HeapWorld, page: FakePage) -> None:
    arrays = world.page(MEM, 144)
    target = page.object("dict", ob_gc_bits=TRACKED)
    holder = new_tuple(world, page, target)
    lst = new_list(world, page, arrays, target)
    page.free(holder)
    arrays.free(arrays.block(0))
    world.set("PyListObject", lst, ob_size=0, ob_item=0)
    assert world.heap().referrers(target).found == []


def test_stacks_registers_and_modules_hold_it_as_it_seems(world: HeapWorld, page: FakePage) -> None:
    target = page.object("dict", ob_gc_bits=TRACKED)
    stack = 0x7E00_0000_0000
    world.map(stack, 4096)
    world.memory.write_word(stack + 0x808, target)
    world.memory.write_word(stack + 0x108, target)  # below the stack pointer: a leftover
    world.stops = [
        ThreadStop(100, stack_pointer=stack + 0x800, registers={"rbx": target, "rax": 5})
    ]
    data = world.objects_world.allocate(64)
    world.memory.write_word(data, target)
    found = world.heap().referrers(target).found
    assert [(r.slot, r.lwp, r.certain) for r in by_kind(found, "register")] == [("rbx", 100, False)]
    assert [(r.place, r.certain) for r in by_kind(found, "stack")] == [(stack + 0x808, False)]
    assert [(r.place, r.certain) for r in by_kind(found, "module")] == [(data, False)]
    assert not [r.text for r in found if r.place and hex(r.place) in sentence(r.text)], (
        "the place is told twice"
    )


def test_a_tagged_reference_counts(page: FakePage, world: HeapWorld) -> None:
    target = page.object("dict", ob_gc_bits=TRACKED)
    data = world.objects_world.allocate(64)
    world.memory.write_word(data, target | 1)
    assert [referrer.place for referrer in world.heap().referrers(target).found] == [data]


def test_an_owner_less_array_is_named_by_its_block(world: HeapWorld, page: FakePage) -> None:
    arrays = world.page(MEM, 144)
    target = page.object("dict", ob_gc_bits=TRACKED)
    block = arrays.take()
    world.memory.write_word(block + 24, target)
    (found,) = world.heap().referrers(target).found
    assert (found.kind, found.holder, found.certain) == ("memory", block, False)


def test_a_merge_queue_holds_its_objects(world: HeapWorld, page: FakePage) -> None:
    target = page.object("dict", ob_ref_shared=2)
    stack = world.page(MEM, 2560, capacity=2).take()
    world.set("_PyThreadStateImpl", world.threads[1].address, brc__objects_to_merge__head=stack)
    world.set("_PyObjectStackChunk", stack, n=1)
    world.memory.write_word(stack + world.layout.offset("_PyObjectStackChunk", "objs"), target)
    (found,) = by_kind(world.heap().referrers(target).found, "queue")
    assert found.certain
    assert "LWP 101" in sentence(found.text)


def test_a_walk_that_is_interrupted_gives_what_it_has(world: HeapWorld, page: FakePage) -> None:
    target = page.object("dict", ob_gc_bits=TRACKED)
    new_tuple(world, page, target)
    world.stops = [ThreadStop(100, registers={"rbx": target})]

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    heap = world.heap()
    result = heap.referrers(target, interrupt)
    assert result.interrupted
    assert by_kind(result.found, "register")
    assert heap.scan(interrupt).interrupted
    assert heap.orphans(interrupt).interrupted
    assert heap.orphans(interrupt).found == []


def test_progress_goes_from_nothing_to_all(world: HeapWorld, page: FakePage) -> None:
    page.object("dict")
    seen: list[tuple[int, int]] = []
    world.heap().scan(lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]


# --- orphans ------------------------------------------------------------------------------------


def test_what_nothing_refers_to_is_an_orphan(world: HeapWorld, page: FakePage) -> None:
    lost = new_tuple(world, page, world.types["int"])
    kept = new_tuple(world, page, world.types["int"])
    data = world.objects_world.allocate(64)
    world.memory.write_word(data, kept)
    result = world.heap().orphans()
    assert [(o.address, o.type, o.refcount, o.items) for o in result.found] == [
        (lost, "tuple", 1, (world.types["int"],))
    ]
    assert result.searched == 2
    assert not result.unread
    assert not result.interrupted


@pytest.mark.parametrize("where", ["array", "register", "stack", "inside", "tagged", "object"])
def test_any_reference_saves_it(world: HeapWorld, page: FakePage, where: str) -> None:
    arrays = world.page(MEM, 144)
    target = new_tuple(world, page, world.types["int"])
    if where == "array":
        world.memory.write_word(arrays.take() + 40, target)
    elif where == "register":
        world.stops = [ThreadStop(100, registers={"r12": target})]
    elif where == "object":
        world.memory.write_word(world.page(OBJECT, 112).object("str") + 40, target)
    else:
        offset = {"stack": 0, "inside": 24, "tagged": 1}[where]
        world.memory.write_word(world.threads[1].thread_id - 64, target + offset)
    assert world.heap().orphans().found == []


def test_a_reference_to_itself_or_from_the_dead_saves_nobody(
    world: HeapWorld, page: FakePage
) -> None:
    own = new_tuple(world, page, 0)
    world.memory.write_word(own + world.layout.offset("PyTupleObject", "ob_item"), own)
    lost = new_tuple(world, page, world.types["int"])
    dead = new_tuple(world, page, lost)
    page.free(dead)
    assert [orphan.address for orphan in world.heap().orphans().found] == [own, lost]


@pytest.mark.parametrize(
    "header",
    [
        {"ob_gc_bits": 0},
        {"ob_gc_bits": TRACKED | 64},
        {"ob_gc_bits": TRACKED, "ob_ref_local": 0},
        {"ob_gc_bits": TRACKED, "ob_ref_local": 0xFFFF_FFFF, "ob_tid": 0},
        {"ob_gc_bits": TRACKED, "ob_type": 0x1234},
    ],
)
def test_objects_that_do_not_live_by_their_count_are_not_looked_for(
    world: HeapWorld, page: FakePage, header: dict[str, int]
) -> None:
    address = new_tuple(world, page, world.types["int"])
    world.set("PyObject", address, **header)
    result = world.heap().orphans()
    assert (result.found, result.searched) == ([], 0)


def test_objects_of_a_cycle_refer_to_each_other(world: HeapWorld, page: FakePage) -> None:
    first = new_tuple(world, page, 0)
    second = new_tuple(world, page, first)
    world.memory.write_word(first + world.layout.offset("PyTupleObject", "ob_item"), second)
    assert world.heap().orphans().found == []


def test_orphaned_parameters_are_tied_to_their_union(world: HeapWorld, page: FakePage) -> None:
    variable = world.types["typing.TypeVar"]
    lost, won = new_tuple(world, page, variable), new_tuple(world, page, variable)
    args = new_tuple(world, page, variable, world.types["int"])
    unrelated = new_tuple(world, page, world.types["int"])
    union = page.object("types.UnionType", ob_gc_bits=TRACKED)
    world.set("unionobject", union, args=args, parameters=won)
    other = page.object("types.UnionType", ob_gc_bits=TRACKED)
    world.set("unionobject", other, args=args, parameters=unrelated)
    world.memory.write(world.objects_world.allocate(64), struct.pack("<2Q", union, other))
    (found,) = world.heap().orphans().found
    assert (found.address, found.items, found.unions) == (lost, (variable,), (union,))


def test_memory_that_cannot_be_read_is_told(world: HeapWorld, page: FakePage) -> None:
    new_tuple(world, page, world.types["int"])
    missing = Region(0x6000_0000_0000, 0x6000_0000_1000)
    result = world.heap(
        sorted([*world.regions, missing], key=lambda region: region.start)
    ).orphans()
    assert result.unread == [(missing.start, missing.end)]


# --- what a sweep leaves out --------------------------------------------------------------------


def test_holes_are_cut_out() -> None:
    assert list(subtract(0, 100, [])) == [(0, 100)]
    assert list(subtract(0, 100, [(0, 10), (20, 30), (90, 200)])) == [(10, 20), (30, 90)]
    assert list(subtract(50, 100, [(0, 60), (55, 70), (200, 300)])) == [(70, 100)]
    assert list(subtract(50, 100, [(0, 200)])) == []
    assert list(subtract(50, 100, [(40, 45), (46, 60)])) == [(60, 100)]


def test_a_sweep_sees_each_block_in_use_once(world: HeapWorld, page: FakePage) -> None:
    objects = [page.object("dict") for _ in range(9)]
    for address in objects[2:5]:
        page.free(address)
    heap = world.heap()
    stretches = [s for s in Sweep(heap.records).stretches() if s.page]
    words = sum(last - first for stretch in stretches for first, last in stretch.in_use)
    assert words * 8 == 6 * page.block_size


def test_large_blocks_come_in_pieces(world: HeapWorld) -> None:
    page = world.page(OBJECT, 9 << 16, slices=9, capacity=1)
    page.block_size = 9 * 65536 - (page.start - (page.segment + page.number * 65536))
    page.object("bytes")
    heap = world.heap()
    stretches = [s for s in Sweep(heap.records).stretches() if s.page]
    assert sum(len(s.data) for s in stretches) == page.block_size


# --- scan ---------------------------------------------------------------------------------------


def test_a_sound_heap_is_said_to_be_sound(world: HeapWorld, page: FakePage) -> None:
    arrays = world.page(MEM, 144)
    dead = page.object("dict")
    new_list(world, page, arrays, new_tuple(world, page, world.types["int"]))
    page.free(dead)
    result = world.heap().scan()
    assert result.is_sound
    assert (result.pages, result.objects) == (2, 2)


def test_dead_items_of_living_containers(world: HeapWorld, page: FakePage) -> None:
    arrays = world.page(MEM, 144)
    dead, alive = page.object("dict"), page.object("dict")
    holder = new_tuple(world, page, alive, dead)
    lst = new_list(world, page, arrays, alive, dead)
    page.free(dead)
    gone = page.segment + (arrays.number + 5) * 65536 + 64
    world.memory.write_word(gone, 1)
    far = new_tuple(world, page, gone)
    beyond = new_tuple(world, page, page.block(39) + page.before)
    result = world.heap().scan()
    assert {(stale.holder, stale.slot, stale.target.address) for stale in result.stale} == {
        (holder, 1, dead),
        (lst, 1, dead),
        (far, 0, gone),
        (beyond, 0, page.block(39) + page.before),
    }
    assert all(stale.target.verdict.is_dead for stale in result.stale)


def test_a_tuple_in_the_making_may_still_have_old_items(world: HeapWorld, page: FakePage) -> None:
    dead = page.object("dict")
    holder = new_tuple(world, page, dead)
    page.free(dead)
    assert not world.heap().scan().is_sound
    world.set("PyObject", holder, ob_gc_bits=0)
    result = world.heap().scan()
    assert [stale.is_snapshot for stale in result.stale] == [True]
    assert result.is_sound


def test_blocks_that_should_hold_an_object_and_do_not(world: HeapWorld, page: FakePage) -> None:
    address = page.object("dict")
    world.set("PyObject", address, ob_type=0x4141_4141)
    buffers = world.page(OBJECT, 112)
    world.set("PyObject", buffers.object("str"), ob_type=0x4141_4141)
    result = world.heap().scan()
    assert [(broken.address, broken.verdict) for broken in result.broken] == [
        (address, Verdict.UNKNOWN)
    ]


def test_broken_pages(world: HeapWorld, page: FakePage) -> None:
    page.object("dict")
    page.used = 7
    result = world.heap().scan()
    assert [
        corruption.damage.page.address for corruption in result.corruptions if corruption.damage
    ] == [page.header]


def test_blocks_that_were_written_past_their_end() -> None:
    world = HeapWorld("3.13.5", "release", hooks=True)
    page = world.page(MEM, 112)
    block = page.take()
    page.guard(block, 50)
    world.memory.write(block + 16 + 50, b"\0" * 8)
    fine = page.take()
    page.guard(fine, 50)
    result = world.heap().scan()
    (found,) = result.corruptions
    assert found.subject == block
    assert "written at least 8 bytes past its 50 bytes" in sentence(found.title)
    assert not found.is_snapshot
    assert world.heap().written_into(fine + 16) == [found]
    assert world.heap().written_into(block + 16) == []
    world.stops = [ThreadStop(100, functions=("_PyMem_DebugRawAlloc",))]
    assert world.heap().scan().corruptions[0].is_snapshot


def test_a_scan_finds_no_fault_with_what_an_extension_keeps(
    world: HeapWorld, page: FakePage
) -> None:
    page.object("dict", ob_ref_local=0)
    assert world.heap().scan().is_sound
