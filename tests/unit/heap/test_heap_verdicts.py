"""One word for every state that an address can be in, on both mimalloc generations, plain and with
the debug hooks.
"""

from __future__ import annotations

import struct

import pytest

from gdbext.cpython.allocator.activity import ThreadStop
from gdbext.cpython.allocator.heap import Heap
from gdbext.model import Confidence, Liveness, Verdict
from gdbext.target.protocol import Region
from gdbext.wording import sentence
from unit.heap.heap_world import GC, GC_PRE, IDS, KINDS, MEM, OBJECT, SEGMENT, SLICE, HeapWorld

PROVEN, LIKELY, POSSIBLE = Confidence.PROVEN, Confidence.LIKELY, Confidence.POSSIBLE


@pytest.fixture(params=KINDS, ids=IDS)
def world(request: pytest.FixtureRequest) -> HeapWorld:
    return HeapWorld(*request.param)


@pytest.fixture
def release() -> HeapWorld:
    return HeapWorld()


def claims(liveness: Liveness) -> str:
    return " | ".join(sentence(evidence.claim) for evidence in liveness.evidence)


# --- living objects -----------------------------------------------------------------------------


def test_an_object_in_a_block_in_use_is_live_but_never_proven(world: HeapWorld) -> None:
    page = world.page(GC, 112)
    address = page.object("list")
    judged = world.heap().judge(address, "list")
    assert (judged.verdict, judged.confidence) == (Verdict.LIVE, LIKELY)
    assert judged.block is not None
    assert judged.block.start == page.block(0)
    assert (judged.block.size, judged.block.domain) == (112, "gc")
    assert judged.block.owner_tstate == world.threads[0].address
    assert judged.block.owner_tid == world.threads[0].thread_id
    assert judged.block.freed_by is None


def test_the_evidence_can_be_checked_in_memory(world: HeapWorld) -> None:
    page = world.page(GC, 112)
    kept, dead = page.object("list"), page.object("list")
    page.free(dead)
    heap = world.heap()
    for address in (kept, dead):
        compared = 0
        for evidence in heap.judge(address).evidence:
            if evidence.address is not None and isinstance(evidence.value, int):
                size = 8 if evidence.value >> 32 else 2
                stored = int.from_bytes(world.memory.read(evidence.address, size), "little")
                assert stored == evidence.value, evidence
                compared += 1
        assert compared, address


def test_an_object_behind_a_pre_header(world: HeapWorld) -> None:
    world.objects_world.new_class("Plain")
    page = world.page(GC_PRE, 384)
    address = page.object("Plain")
    assert address == page.block(0) + (32 if world.hooks else 16)
    judged = world.heap().judge(address, "Plain")
    assert judged.verdict is Verdict.LIVE
    assert judged.block is not None
    assert judged.block.domain == "gc_pre"


def test_a_short_string_is_smaller_than_its_types_basic_size(world: HeapWorld) -> None:
    page = world.page(OBJECT, 96 if world.hooks else 64)
    address = page.object("str")
    assert world.heap().judge(address, "str").verdict is Verdict.LIVE


def test_static_and_immortal_objects(world: HeapWorld) -> None:
    page = world.page(OBJECT, 112)
    interned = page.object("str", ob_ref_local=0xFFFF_FFFF)
    world.set("PyObject", interned, ob_tid=0)
    world.objects_world.immortal(world.objects_world.none, world.types["NoneType"])
    heap = world.heap()
    static = heap.judge(world.objects_world.none)
    assert (static.verdict, static.confidence) == (Verdict.IMMORTAL, PROVEN)
    assert "python3" in sentence(static.reason)
    made = heap.judge(interned)
    assert (made.verdict, made.confidence) == (Verdict.IMMORTAL, LIKELY)


def test_an_exited_threads_object(world: HeapWorld) -> None:
    world.page(OBJECT, 112).object("str")
    world.set("mi_segment_t", SEGMENT, thread_id=0)
    page = world.page(GC, 112, thread=None)
    kept, dead = page.object("list"), page.object("list")
    page.free(dead)
    heap = world.heap()
    alive = heap.judge(kept)
    assert alive.verdict is Verdict.LIVE
    assert alive.block is not None
    assert alive.block.owner_tstate is None
    assert alive.block.owner_tid == 0
    gone = heap.judge(dead)
    assert (gone.verdict, gone.confidence) == (Verdict.FREED, PROVEN)
    assert "exited" in sentence(gone.reason)


