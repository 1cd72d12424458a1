"""Free lists walked, and every way in which they can be broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdbext.cpython.allocator.activity import ThreadStop
from gdbext.cpython.allocator.heap import Heap
from gdbext.cpython.allocator.page_free_lists import Damage, Flaw, decode, encode
from gdbext.model import Confidence, Verdict
from gdbext.wording import sentence
from unit.heap.heap_world import GC, IDS, KEYS, KINDS, MEM, SEGMENT, FakePage, HeapWorld

WORD = st.integers(0, (1 << 64) - 1)


@pytest.fixture(params=KINDS[:2] + KINDS[2:4], ids=IDS[:4])
def world(request: pytest.FixtureRequest) -> HeapWorld:
    return HeapWorld(*request.param)


@pytest.fixture
def page(world: HeapWorld) -> FakePage:
    """Ten objects in use, then five that the owner freed."""
    made = world.page(GC, 112, capacity=20)
    objects = [made.object("list") for _ in range(15)]
    for address in objects[10:]:
        made.free(address)
    return made


@given(WORD, WORD, WORD, WORD)
def test_decoding_undoes_encoding(link: int, null: int, key: int, mask: int) -> None:
    expected = 0 if link == null else link
    assert decode(encode(link, null, (key, mask)), null, (key, mask)) == expected
    assert decode(encode(link, null, None), null, None) == link


def damages(
    world: HeapWorld, page: FakePage, heap: Heap | None = None
) -> tuple[Heap, list[Damage]]:
    heap = heap or world.heap()
    found = heap.page_of(page.block(0))
    assert found is not None
    return heap, heap.records.free_lists.of(found).damages


def overwrite(world: HeapWorld, page: FakePage, index: int, link: int) -> None:
    """Put a link into a block, as the page encodes it, after the lists were written."""
    keys = KEYS if world.encodes else None
    world.memory.write_word(page.block(index), encode(link, page.header, keys))


def opened(world: HeapWorld) -> Heap:
    """The room's door without writing the lists again."""
    return Heap(
        world.memory,
        world.layout,
        world.runtime,
        regions=sorted(world.regions, key=lambda r: r.start),
        stops=lambda: world.stops,
    )


def test_sound_lists_have_no_damage(world: HeapWorld, page: FakePage) -> None:
    heap, found = damages(world, page)
    assert found == []
    free = heap.records.free_lists.of(heap.page_of(page.block(0)))
    assert free.lengths == {"free": 5, "local_free": 5, "xthread_free": 0, "thread_delayed_free": 0}
    assert free.lost == 0


@pytest.mark.parametrize(
    ("link", "flaw"),
    [
        (lambda page: 0x4141_4141_4141_4140, Flaw.OUTSIDE),
        (lambda page: page.block(3) + 8, Flaw.NO_BLOCK),
        (lambda page: page.block(page.capacity + 2), Flaw.UNUSED),
        (lambda page: page.block(14), Flaw.CYCLE),
        (lambda page: page.block(16), Flaw.TWICE),
        (lambda page: 0, Flaw.COUNT),
    ],
)
def test_a_bad_link_is_found_and_nothing_on_the_page_is_proven(
    world: HeapWorld, page: FakePage, link, flaw: Flaw
) -> None:
    world.write()
    overwrite(world, page, 12, link(page))
    heap = opened(world)
    _, found = damages(world, page, heap)
    assert [damage.flaw for damage in found] == [flaw]
    if flaw is not Flaw.COUNT:
        assert (found[0].block, found[0].list, found[0].position) == (
            page.block(12),
            "local_free",
            3,
        )
        assert found[0].link == link(page)
    judged = heap.judge(page.block(13) + page.before)
    assert (judged.verdict, judged.confidence) == (Verdict.FREED, Confidence.LIKELY)


def test_blocks_behind_the_damage_are_still_known_to_be_dead(
    world: HeapWorld, page: FakePage
) -> None:
    world.write()
    overwrite(world, page, 12, 0)
    heap = opened(world)
    lost = heap.judge(page.block(10) + page.before)
    expected = Verdict.POISONED if world.hooks else Verdict.FREED
    assert lost.verdict in (expected, Verdict.FREED)
    assert lost.confidence is Confidence.LIKELY
    assert heap.judge(page.block(3) + page.before).verdict is Verdict.LIVE


