"""FT105: in a process that did not crash only a list without an end; in one that did, what the fault itself shows of damage."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from case_world import GC, MEM, SELF, TAKEN, FakePage, HeapWorld, case_of, segfault

from gdbext.cpython.allocator.health import Corruption
from gdbext.cpython.allocator.page_free_lists import Damage, Flaw
from gdbext.diagnosis.fault import Fault
from gdbext.diagnosis.origin import Origin
from gdbext.diagnosis.rules import heap as rules
from gdbext.model import Confidence, Problems
from gdbext.target.protocol import NativeFrame, NativeThread
from gdbext.wording import sentence

WALKING = ("mi_heap_visit_blocks", "gc_visit_heaps", "gc_collect_main")
COMPUTING = ("list_append", "_PyEval_EvalFrameDefault")


def case(functions: tuple[str, ...], flaw: Flaw, is_snapshot: bool = False) -> Any:
    page: Any = SimpleNamespace(capacity=4, used=2)
    found = [Corruption(Damage(page, flaw, "free"), "damaged", (), is_snapshot=is_snapshot)]
    session = SimpleNamespace(
        debugger=SimpleNamespace(
            frames=lambda lwp, limit: [
                NativeFrame(n, 0x1000, 0x7000, name) for n, name in enumerate(functions)
            ][:limit]
        ),
        heap=SimpleNamespace(
            freelist_health=list,
            pages=lambda: [page],
            free_list_health=lambda page: found,
            records=SimpleNamespace(mimalloc=SimpleNamespace(owner=lambda page: None)),
        ),
    )
    return SimpleNamespace(
        session=session, fault=Fault(None), lwp=1, native_threads=[NativeThread(1, 1)], root=None
    )


def test_a_collection_that_walks_a_circle_never_ends() -> None:
    assert [f.rule for f in rules.corrupted(case(WALKING, Flaw.CYCLE))] == ["FT105"]


@pytest.mark.parametrize(
    "stopped",
    [
        case(COMPUTING, Flaw.CYCLE),
        case(WALKING, next(flaw for flaw in Flaw if flaw is not Flaw.CYCLE)),
        case(WALKING, Flaw.CYCLE, is_snapshot=True),
    ],
)
def test_a_process_that_may_be_in_the_middle_of_something_is_not_accused(stopped: Any) -> None:
    assert not list(rules.corrupted(stopped))


# --- in a process that crashed ------------------------------------------------------------------------


TEXT = 0x7878_7878_7878_7878


def in_function(function: str, base: int, *, world: HeapWorld | None = None) -> Any:
    """A crash in a function of the allocator, or another's, that went through a word; no list is damaged."""
    frame = NativeFrame(0, 0x1000, 0x7000, function)
    c_frames = [SimpleNamespace(frame=frame, function=function, variables=())]
    world = world or HeapWorld()
    return case_of(
        world,
        fault=segfault(base),
        native_frames=[frame],
        c_frames=c_frames,
        native_threads=[],
        problems=Problems(),
    )


@pytest.mark.parametrize("function", ["mi_free", "_mi_page_malloc", "mi_heap_visit_blocks"])
def test_a_word_that_the_allocator_met_and_that_is_no_block_was_written_over_a_link(
    function: str,
) -> None:
    [found] = rules.corrupted(in_function(function, TEXT))
    assert (found.rule, found.confidence) == ("FT105", Confidence.LIKELY)
    assert f"{function} met {TEXT:#x}, which is no block" in sentence(sentence(found.title))
    assert (found.evidence[0].value, found.evidence[0].broken) == (TEXT, True)


def test_a_fault_in_the_allocator_on_a_block_of_its_own_tells_nothing() -> None:
    world = HeapWorld()
    block = world.page(GC, 64).take()
    assert not list(rules.corrupted(in_function("mi_free", block, world=world)))


def test_null_was_never_a_link() -> None:
    assert not list(rules.corrupted(in_function("mi_heap_malloc", 0)))


def test_another_functions_bad_pointer_is_no_damage_of_the_heap() -> None:
    assert not list(rules.corrupted(in_function("shape_area", TEXT)))


def overrun(world: HeapWorld, page: FakePage) -> int:
    """The data of a new block, whose guard bytes behind its 40 bytes were written over."""
    block = page.take()
    page.guard(block, size=40)
    world.memory.write(block + page.before + 40, b"x" * 8)
    return block + page.before


def behind_an_overrun(world: HeapWorld, **header: int) -> int:
    page = world.page(GC, 128)
    overrun(world, page)
    lst = page.object("list")
    world.set("PyObject", lst, **header)
    return lst


def test_the_block_before_an_object_that_was_written_over_is_told() -> None:
    world = HeapWorld("3.13.5", "debug")
    [found] = rules.corrupted(case_of(world, behind_an_overrun(world, ob_type=TEXT)))
    assert (found.rule, found.confidence) == ("FT105", Confidence.PROVEN)
    assert "past its 40 bytes" in sentence(sentence(found.title))


def test_the_block_before_the_array_that_a_word_was_read_from_is_told() -> None:
    world = HeapWorld("3.13.5", "debug")
    lst, page = behind_an_overrun(world), world.page(MEM, 128)
    lead, block = overrun(world, page), page.take()
    page.guard(block)
    array = block + page.before
    world.memory.write(array, world.objects_world.words(1, TEXT))
    world.set("PyListObject", lst, ob_size=1, ob_item=array + 8, allocated=1)
    came_from = Origin(lst, "list", 0, True, 1, "list_repr", 1, adjacent=True, evidence=())
    [found] = rules.corrupted(case_of(world, TEXT, use=SELF, origin=came_from))
    assert found.subject is not None and found.subject.address == lead


def test_the_neighbour_of_a_sound_object_has_done_it_no_harm() -> None:
    world = HeapWorld("3.13.5", "debug")
    stopped = case_of(world, behind_an_overrun(world), use=replace(TAKEN, expected="list"))
    assert not list(rules.corrupted(stopped))