def test_the_owner_is_named_by_page_segment_and_object(world: HeapWorld) -> None:
    page = world.page(GC, 112)
    mine, taken, dead = page.object("list"), page.object("list"), page.object("list")
    page.free(dead)
    world.set("PyObject", taken, ob_tid=world.threads[1].thread_id)
    heap = world.heap()
    said = [
        [sentence(evidence.claim) for evidence in heap.owners(address)]
        for address in (mine, taken, dead)
    ]
    assert said[0] == [
        "the page belongs to heap gc of LWP 100",
        "the segment belongs to LWP 100",
        "ob_tid names LWP 100",
    ]
    assert said[1][2] == "ob_tid names LWP 101, not the segment's thread"
    assert len(said[2]) == 2
    assert not any(evidence.broken for evidence in heap.owners(taken))
    world.set("mi_segment_t", SEGMENT, thread_id=world.threads[1].thread_id)
    assert [evidence.broken for evidence in world.heap().owners(mine)] == [False, True, False]
    assert heap.owners(0x10) == heap.owners(SEGMENT + 256) == []


# --- freed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "by"), [("free", None), ("local_free", None), ("xthread_free", "other thread")]
)
def test_a_block_on_a_list_is_freed_and_says_by_whom_where_that_shows(
    world: HeapWorld, on: str, by: str | None
) -> None:
    """The owner collects what others freed into its own lists, and takes over the pages of threads
    that have ended.
    """
    page = world.page(GC, 112)
    objects = [page.object("list") for _ in range(6)]
    for address in objects[1:4]:
        page.free(address, on)
    judged = world.heap().judge(objects[2], "list")
    assert (judged.verdict, judged.confidence) == (Verdict.FREED, PROVEN)
    assert judged.block is not None
    assert judged.block.freed_by == by
    assert judged.reason is not None
    assert ("freed by" in sentence(judged.reason)) is bool(by)
    assert "number 2 of" in claims(judged)


def test_the_first_block_that_another_thread_frees_in_a_full_page_is_on_its_heaps_list(
    world: HeapWorld,
) -> None:
    page = world.page(GC, 112, capacity=4)
    objects = [page.object("list") for _ in range(4)]
    world.set("PyObject", objects[1], ob_ref_local=0)
    delayed = world.layout.offset("mi_heap_t", "thread_delayed_free")
    world.memory.write_word(page.heap + delayed, page.block(1))
    world.memory.write_word(page.block(1), page.heap if world.encodes else 0)
    if world.encodes:
        # With all keys 0 the heap's list is plain, and ends with the heap's own address.
        world.memory.write(page.heap + world.layout.offset("mi_heap_t", "keys"), bytes(16))
    heap = world.heap()
    judged = heap.judge(objects[1])
    assert (judged.verdict, judged.confidence) == (Verdict.FREED, PROVEN)
    assert judged.block is not None
    assert judged.block.freed_by == "other thread"
    assert heap.judge(objects[0]).verdict is Verdict.LIVE


def test_the_middle_of_a_free_block_is_free(world: HeapWorld) -> None:
    page = world.page(GC, 112)
    address = page.object("list")
    page.free(address)
    assert world.heap().judge(address + 8).verdict is Verdict.FREED


def test_a_page_that_waits_for_qsbr_is_said_to(world: HeapWorld) -> None:
    page = world.page(GC, 112, capacity=2)
    objects = [page.object("list") for _ in range(2)]
    for address in objects:
        page.free(address)
    page.qsbr_goal = 17
    judged = world.heap().judge(objects[0])
    assert judged.verdict is Verdict.FREED
    assert "QSBR" in sentence(judged.reason)


def test_what_an_over_decref_leaves_in_a_freed_object(release: HeapWorld) -> None:
    release.objects_world.new_class("Plain")
    wrapped, merged = release.page(GC_PRE, 384), release.page(GC, 64)
    plain, lst = wrapped.object("Plain"), merged.object("list")
    wrapped.free(plain)
    merged.free(lst)
    release.set("PyObject", plain, ob_ref_local=0xFFFF_FFFF)
    release.set("PyObject", lst, ob_ref_shared=-1)
    heap = release.heap()
    assert "wrapped" in claims(heap.judge(plain))
    assert "its shared count is -1" in claims(heap.judge(lst))