def test_a_link_to_a_living_object_proves_nothing_about_it() -> None:
    """The last link but one leads to an object in use, so that the lists' length is right by
    accident.
    """
    world = HeapWorld()
    page = world.page(GC, 64, capacity=10)
    objects = [page.object("list", ob_gc_bits=1) for _ in range(10)]
    for address in objects[:2]:
        page.free(address)
    world.write()
    overwrite(world, page, 1, objects[5])
    world.set("PyObject", objects[5], ob_tid=0, ob_ref_local=0, ob_ref_shared=2 << 2 | 3)
    heap = opened(world)
    _, found = damages(world, page, heap)
    assert found == []
    judged = heap.judge(objects[5])
    assert (judged.verdict, judged.confidence) == (Verdict.FREED, Confidence.LIKELY)
    assert any(evidence.broken for evidence in judged.evidence)
    assert heap.judge(objects[1]).confidence is Confidence.PROVEN


def test_a_capacity_that_was_overwritten_proves_nothing(world: HeapWorld, page: FakePage) -> None:
    world.write()
    world.set("mi_page_t", page.header, capacity=4)
    judged = opened(world).judge(page.block(8) + page.before)
    assert judged.confidence is Confidence.LIKELY


def test_a_tag_that_is_not_its_heaps(world: HeapWorld, page: FakePage) -> None:
    world.write()
    world.set("mi_page_t", page.header, **{"tag" if world.is_old else "heap_tag": MEM})
    judged = opened(world).judge(page.block(3) + page.before, "list")
    assert (judged.verdict, judged.confidence) == (Verdict.UNKNOWN, Confidence.LIKELY)


def test_a_head_that_points_nowhere(world: HeapWorld, page: FakePage) -> None:
    world.write()
    world.set("mi_page_t", page.header, free=0x4242_4242_4242_4242)
    heap = opened(world)
    _, found = damages(world, page, heap)
    assert [(damage.flaw, damage.block, damage.word) for damage in found] == [
        (Flaw.OUTSIDE, None, 0x4242_4242_4242_4242)
    ]


def test_a_count_that_contradicts_may_be_a_snapshot(world: HeapWorld, page: FakePage) -> None:
    page.used = 9
    (found,) = world.heap().free_list_health(world.heap().page_of(page.block(0)))
    assert found.damage is not None
    assert found.damage.flaw is Flaw.COUNT
    assert not found.is_snapshot
    world.stops = [ThreadStop(100, functions=("mi_free", "list_dealloc"))]
    heap = world.heap()
    (found,) = heap.free_list_health(heap.page_of(page.block(0)))
    assert found.is_snapshot


def test_more_frees_by_others_than_blocks_in_use(world: HeapWorld) -> None:
    page = world.page(GC, 112, capacity=4)
    objects = [page.object("list") for _ in range(4)]
    for address in objects:
        page.free(address, "xthread_free")
    page.used = 3
    _, found = damages(world, page)
    assert [damage.flaw for damage in found] == [Flaw.COUNT]


def test_a_delayed_list_that_leaves_the_heap(world: HeapWorld) -> None:
    page = world.page(GC, 112, capacity=4)
    page.object("list")
    delayed = page.heap + world.layout.offset("mi_heap_t", "thread_delayed_free")
    world.memory.write_word(delayed, 0x4141_4141)
    heap = world.heap()
    heap.judge(page.block(0) + page.before)
    assert "broken" in heap.records.free_lists.delayed_damages[page.heap]


def test_a_page_that_cannot_be_read(world: HeapWorld) -> None:
    page = world.page(GC, 112, number=23, capacity=500)
    objects = [page.object("list") for _ in range(500)]
    for address in objects[::2]:
        page.free(address)
    world.write()
    del world.memory.segments[SEGMENT][-32768:]
    heap = opened(world)
    found = heap.page_of(objects[0])
    assert [
        corruption.damage.flaw for corruption in heap.free_list_health(found) if corruption.damage
    ] == [Flaw.UNREADABLE]
    assert heap.judge(objects[400]).verdict is Verdict.UNKNOWN
    assert heap.judge(objects[1]).verdict is Verdict.LIVE


