"""CPython's freelists in their forms of 3.13 and of 3.14 and later."""

from __future__ import annotations

import struct

import pytest

from gdbext.cpython.allocator.object_freelists import is_object_list
from gdbext.cpython.objects.header import MERGED
from gdbext.model import Confidence, Verdict
from gdbext.wording import sentence
from unit.heap.heap_world import GC, MEM, OBJECT, SEGMENT, FakePage, HeapWorld

STATE = "_PyThreadStateImpl"


@pytest.fixture
def old() -> HeapWorld:
    return HeapWorld("3.13.5")


@pytest.fixture(params=["3.14.10", "3.15.2"])
def new(request: pytest.FixtureRequest) -> HeapWorld:
    return HeapWorld(request.param)


def place(world: HeapWorld, name: str, thread: int = 0) -> int:
    return world.threads[thread].address + world.layout.offset(STATE, f"freelists.{name}")


def dead(page: FakePage, type_name: str) -> int:
    return page.object(type_name, ob_ref_local=0)


def assert_cached(world: HeapWorld, address: int, name: str) -> None:
    judged = world.heap().judge(address)
    assert (judged.verdict, judged.confidence) == (Verdict.CACHED, Confidence.PROVEN)
    assert name in sentence(judged.reason)
    assert judged.evidence[0].address is not None
    assert world.word(judged.evidence[0].address) == address


# --- 3.13 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "type_name"), [("lists", "list"), ("dicts", "dict")])
def test_arrays_of_dead_objects(old: HeapWorld, name: str, type_name: str) -> None:
    page = old.page(GC, 64)
    members = [dead(page, type_name) for _ in range(3)]
    old.memory.write(place(old, f"{name}.items", 1), struct.pack("<3Q", *members))
    old.memory.write(place(old, f"{name}.numfree", 1), struct.pack("<i", 2))
    assert_cached(old, members[0], name)
    assert_cached(old, members[1], name)
    # The third is in the array's unused end: a leftover.
    assert old.heap().judge(members[2]).verdict is Verdict.DYING


def test_floats_are_linked_through_their_type(old: HeapWorld) -> None:
    page = old.page(OBJECT, 48)
    members = [dead(page, "float") for _ in range(3)]
    for member, following in zip(members, [*members[1:], 0]):
        old.set("PyObject", member, ob_type=following)
    old.memory.write_word(place(old, "floats.items"), members[0])
    old.memory.write(place(old, "floats.numfree"), struct.pack("<i", 3))
    for member in members:
        assert_cached(old, member, "floats")


def test_tuples_are_linked_through_their_first_item_by_size(old: HeapWorld) -> None:
    page = old.page(GC, 64)
    members = [dead(page, "tuple") for _ in range(2)]
    item = old.layout.offset("PyTupleObject", "ob_item")
    old.memory.write_word(members[0] + item, members[1])
    old.memory.write_word(members[1] + item, 0)
    old.memory.write_word(place(old, "tuples.items") + 8 * 2, members[0])
    old.memory.write(place(old, "tuples.numfree") + 4 * 2, struct.pack("<i", 2))
    assert_cached(old, members[1], "tuples[3]")


def test_the_one_slice(old: HeapWorld) -> None:
    member = dead(old.page(GC, 64), "slice")
    old.memory.write_word(place(old, "slices.slice_cache"), member)
    assert_cached(old, member, "slices")


def test_dict_keys_are_kept_as_blocks(old: HeapWorld) -> None:
    keys = old.page(MEM, 192).take()
    old.memory.write_word(place(old, "dictkeys.items"), keys)
    old.memory.write(place(old, "dictkeys.numfree"), struct.pack("<i", 1))
    assert not is_object_list("dictkeys")
    judged = old.heap().judge_block(keys + 8)
    assert (judged.verdict, judged.confidence) == (Verdict.CACHED, Confidence.PROVEN)


def test_a_thread_that_ends_has_disabled_freelists(old: HeapWorld) -> None:
    member = dead(old.page(GC, 64), "list")
    old.memory.write_word(place(old, "lists.items"), member)
    old.memory.write(place(old, "lists.numfree"), struct.pack("<i", -1))
    heap = old.heap()
    assert heap.judge(member).verdict is Verdict.DYING
    assert heap.freelist_health() == []