def test_memory_of_a_page_that_was_given_back(world: HeapWorld) -> None:
    page = world.page(GC, 112)
    page.object("list")
    free_slice = SEGMENT + (page.number + 3) * SLICE
    world.memory.write_word(free_slice + 64, 1)
    heap = world.heap()
    used = heap.judge(free_slice + 512)
    assert (used.verdict, used.confidence) == (Verdict.FREED, PROVEN)
    untouched = heap.judge(free_slice + SLICE + 512)
    assert (untouched.verdict, untouched.confidence) == (Verdict.NEVER_ALLOCATED, LIKELY)


def test_a_free_slice_whose_header_was_a_pages_was_used(world: HeapWorld) -> None:
    page = world.page(GC, 112)
    number = page.number + 3
    header = (
        SEGMENT
        + world.layout.offset("mi_segment_t", "slices")
        + number * world.layout.size("mi_page_t")
    )
    heap = world.heap()
    world.set("mi_page_t", header, is_committed=1)
    assert heap.judge(SEGMENT + number * SLICE + 64).verdict is Verdict.FREED


def test_a_segment_whose_pages_do_not_add_up_proves_nothing(world: HeapWorld) -> None:
    page = world.page(GC, 112)
    world.memory.write_word(SEGMENT + (page.number + 3) * SLICE, 1)
    world.write()
    world.set("mi_segment_t", SEGMENT, used=9)
    # The world must not be written again.
    judged = _open(world).judge(SEGMENT + (page.number + 3) * SLICE + 64)
    assert (judged.verdict, judged.confidence) == (Verdict.FREED, LIKELY)


def _open(world: HeapWorld) -> Heap:
    regions = sorted(world.regions, key=lambda region: region.start)
    return Heap(
        world.memory, world.layout, world.runtime, regions=regions, stops=lambda: world.stops
    )


# --- never allocated ----------------------------------------------------------------------------


def test_what_a_page_has_not_handed_out(world: HeapWorld) -> None:
    page = world.page(GC, 112, capacity=8)
    page.object("list")
    beyond = page.block(12) + page.before
    written = page.block(20) + page.before
    world.memory.write_word(written + 24, 0x1234)
    heap = world.heap()
    assert heap.judge(beyond).verdict is Verdict.NEVER_ALLOCATED
    # An earlier page had this memory.
    assert (heap.judge(written).verdict, heap.judge(written).confidence) == (Verdict.FREED, PROVEN)


def test_what_mimalloc_has_reserved_and_never_used(world: HeapWorld) -> None:
    reserve = SEGMENT + SLICE * 512
    world.page(GC, 112).object("list")
    world.memory.map(reserve, SLICE)
    regions = [Region(SEGMENT, reserve + SLICE), *(r for r in world.regions if r.start != SEGMENT)]
    heap = world.heap(sorted(regions, key=lambda region: region.start))
    assert heap.judge(reserve + 64).verdict is Verdict.NEVER_ALLOCATED


# --- wrong addresses ----------------------------------------------------------------------------


def test_null_and_fills_and_holes(world: HeapWorld) -> None:
    heap = world.heap()
    assert (heap.judge(0).verdict, heap.judge(0).confidence) == (Verdict.NULL, PROVEN)
    for fill in (0xDD, 0xCD, 0xFD):
        judged = heap.judge(fill * 0x0101_0101_0101_0101)
        assert judged.verdict is (Verdict.POISONED if world.hooks else Verdict.UNMAPPED), (
            "only the debug hooks write fills"
        )
        assert judged.confidence is (LIKELY if world.hooks else PROVEN)
    assert (heap.judge(0x10).verdict, heap.judge(0x10).confidence) == (Verdict.UNMAPPED, PROVEN)
    assert heap.judge((1 << 64) - 8).verdict is Verdict.UNMAPPED
    assert world.heap(regions=[]).judge(0x10).confidence is LIKELY


def test_one_byte_off_is_misaligned(world: HeapWorld) -> None:
    address = world.page(GC, 112).object("list")
    judged = world.heap().judge(address + 1, "list")
    assert (judged.verdict, judged.confidence) == (Verdict.MISALIGNED, PROVEN)