# --- who did it ---------------------------------------------------------------------------------


def test_the_damage_names_the_word_and_the_blocks_near(world: HeapWorld, page: FakePage) -> None:
    world.write()
    text = int.from_bytes(b"HELLO, Y", "little")
    world.memory.write_word(page.block(12), text)
    heap = opened(world)
    (found,) = heap.free_list_health(heap.page_of(page.block(0)))
    said = " | ".join(sentence(evidence.claim) for evidence in found.evidence)
    assert "looks like text" in said
    assert found.subject == page.block(12)
    assert [(suspect.role, suspect.type, suspect.address) for suspect in found.suspects] == [
        ("itself", None if world.hooks else "list", page.block(12) + page.before),
        ("before", None if world.hooks else "list", page.block(11) + page.before),
    ]


def test_a_run_of_one_word_shows_where_the_overrun_began() -> None:
    world = HeapWorld()
    page = world.page(MEM, 64, capacity=20)
    blocks = [page.take() for _ in range(12)]
    for block in blocks[6:]:
        page.free(block)
    world.write()
    word = b"\x41" * 8
    world.memory.write(blocks[5] + 16, word * (6 + 8 + 1))
    heap = opened(world)
    (found,) = heap.free_list_health(heap.page_of(blocks[0]))
    assert blocks[5] in [
        suspect.address for suspect in found.suspects if suspect.role == "runs over"
    ]


def test_the_block_that_was_popped_with_the_bad_link() -> None:
    world = HeapWorld()
    page = world.page(MEM, 64, capacity=20)
    blocks = [page.take() for _ in range(5)]
    world.write()
    bad = 0x0123_4567_89AB_CDE8
    world.memory.write_word(blocks[3], bad)
    world.set("mi_page_t", page.header, free=bad)
    heap = opened(world)
    (found,) = heap.free_list_health(heap.page_of(blocks[0]))
    assert found.subject == blocks[3]
    assert [suspect.role for suspect in found.suspects] == ["itself", "before"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (0, "a cleared field"),
        (0xDDDD_DDDD_DDDD_DDDD, "debug fill"),
        (int.from_bytes(b"password", "little"), "text"),
        (7, "a small number (7)"),
        (0x4009_21FB_5444_2D18, "a floating-point number"),
        ((1 << 64) - 5, "below zero"),
        (0x0000_9F3A_77C2_0001, "not a pointer, a text or a number"),
    ],
)
def test_what_a_word_looks_like(word: int, said: str) -> None:
    world = HeapWorld()
    world.page(GC, 64).object("list")
    assert said in sentence(world.heap().looks_like(word))


def test_pointers_are_told_by_what_they_point_to() -> None:
    world = HeapWorld()
    page = world.page(GC, 64)
    lst, dead = page.object("list"), page.object("list")
    page.free(dead)
    heap = world.heap()
    assert sentence(heap.looks_like(lst)) == "a pointer to a list"
    assert sentence(heap.looks_like(world.types["dict"])) == "a pointer to the type dict"
    assert "freed" in sentence(heap.looks_like(dead))
    assert "ob_tid" in sentence(heap.looks_like(world.threads[1].thread_id))


# --- full pages -----------------------------------------------------------------------------------


def test_only_pages_with_room_need_a_look(world: HeapWorld) -> None:
    full, some = world.page(GC, 112, capacity=4), world.page(GC, 112, capacity=4)
    wrong, freed = world.page(GC, 112, capacity=4), world.page(GC, 112, capacity=4)
    for page in (full, some, wrong, freed):
        made = [page.object("dict") for _ in range(4 if page is not some else 3)]
    freed.free(made[1], "xthread_free")
    wrong.used = 3
    heap = world.heap()
    found = {each.address for each in heap.records.mimalloc.pages_with_room()}
    assert found == {some.header, wrong.header, freed.header}
    lists = heap.records.free_lists
    for known in heap.pages():
        assert lists.is_full(known) == (known.address not in found)
        assert not lists.is_full(known) or lists.of(known).is_intact