def test_a_push_that_was_interrupted_is_no_damage(old: HeapWorld) -> None:
    page = old.page(GC, 64)
    members = [dead(page, "tuple") for _ in range(2)]
    item = old.layout.offset("PyTupleObject", "ob_item")
    old.memory.write_word(members[0] + item, members[1])
    old.memory.write_word(members[1] + item, 0)
    old.memory.write_word(place(old, "tuples.items"), members[0])
    old.memory.write(place(old, "tuples.numfree"), struct.pack("<i", 1))
    heap = old.heap()
    assert heap.freelist_health() == []
    assert heap.judge(members[1]).verdict is Verdict.CACHED


# --- 3.14 and later -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lists", "floats", "ints", "slices", "pymethodobjects"])
def test_lists_through_the_first_word(new: HeapWorld, name: str) -> None:
    page = new.page(GC, 64)
    members = [dead(page, "list") for _ in range(2)]
    new.memory.write_word(members[0], members[1])
    new.memory.write_word(members[1], 0)
    new.memory.write(place(new, name), struct.pack("<Qq", members[0], 2))
    for member in members:
        assert_cached(new, member, name)


def test_tuples_by_size(new: HeapWorld) -> None:
    member = dead(new.page(GC, 112), "tuple")
    new.memory.write_word(member, 0)
    new.memory.write(place(new, "tuples") + 16 * 4, struct.pack("<Qq", member, 1))
    assert_cached(new, member, "tuples[5]")


def test_a_reference_taken_after_death_does_not_break_the_list(new: HeapWorld) -> None:
    """A race's loser counts up what is on the freelist already: its link still says what it is."""
    page = new.page(GC, 64)
    members = [dead(page, "list") for _ in range(3)]
    for member, following in zip(members, [*members[1:], 0]):
        new.memory.write_word(member, following)
    for member in members[:2]:
        new.set("PyObject", member, ob_ref_shared=(2 << 2) | MERGED)
    new.memory.write(place(new, "lists"), struct.pack("<Qq", members[0], 3))
    for member in members:
        assert_cached(new, member, "lists")
    assert new.heap().freelist_health() == []


@pytest.mark.parametrize("word", ["thread", "none", "other type"])
def test_an_object_with_references_and_no_link_breaks_the_list(new: HeapWorld, word: str) -> None:
    page = new.page(GC, 64)
    member, other = dead(page, "list"), dead(page, "dict")
    new.set("PyObject", member, ob_ref_shared=(2 << 2) | MERGED)
    words = {"thread": new.threads[0].thread_id, "none": 0, "other type": other}
    new.memory.write_word(member, words[word])
    new.memory.write(place(new, "lists"), struct.pack("<Qq", member, 2))
    assert new.heap().judge(member).verdict is not Verdict.CACHED
    (found,) = new.heap().freelist_health()
    assert "leads to an object with references" in sentence(found.title)


# --- damage -------------------------------------------------------------------------------------


def test_a_list_that_does_not_end_after_its_count(new: HeapWorld) -> None:
    page = new.page(GC, 64)
    members = [dead(page, "list") for _ in range(4)]
    for member, following in zip(members, [*members[1:], 0x4141_4141_4141_4141]):
        new.memory.write_word(member, following)
    new.memory.write(place(new, "lists"), struct.pack("<Qq", members[0], 2))
    (found,) = new.heap().freelist_health()
    assert "`lists`" in sentence(found.title)
    assert any("goes on" in sentence(evidence.claim) for evidence in found.evidence)


@pytest.mark.parametrize(
    ("word", "count", "reason"),
    [
        (0x4141_4141_4141_4141, 1, "not the address of an object"),
        (0x7777_0000_0000, 2, "cannot be read"),
        (0, 1 << 40, "out of range"),
    ],
)
def test_words_that_are_no_freelist(new: HeapWorld, word: int, count: int, reason: str) -> None:
    new.page(GC, 64).object("list")
    new.memory.write(place(new, "dicts"), struct.pack("<Qq", word, count))
    found = new.heap().freelist_health()
    assert reason in " ".join(
        sentence(evidence.claim) for corruption in found for evidence in corruption.evidence
    )