def test_the_middle_of_a_living_block_is_interior_or_for_its_user_reused(world: HeapWorld) -> None:
    address = world.page(GC, 112).object("list")
    heap = world.heap()
    inside = heap.judge(address + 16)
    assert (inside.verdict, inside.confidence) == (Verdict.INTERIOR, PROVEN)
    assert hex(address) in sentence(inside.reason)
    # Who used it as an object had one there: the page has been cut up anew since.
    assert heap.judge(address + 16, "list").verdict is Verdict.REUSED


def test_a_block_of_raw_memory_holds_no_object(world: HeapWorld) -> None:
    page = world.page(MEM, 112)
    block = page.take()
    data = block + (16 if world.hooks else 0)
    heap = world.heap()
    assert (heap.judge(data, "list").verdict, heap.judge(data, "list").confidence) == (
        Verdict.REUSED,
        PROVEN,
    )
    assert heap.judge(data).verdict is Verdict.REUSED
    assert heap.judge(data + 16).verdict is Verdict.INTERIOR


def test_an_object_that_an_extension_placed_in_a_block_of_its_own(world: HeapWorld) -> None:
    sample = world.page(GC, 112).object("list")
    placed = world.page(MEM, 1024).take() + 0x100
    fields = ("ob_tid", "ob_ref_local", "ob_ref_shared", "ob_type")
    world.set(
        "PyObject",
        placed,
        **{name: world.objects_world.objects.field("PyObject", sample, name) for name in fields},
    )
    heap = world.heap()
    assert (heap.judge(placed).verdict, heap.judge(placed, "list").verdict) == (
        Verdict.LIVE,
        Verdict.LIVE,
    )
    # What is left of one that died counts no references.
    world.set("PyObject", placed, ob_ref_local=0, ob_ref_shared=0)
    assert world.heap().judge(placed, "list").verdict is Verdict.REUSED


def test_mimallocs_own_header(world: HeapWorld) -> None:
    world.page(GC, 112).object("list")
    assert world.heap().judge(SEGMENT + 256).verdict is Verdict.FOREIGN


def test_stacks_modules_and_the_c_heap_are_foreign(world: HeapWorld) -> None:
    world.page(GC, 112).object("list")
    raw = 0x5600_0000_0000
    world.map(raw, 4096)
    guard = b"\xfd" * 8
    world.memory.write(raw + 64, struct.pack(">Q", 40) + b"r" + guard[:7] + bytes(40) + guard)
    world.map(0x7E00_0000_0000, 4096)
    world.stops = [ThreadStop(100, stack_pointer=0x7E00_0000_0800)]
    heap = world.heap()
    module = heap.judge(world.objects_world.allocate(64))
    assert (module.verdict, module.confidence) == (Verdict.FOREIGN, PROVEN)
    assert "data of /usr/bin/python3" in sentence(module.reason)
    assert "PyMem_Raw block of 40 bytes" in sentence(heap.judge(raw + 80).reason)
    assert "stack of LWP 100" in sentence(heap.judge(0x7E00_0000_0900).reason)
    assert "stack of LWP 101" in sentence(heap.judge(world.threads[1].thread_id - 0x40).reason)
    assert "glibc's heap" in sentence(heap.judge(world.threads[1].address + 0x8008).reason)
    assert {
        heap.judge(a).verdict for a in (raw + 80, 0x7E00_0000_0900, world.threads[1].address)
    } == {Verdict.FOREIGN}


def test_without_a_map_of_memory_foreign_is_all_that_can_be_said(world: HeapWorld) -> None:
    world.page(GC, 112).object("list")
    judged = world.heap(regions=[]).judge(world.threads[1].address)
    assert (judged.verdict, judged.confidence) == (Verdict.FOREIGN, LIKELY)


def test_mapped_memory_that_the_core_lacks_is_unknown(world: HeapWorld) -> None:
    world.page(GC, 112).object("list")
    missing = Region(0x6000_0000_0000, 0x6000_0000_1000)
    heap = world.heap(sorted([*world.regions, missing], key=lambda region: region.start))
    assert heap.judge(0x6000_0000_0800).verdict is Verdict.UNKNOWN


# --- reused -------------------------------------------------------------------------------------


