"""FT101 of containers that a search found; FT104: which objects lost more references than they had, and who said so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from case_world import ABORT, EXTENSION, GC, PYTHON, TAKEN, HeapWorld, case_of, segfault

from gdbext.diagnosis.fault import Fault
from gdbext.diagnosis.holders import Held
from gdbext.diagnosis.origin import Origin
from gdbext.diagnosis.rules import stale
from gdbext.diagnosis.rules.catalog import DOCS
from gdbext.model import Confidence, Evidence, Finding
from gdbext.target.protocol import NativeFrame
from gdbext.wording import sentence

SAID = "_Py_NegativeRefcount: object has negative ref count"
GIVEN = replace(TAKEN, expected=None)


def two_lists(*, is_freed: bool = True) -> tuple[HeapWorld, int, int]:
    world = HeapWorld()
    page = world.page(GC, 64)
    made = page.object("list"), page.object("list")
    for address in made if is_freed else ():
        page.free(address)
    return world, *made


def test_what_a_fatal_error_is_about_lost_its_references_and_no_other_dead_object() -> None:
    world, other, about = two_lists()
    stopped = case_of(
        world,
        other,
        about,
        use=GIVEN,
        module=PYTHON,
        fault=Fault(ABORT, fatal_error=SAID, fatal_object=about),
    )
    [found] = stale.double_free(stopped)
    assert found.subject is not None
    assert (found.subject.address, found.confidence) == (about, Confidence.PROVEN)
    assert (sentence(found.evidence[0].claim), found.evidence[0].value) == (
        "CPython reported",
        SAID,
    )


def test_an_error_about_an_object_that_no_frame_has_is_told_with_that_object() -> None:
    world, other, about = two_lists()
    stopped = case_of(
        world,
        other,
        use=GIVEN,
        module=PYTHON,
        fault=Fault(ABORT, fatal_error=SAID, fatal_object=about),
    )
    [found] = stale.double_free(stopped)
    assert found.subject is not None and found.subject.address == about


def test_an_error_that_names_no_object_is_about_a_dead_argument() -> None:
    world, dead, _ = two_lists()
    fault = Fault(ABORT, fatal_error=SAID)
    reporter = NativeFrame(0, 0x1000, 0x7000, "_Py_FatalErrorFunc", module=PYTHON)

    def said_by(module: str) -> list[Finding]:
        frames = [reporter, NativeFrame(1, 0x1100, 0x7100, "give_back", module=module)]
        return list(
            stale.double_free(case_of(world, dead, use=GIVEN, fault=fault, native_frames=frames))
        )

    assert said_by(EXTENSION) == [], "an extension's message may have any words"
    [found] = said_by(PYTHON)
    assert found.subject is not None and found.subject.address == dead
    assert not list(
        stale.double_free(case_of(world, dead, use=replace(GIVEN, is_argument=False), fault=fault))
    )


def test_another_fatal_error_says_nothing_of_references() -> None:
    world, dead, _ = two_lists()
    fault = Fault(
        ABORT, fatal_error="PyMutex_Unlock: unlocking mutex that is not locked", fatal_object=dead
    )
    assert not list(stale.double_free(case_of(world, dead, use=GIVEN, fault=fault)))


@pytest.mark.parametrize("is_root", [True, False])
def test_what_is_deallocated_although_it_is_gone_lost_one_reference_too_many(is_root: bool) -> None:
    world, dead, other = two_lists()
    stopped = case_of(world, dead, other, use=GIVEN)
    again = next(s for s in stopped.suspects if (s is stopped.root) is is_root)
    again.ended_again = True
    found = list(stale.double_free(stopped))
    assert [(f.subject and f.subject.address, f.confidence) for f in found] == (
        [(dead, Confidence.LIKELY)] if is_root else []
    )
    assert all(
        "being deallocated, although it is gone" in sentence(f.evidence[0].claim) for f in found
    )


OTHER = Evidence("still held by .price of Shop 0x5000", 0x5020, 0x1000)


def test_a_container_that_was_searched_for_holds_what_somebody_else_freed() -> None:
    world, dead, holder = two_lists(is_freed=False)
    world.pages[0].free(dead)
    origin = Origin(
        holder,
        "list",
        0,
        True,
        1,
        None,
        0,
        False,
        (Evidence("still holds", holder, dead),),
        was_searched=True,
    )
    stopped = case_of(world, dead, use=GIVEN, origin=origin, held=Held(origin, (OTHER,)))
    [found] = stale.container_item(stopped)
    assert found.container is not None
    assert (found.container.address, found.container.index, found.confidence) == (
        holder,
        0,
        Confidence.PROVEN,
    )
    assert found.advice == DOCS["FT102"].advice
    assert OTHER in found.evidence
    assert not list(stale.after_free(stopped))


def test_who_else_holds_a_freed_object_is_told_without_a_container() -> None:
    world, dead, _ = two_lists()
    stopped = case_of(world, dead, use=GIVEN, held=Held(None, (OTHER,)))
    assert not list(stale.container_item(stopped))
    [found] = stale.after_free(stopped)
    assert (found.container, found.evidence[1]) == (None, OTHER)


def test_a_fault_through_the_fill_of_freed_memory_is_a_use_after_free() -> None:
    world = HeapWorld(hooks=True)
    fill = 0xDDDD_DDDD_DDDD_DDDD
    [found] = stale.after_free(case_of(world, fault=segfault(fill, 0x18)))
    assert (found.rule, found.subject, found.confidence) == ("FT102", None, Confidence.LIKELY)
    assert not list(stale.after_free(case_of(world, fault=segfault(0x1000, 0x18))))
    assert not list(
        stale.after_free(case_of(HeapWorld(hooks=False), fault=segfault(fill, 0x18)))
    ), "nobody writes fills there"