def test_a_cycle_on_a_freelist(new: HeapWorld) -> None:
    member = dead(new.page(GC, 64), "list")
    new.memory.write_word(member, member)
    new.memory.write(place(new, "lists"), struct.pack("<Qq", member, 5))
    (found,) = new.heap().freelist_health()
    assert any("twice" in sentence(evidence.claim) for evidence in found.evidence)


def test_an_object_that_is_cached_and_freed_was_freed_twice(new: HeapWorld) -> None:
    page = new.page(GC, 64)
    member = dead(page, "list")
    page.free(member)
    new.write()
    new.memory.write(place(new, "lists"), struct.pack("<Qq", member, 1))
    (found,) = new.heap().freelist_health()
    assert "freed as well" in sentence(found.title)
    assert found.subject == member


def test_what_is_in_no_page_damages_its_freelist(old: HeapWorld) -> None:
    old.page(GC, 64).object("list")
    elsewhere = SEGMENT - (1 << 20)
    old.map(elsewhere, 4096)
    old.set("PyObject", elsewhere, ob_type=old.types["list"])
    old.memory.write(place(old, "lists.items"), struct.pack("<Q", elsewhere))
    old.memory.write(place(old, "lists.numfree"), struct.pack("<i", 1))
    (found,) = old.heap().freelist_health()
    assert "in no page" in sentence(found.evidence[0].claim)


def test_a_segment_that_was_written_over_says_nothing_of_the_freelists(old: HeapWorld) -> None:
    member = dead(old.page(GC, 64), "list")
    old.memory.write(place(old, "lists.items"), struct.pack("<Q", member))
    old.memory.write(place(old, "lists.numfree"), struct.pack("<i", 1))
    assert old.heap().freelist_health() == []
    old.set("mi_segment_t", SEGMENT, segment_info_slices=0)
    assert old.heap().freelist_health() == []


def test_an_array_with_a_count_out_of_range(old: HeapWorld) -> None:
    old.page(GC, 64).object("list")
    old.memory.write(place(old, "lists.numfree"), struct.pack("<i", 81))
    (found,) = old.heap().freelist_health()
    assert "LWP 100" in sentence(found.title)


def test_a_link_that_leads_to_a_living_object_does_not_kill_it(new: HeapWorld) -> None:
    page = new.page(GC, 64)
    member, alive = dead(page, "list"), page.object("list")
    new.memory.write_word(member, alive)
    new.memory.write(place(new, "lists"), struct.pack("<Qq", member, 2))
    heap = new.heap()
    assert heap.judge(alive).verdict is Verdict.LIVE
    # Its list is broken, so that its own place on it proves nothing.
    assert (heap.judge(member).verdict, heap.judge(member).confidence) == (
        Verdict.CACHED,
        Confidence.LIKELY,
    )
    (found,) = heap.freelist_health()
    assert "leads to an object with references" in sentence(found.title)


def test_a_list_that_ends_early(new: HeapWorld) -> None:
    page = new.page(GC, 64)
    members = [dead(page, "list") for _ in range(2)]
    new.memory.write(members[0], struct.pack("<Q", members[1]))
    new.memory.write_word(members[1], 0)
    new.memory.write(place(new, "lists"), struct.pack("<Qq", members[0], 3))
    assert new.heap().freelist_health() == []
    new.memory.write(place(new, "lists"), struct.pack("<Qq", members[0], 7))
    (found,) = new.heap().freelist_health()
    assert any("ends after 2 of its 7" in sentence(evidence.claim) for evidence in found.evidence)


def test_a_layout_without_freelists_has_none() -> None:
    world = HeapWorld("3.13.5")
    member = dead(world.page(GC, 64), "list")
    heap = world.heap()
    known = world.layout._table
    assert STATE in known
    assert heap.judge(member).verdict is Verdict.DYING