def test_another_type_lives_there(world: HeapWorld) -> None:
    address = world.page(GC, 112).object("classmethod")
    heap = world.heap()
    judged = heap.judge(address, "types.UnionType")
    assert (judged.verdict, judged.confidence) == (Verdict.REUSED, PROVEN)
    assert "classmethod" in sentence(judged.reason)
    assert heap.judge(address).verdict is Verdict.LIVE
    assert heap.judge(address, "object").verdict is Verdict.LIVE


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ("bool", "int"),
        ("collections.OrderedDict", "dict"),
        ("types.UnionType", "typing.Union"),
        ("frozenset", "set"),
    ],
)
def test_a_subclass_a_synonym_or_a_twin_is_what_was_expected(
    world: HeapWorld, actual: str, expected: str
) -> None:
    address = world.page(OBJECT if actual == "bool" else GC, 320).object(actual)
    assert world.heap().judge(address, expected).verdict is Verdict.LIVE


def test_a_type_that_does_not_fit_its_block(world: HeapWorld) -> None:
    small = world.page(GC, 96 if world.hooks else 48).object("set")
    wrong_heap = world.page(OBJECT, 320).object("list")
    number = world.page(GC, 112).object("float")
    heap = world.heap()
    for address in (small, wrong_heap, number):
        judged = heap.judge(address)
        assert (judged.verdict, judged.confidence) == (Verdict.REUSED, LIKELY), judged


# --- dead, and not free yet ---------------------------------------------------------------------


def test_an_array_that_waits_for_qsbr(world: HeapWorld) -> None:
    page = world.page(MEM, 112)
    array = page.take()
    data = array + (16 if world.hooks else 0)
    chunk = world.page(MEM, 4608, capacity=2).take()
    queue = world.threads[1].address + world.layout.offset("_PyThreadStateImpl", "mem_free_queue")
    world.memory.write_word(queue, chunk)
    world.set("_mem_work_chunk", chunk, node__next=queue, rd_idx=1, wr_idx=3)
    entries = chunk + world.layout.offset("_mem_work_chunk", "array")
    world.memory.write(entries, struct.pack("<6Q", data, 9, data + 2048, 9, data, 11))
    heap = world.heap()
    for judged in (heap.judge_block(data), heap.judge_block(data + 24), heap.judge(data, "list")):
        assert (judged.verdict, judged.confidence) == (Verdict.PENDING_FREE, PROVEN)
    assert "LWP 101" in claims(heap.judge_block(data))
    assert heap.judge_block(array + 2 * 112).verdict is not Verdict.PENDING_FREE


def test_what_an_exited_thread_left_to_be_freed(world: HeapWorld) -> None:
    data = world.page(MEM, 112).take() + (16 if world.hooks else 0)
    chunk = world.page(MEM, 4608, capacity=2).take()
    queue = world._queue_of(world.runtime.interpreters[0].address)
    world.memory.write_word(queue, chunk)
    world.set("_mem_work_chunk", chunk, node__next=queue, rd_idx=0, wr_idx=1)
    world.memory.write_word(chunk + world.layout.offset("_mem_work_chunk", "array"), data)
    assert "exited thread" in claims(world.heap().judge_block(data))


def test_a_delayed_decref_of_3_14_does_not_kill_an_object_that_others_hold() -> None:
    world = HeapWorld("3.14.10")
    page = world.page(GC, 64)
    last, held = page.object("list"), page.object("list", ob_ref_local=2)
    chunk = world.page(MEM, 4608, capacity=2).take()
    queue = world.threads[0].address + world.layout.offset("_PyThreadStateImpl", "mem_free_queue")
    world.memory.write_word(queue, chunk)
    world.set("_mem_work_chunk", chunk, node__next=queue, wr_idx=2)
    world.memory.write(
        chunk + world.layout.offset("_mem_work_chunk", "array"),
        struct.pack("<4Q", last | 1, 9, held | 1, 9),
    )
    heap = world.heap()
    assert heap.judge(last).verdict is Verdict.PENDING_FREE
    assert heap.judge(held).verdict is Verdict.LIVE


