"""What a scan asks in bulk is what it would find word by word."""

from __future__ import annotations

import random
import struct
import sys
import types
from array import array
from dataclasses import replace

import pytest

from gdbext.cpython.allocator import living as living_
from gdbext.cpython.allocator import vectors
from gdbext.cpython.allocator.living import LOWEST_NONE, SLICE_SHIFT, Living, slices_of
from gdbext.cpython.allocator.pages import GC, Page
from gdbext.cpython.allocator.sweep import Stretch, Sweep
from gdbext.cpython.layout.layout import Source, StructLayout, UnknownLayout
from gdbext.model import Verdict
from gdbext.target.protocol import Field
from unit.heap.containers import new_list, new_tuple
from unit.heap.heap_world import IDS, KINDS, MEM, HeapWorld

BASE = 0x200_0000_0000
SLICE = 1 << SLICE_SHIFT


@pytest.fixture(params=KINDS, ids=IDS)
def world(request: pytest.FixtureRequest) -> HeapWorld:
    return HeapWorld(*request.param)


def a_page(world: HeapWorld) -> Page:
    page = world.page(GC, 112)
    page.object("dict")
    found = world.heap().page_of(page.start)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("offset", "size", "slices", "before", "capacity"),
    [
        (0, 64, 1, 0, 1024),
        (192, 64, 1, 0, 900),
        (0, 112, 1, 16, 500),
        (0, 40960, 8, 0, 12),
        (0, 5 << SLICE_SHIFT, 6, 16, 1),
        (0, 24, 1, 0, 2000),
        (8, 64, 1, 0, 100),
        (0, 48, 1, 8, 100),
        (0, 64, 700, 0, 900),
        (0, 64, 1, 0, 0),
    ],
)
def test_a_map_agrees_with_counting_blocks(world, offset, size, slices, before, capacity):
    chance = random.Random(offset + size)
    page = replace(
        a_page(world),
        start=BASE + offset,
        block_size=size,
        slices=slices,
        area_end=BASE + slices * SLICE,
        capacity=capacity,
    )
    starts = [block + before for block in page.blocks()]
    dead = set(chance.sample(starts, len(starts) // 3))
    living = Living()
    living.add(page, before, dead)
    alive = set(starts) - dead
    near = {start + step for start in starts for step in (-16, -8, 0, 8, 16, 48)}
    far = [BASE - 16, page.start - 16, page.area_end - 16, page.area_end, 0, 1 << 63]
    for word in near.union(far, range(BASE, BASE + SLICE, 4096)):
        inside = page.start <= word < page.area_end
        assert living.is_missing(word) == (inside and word % 16 == 0 and word not in alive), word
        assert not living.is_missing(word) or living.missing([word]) == [word]
    words = array("Q", sorted(word for word in near if word >= BASE))
    outside = [word for word in words if not BASE <= word < page.area_end]
    assert living.outside(words, slices_of(words)) == outside


def test_what_no_program_can_address_is_outside(world):
    living = Living()
    living.add(a_page(world), 0, ())
    known = next(iter(living.slices)) << SLICE_SHIFT
    words = array("Q", [known, known + LOWEST_NONE])
    assert living.outside(words, slices_of(words)) == [known + LOWEST_NONE]


def test_memory_in_no_page_has_no_objects():
    living = Living()
    living.add_empty(BASE >> SLICE_SHIFT, 2)
    assert living.is_missing(BASE)
    assert living.is_missing(BASE + 2 * SLICE - 16)
    assert not living.is_missing(BASE + 8)
    assert not living.is_missing(BASE + 2 * SLICE)


@pytest.mark.parametrize("size", [16, 48, 112, 1024, 2048])
@pytest.mark.parametrize("freed", [0, 1, 13])
def test_columns_leave_out_no_word_that_points_into_the_slices(world, size, freed):
    chance = random.Random(size * 100 + freed)
    page = world.page(MEM, size, capacity=40)
    blocks = [page.take() for _ in range(40)]
    targets = [BASE + chance.randrange(4 * SLICE) for _ in range(8)]
    choices = [0, 7, 1 << 50, BASE + LOWEST_NONE, *targets]
    for at in range(0, size, 8):
        same = chance.choice(choices)
        is_uniform = chance.random() < 0.4
        for block in blocks:
            word = same if is_uniform else chance.choice(choices)
            world.memory.write(block + at, struct.pack("<Q", word))
    for block in chance.sample(blocks, freed):
        page.free(block)
    slices = {(BASE >> SLICE_SHIFT) + 1, (BASE >> SLICE_SHIFT) + 2}
    wanted, found = set(), set()
    for stretch in Sweep(world.heap().records).objects():
        wanted |= set(stretch.where({w for w in stretch.distinct() if w >> SLICE_SHIFT in slices}))
        for column in stretch.columns(slices):
            assert not column.is_uniform or set(column.words) == set(column.distinct())
            for index, word in zip(column.places, column.words):
                assert stretch.words[index] == word
                if word >> SLICE_SHIFT in slices:
                    found.add((stretch.start + 8 * index, word))
    assert found == wanted


def test_memory_in_no_page_has_one_column():
    stretch = Stretch(BASE, struct.pack("<4Q", BASE, 1, 2, BASE + 8), None, ((0, 1), (2, 4)))
    columns = list(stretch.columns({BASE >> SLICE_SHIFT}))
    assert [(list(c.places), list(c.words)) for c in columns] == [
        ([0], [BASE]),
        ([2, 3], [2, BASE + 8]),
    ]


def test_only_what_is_not_alive_is_told(world):
    page = world.page(GC, 112)
    made = [page.object("dict") for _ in range(30)]
    page.free(made[3])
    world.objects_world.immortal(world.objects_world.none, world.types["NoneType"])
    heap = world.heap()
    addresses = [*made, made[3], made[4] + 8, made[5] + 16, world.objects_world.none, 0]
    alone = {address: heap.judge(address, "object").verdict for address in addresses}
    alive = (Verdict.LIVE, Verdict.IMMORTAL)
    assert heap.not_alive(addresses) == {a: v for a, v in alone.items() if v not in alive}


def test_a_look_that_all_but_one_have(world):
    page = world.page(GC, 112)
    made = [page.object("dict") for _ in range(30)]
    assert world.heap().judge_many(made) == [Verdict.LIVE] * 30
    for odd in (made[0], made[17], made[-1]):
        world.set("PyObject", odd, ob_type=0x1234)
        heap = world.heap()
        assert heap.judge_many(made) == [heap.judge(a, "object").verdict for a in made]
        assert heap.not_alive(made) == {odd: Verdict.UNKNOWN}
        world.set("PyObject", odd, ob_type=world.types["dict"])


# --- with numpy and without -----------------------------------------------------------------------


def with_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for few words and small heaps."""
    pytest.importorskip("numpy", reason="scripts/setup installs it")
    # Another test may have made a stand-in for a debugger's module.
    monkeypatch.setattr(vectors, "DEBUGGERS", ())
    monkeypatch.setattr(vectors, "WORTHWHILE", 1)
    monkeypatch.setattr(living_, "LONG", 1)


@pytest.mark.parametrize("seed", range(20))
def test_numpy_finds_the_same_words(world, seed, monkeypatch):
    chance = random.Random(seed)
    page, living, other = a_page(world), Living(), Living()
    for number in range(chance.randrange(1, 6)):
        start = BASE + chance.randrange(64) * 8 * SLICE
        size = chance.choice([16, 48, 112, 1040, 40960])
        made = replace(
            page,
            start=start,
            block_size=size,
            area_end=start + 8 * SLICE,
            capacity=min(12 * number, 8 * SLICE // size),
        )
        dead = [block for block in made.blocks() if chance.random() < 0.3]
        for each in (living, other):
            each.add(made, 0, dead)
            each.add_empty((start >> SLICE_SHIFT) + 600, 2)
    near = [(number << SLICE_SHIFT) + 16 * chance.randrange(4096) for number in living.slices]
    words = [*near, 0, 8, BASE - 16, BASE - 1, (1 << 64) - 1, BASE + LOWEST_NONE, BASE + (1 << 45)]
    words += [chance.getrandbits(64) for _ in range(50)]
    chance.shuffle(words)
    alone = other.missing(words)
    with_numpy(monkeypatch)
    column = memoryview(array("Q", [word for each in words for word in (each, 1)]))[::2]
    assert living._vectors is not None
    assert living.missing(column) == alone
    living.add_empty((BASE >> SLICE_SHIFT) - 9, 1)
    words.append(BASE - 9 * SLICE)
    assert living.missing(memoryview(array("Q", words))) == [*alone, words[-1]]


def test_a_scan_finds_the_same_with_numpy(world, monkeypatch):
    page, arrays = world.page(GC, 144), world.page(MEM, 144)
    made = [page.object("dict") for _ in range(12)]
    holders = [new_tuple(world, page, *made[n : n + 3]) for n in range(9)]
    lists = [new_list(world, page, arrays, *made[n : n + 4]) for n in range(8)]
    for dead in (made[2], made[7], holders[1], lists[3]):
        page.free(dead)
    alone = world.heap().scan()
    with_numpy(monkeypatch)
    assert world.heap().scan() == alone
    assert len(alone.stale) > 8


def test_a_debugger_has_no_numpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "gdb", types.ModuleType("gdb"))
    assert vectors.numpy() is None


def test_a_scattered_heap_is_looked_at_word_by_word(monkeypatch):
    with_numpy(monkeypatch)
    living = Living()
    living.add_empty(1, 1)
    living.add_empty(2 + vectors.LONGEST, 1)
    assert living._vectors is None
    assert living.missing(memoryview(array("Q", [SLICE]))) == [SLICE]


# --- many structs ---------------------------------------------------------------------------------


def a_struct(fields: dict[str, Field]) -> StructLayout:
    return StructLayout("s", 32, {name: (field, Source.TABLE) for name, field in fields.items()})


@pytest.mark.parametrize(
    "fields",
    [
        {"a": Field(0, 4), "b": Field(8, 8), "c": Field(16, 1), "d": Field(18, 2)},
        {"a": Field(8, 1, bit=2, bits=3), "b": Field(8, 1, bit=0, bits=1), "c": Field(0, 8)},
        {"a": Field(0, 8), "b": Field(4, 4), "c": Field(20, 12)},
        {"a": Field(0, 3)},
    ],
)
def test_structs_in_thousands_are_read_as_one_by_one(fields):
    data = bytes(random.Random(1).randrange(256) for _ in range(96))
    layout = a_struct(fields)
    names = list(reversed(fields))
    read = layout.unpacker(*names)
    for at in (0, 32, 64):
        expected = []
        for name in names:
            field = layout.field(name)
            value = int.from_bytes(
                data[at + field.offset : at + field.offset + field.size], "little"
            )
            expected.append(value >> field.bit & (1 << field.bits) - 1 if field.bits else value)
        assert list(read(data, at)) == expected
    with pytest.raises(UnknownLayout):
        layout.unpacker("unheard")