def test_an_object_whose_last_reference_waits_to_be_merged(world: HeapWorld) -> None:
    page = world.page(GC, 112)
    last, held = (
        page.object("list", ob_ref_shared=2),
        page.object("list", ob_ref_local=2, ob_ref_shared=2),
    )
    stack = world.page(MEM, 2560, capacity=2).take()
    world.set("_PyThreadStateImpl", world.threads[0].address, brc__objects_to_merge__head=stack)
    world.set("_PyObjectStackChunk", stack, n=2)
    world.memory.write(
        stack + world.layout.offset("_PyObjectStackChunk", "objs"), struct.pack("<2Q", last, held)
    )
    heap = world.heap()
    judged = heap.judge(last)
    assert (judged.verdict, judged.confidence) == (Verdict.PENDING_FREE, LIKELY)
    assert "LWP 100" in claims(judged)
    assert heap.judge(held).verdict is Verdict.LIVE


def test_an_object_in_the_trashcan_is_dying(world: HeapWorld) -> None:
    page = world.page(GC, 112)
    second, first = page.object("list", ob_ref_local=0), page.object("list", ob_ref_local=0)
    world.set("PyObject", first, ob_tid=second)
    world.set("PyObject", second, ob_tid=0)
    world.threads[0] = world.threads[0].__class__(
        **{**world.threads[0].__dict__, "delete_later": first}
    )
    heap = world.heap()
    for address in (first, second):
        judged = heap.judge(address)
        assert (judged.verdict, judged.confidence) == (Verdict.DYING, PROVEN)
        assert "trashcan" in sentence(judged.reason)


def test_a_count_of_zero_is_dying_by_degrees(world: HeapWorld) -> None:
    address = world.page(GC, 112).object("list", ob_ref_local=0)
    judged = world.heap().judge(address)
    assert (judged.verdict, judged.confidence) == (Verdict.DYING, POSSIBLE)
    world.stops = [ThreadStop(101, functions=("list_dealloc", "_Py_Dealloc", "main"))]
    judged = world.heap().judge(address)
    assert (judged.verdict, judged.confidence) == (Verdict.DYING, LIKELY)
    assert "LWP 101" in sentence(judged.reason)
    assert "list_dealloc" in sentence(judged.reason)


def test_a_page_whose_owner_is_inside_the_allocator(world: HeapWorld) -> None:
    address = world.page(GC, 112).object("list", ob_ref_local=0)
    world.stops = [ThreadStop(100, functions=("_mi_page_malloc", "PyType_GenericAlloc"))]
    judged = world.heap().judge(address)
    assert (judged.verdict, judged.confidence) == (Verdict.UNKNOWN, POSSIBLE)
    assert "_mi_page_malloc" in sentence(judged.reason)
    # Another thread's allocation has nothing to do with this page.
    world.stops = [ThreadStop(101, functions=("_mi_page_malloc",))]
    assert world.heap().judge(address).verdict is Verdict.DYING


def test_an_unreachable_object_while_the_collector_runs(world: HeapWorld) -> None:
    address = world.page(GC, 112).object("list", ob_gc_bits=5)
    gc = world.layout.offset("PyInterpreterState", "gc") + world.layout.offset(
        "_gc_runtime_state", "collecting"
    )
    interpreter = world.runtime.interpreters[0].address
    world.memory.write(interpreter + gc, b"\1\0\0\0")
    stopped = interpreter + world.layout.offset("PyInterpreterState", "stoptheworld.world_stopped")
    judged = world.heap().judge(address)
    assert (judged.verdict, judged.confidence) == (Verdict.DYING, LIKELY)
    world.memory.write(stopped, b"\1")
    judged = world.heap().judge(address)
    assert (judged.verdict, judged.confidence) == (Verdict.UNKNOWN, POSSIBLE)
    assert "garbage collector" in sentence(judged.reason)


# --- no object ----------------------------------------------------------------------------------


def test_a_block_in_use_without_an_object(world: HeapWorld) -> None:
    page = world.page(GC, 112)
    address = page.object("list")
    world.set("PyObject", address, ob_type=0x4242_4242)
    blank = page.object("list")
    world.memory.write(blank, bytes(32))
    heap = world.heap()
    judged = heap.judge(address, "list")
    assert judged.verdict is Verdict.UNKNOWN
    assert any(evidence.broken for evidence in judged.evidence)
    assert heap.judge(blank).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("fill", "word", "confidence"), [(0xDD, "freed", LIKELY), (0xCD, "never written", POSSIBLE)]
)
def test_debug_fill_in_a_block_that_is_not_free(
    world: HeapWorld, fill: int, word: str, confidence: Confidence
) -> None:
    page = world.page(GC, 112)
    address = page.object("list")
    world.memory.write(address + 24, bytes([fill]) * 8)
    judged = world.heap().judge(address)
    assert (judged.verdict, judged.confidence) == (Verdict.POISONED, confidence)
    assert word in sentence(judged.reason)
    world.stops = [ThreadStop(100, functions=("_PyMem_DebugRawFree",))]
    assert world.heap().judge(address).confidence is POSSIBLE


def test_guard_bytes_that_were_overwritten() -> None:
    world = HeapWorld("3.13.5", "release", hooks=True)
    page = world.page(GC, 96)
    address = page.object("list")
    page.guard(page.block(0), 56)
    end = page.block(0) + 16 + 56
    world.memory.write(end, b"\x01\x02\x03")
    world.memory.write(page.block(0) + 10, b"\0")
    judged = world.heap().judge(address)
    assert judged.verdict is Verdict.LIVE
    assert "written 3 bytes past its 56 bytes" in claims(judged)
    assert "1 of the guard bytes before it" in claims(judged)


# --- large, huge, raw ---------------------------------------------------------------------------


def test_a_huge_block_over_several_segments_worth_of_memory(world: HeapWorld) -> None:
    base, slices = SEGMENT + (1 << 25), 700
    world.map(base, SLICE * slices)
    world.segment(base, world.threads[0].thread_id, slices, kind=1)
    size = (slices - world.info_slices) * SLICE
    page = world.page(
        OBJECT,
        size,
        segment=base,
        slices=slices - world.info_slices,
        capacity=1,
        number=world.info_slices,
    )
    page.start, page.capacity, page.reserved = base + world.info_slices * SLICE, 1, 1
    address = page.object("bytes")
    heap = world.heap()
    assert heap.judge(address, "bytes").verdict is Verdict.LIVE
    # So far inside that the address does not lead to the segment's header any more.
    inside = heap.judge(address + (1 << 25) + (1 << 22))
    assert inside.verdict is Verdict.INTERIOR
    assert inside.block is not None
    assert inside.block.start == page.start
    page.free(address, died=False)
    assert world.heap().judge(address).verdict is Verdict.FREED


def test_mimallocs_default_heap_is_the_raw_domain() -> None:
    world = HeapWorld("3.15.2")
    world.page(GC, 112).object("list")
    page = world.page(MEM, 112)
    page.heap = 0x5600_0000_0000
    block = page.take()
    world.map(page.heap, 4096)
    heap = world.heap()
    assert heap.judge(block).verdict is Verdict.FOREIGN
    judged = heap.judge_block(block)
    assert judged.verdict is Verdict.LIVE
    assert judged.block is not None
    assert judged.block.domain == "raw"


def test_raw_pointers_into_blocks(world: HeapWorld) -> None:
    page = world.page(MEM, 112)
    live, dead = page.take(), page.take()
    page.free(dead)
    objects = world.page(GC, 112)
    lst = objects.object("list")
    heap = world.heap()
    assert heap.judge_block(live + 50).verdict is Verdict.LIVE
    assert (heap.judge_block(dead + 24).verdict, heap.judge_block(dead + 24).confidence) == (
        Verdict.FREED,
        PROVEN,
    )
    assert heap.judge_block(lst + 40).verdict is Verdict.LIVE
    assert heap.judge_block(0x10).verdict is Verdict.UNMAPPED


def test_a_segment_with_a_wrong_cookie_is_no_segment(world: HeapWorld) -> None:
    address = world.page(GC, 112).object("list")
    other = SEGMENT + (1 << 25)
    world.map(other, SLICE)
    world.segment(other, world.threads[0].thread_id)
    world.set("mi_segment_t", other, cookie=1)
    heap = world.heap()
    assert heap.judge(other + 256).verdict in (Verdict.FOREIGN, Verdict.NEVER_ALLOCATED)
    assert heap.judge(address).verdict is Verdict.LIVE


def test_without_any_heap_nothing_is_claimed() -> None:
    world = HeapWorld()
    heap = world.heap(regions=[])
    judged = heap.judge(world.threads[1].address)
    assert (judged.verdict, judged.confidence) == (Verdict.UNKNOWN, LIKELY)
