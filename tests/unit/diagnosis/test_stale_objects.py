"""FT101 of containers that a search found; FT104: which objects lost more references, and who said
so.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from gdbext.diagnosis.conclude.doubt import doubt
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.memory import HeapDamage, HeapState
from gdbext.diagnosis.facts.provenance import Holders, Provenance
from gdbext.diagnosis.rules import ft101_stale_item, ft102_use_after_free, ft104_double_free
from gdbext.diagnosis.rules.apply import findings
from gdbext.model import Claim, Confidence, Evidence, Finding, Subject, Verdict
from gdbext.target.protocol import NativeFrame
from gdbext.wording import sentence
from unit.diagnosis.crash_world import (
    ABORT,
    EXTENSION,
    GC,
    PYTHON,
    TAKEN,
    HeapWorld,
    facts_of,
    segfault,
    stack_of,
)

SAID = "_Py_NegativeRefcount: object has negative ref count"
GIVEN = replace(TAKEN, expected=None)


def two_lists(*, is_freed: bool = True) -> tuple[HeapWorld, int, int]:
    world = HeapWorld()
    page = world.page(GC, 64)
    made = page.object("list"), page.object("list")
    for address in made if is_freed else ():
        page.free(address)
    return world, *made


def fatal(message: str, about: int | None = None) -> Fault:
    return Fault(signal=ABORT, fatal_error=message, fatal_object=about)


def test_what_a_fatal_error_is_about_lost_its_references_and_no_other_dead_object() -> None:
    world, other, about = two_lists()
    stopped = facts_of(world, other, about, use=GIVEN, module=PYTHON, fault=fatal(SAID, about))
    [found] = ft104_double_free.check(stopped)
    assert found.subject is not None
    assert (found.subject.address, found.confidence) == (about, Confidence.PROVEN)
    assert (sentence(found.evidence[0].claim), found.evidence[0].value) == (
        "CPython reported",
        SAID,
    )


def test_an_error_about_an_object_that_no_frame_has_is_reported_with_that_object() -> None:
    world, other, about = two_lists()
    stopped = facts_of(world, other, use=GIVEN, module=PYTHON, fault=fatal(SAID, about))
    [found] = ft104_double_free.check(stopped)
    assert found.subject is not None
    assert found.subject.address == about


def test_what_counts_references_and_complains_of_something_else_is_no_double_free() -> None:
    """The function's name has the word, its message has not."""
    world, other, about = two_lists()
    said = "validate_refcounts: merged objects should have ob_tid == 0"
    stopped = facts_of(world, other, use=GIVEN, module=PYTHON, fault=fatal(said, about))
    assert not list(ft104_double_free.check(stopped))


def test_an_error_that_names_no_object_is_about_a_dead_argument() -> None:
    world, dead, _ = two_lists()
    reporter = NativeFrame(0, 0x1000, 0x7000, "_Py_FatalErrorFunc", module=PYTHON)

    def said_by(module: str) -> list[Finding]:
        caller = NativeFrame(1, 0x1100, 0x7100, "give_back", module=module)
        stopped = facts_of(
            world, dead, use=GIVEN, fault=fatal(SAID), stack=stack_of(reporter, caller)
        )
        return list(ft104_double_free.check(stopped))

    assert said_by(EXTENSION) == [], "an extension's message may have any words"
    [found] = said_by(PYTHON)
    assert found.subject is not None
    assert found.subject.address == dead
    local = facts_of(world, dead, use=replace(GIVEN, is_argument=False), fault=fatal(SAID))
    assert not list(ft104_double_free.check(local))


def test_another_fatal_error_says_nothing_of_references() -> None:
    world, dead, _ = two_lists()
    message = "PyMutex_Unlock: unlocking mutex that is not locked"
    stopped = facts_of(world, dead, use=GIVEN, fault=fatal(message, dead))
    assert not list(ft104_double_free.check(stopped))


@pytest.mark.parametrize("is_root", [True, False])
def test_what_is_deallocated_although_it_is_gone_lost_one_reference_too_many(is_root: bool) -> None:
    world, dead, other = two_lists()
    stopped = facts_of(world, dead, other, use=GIVEN, ended_again=[dead if is_root else other])
    found = list(ft104_double_free.check(stopped))
    assert [(f.subject and f.subject.address, f.confidence) for f in found] == (
        [(dead, Confidence.LIKELY)] if is_root else []
    )
    assert all(
        "being deallocated, although it is gone" in sentence(f.evidence[0].claim) for f in found
    )
    # Who uses it once more gives up no reference of another's.
    assert not any("too many" in sentence(f.title) for f in found)


def test_what_was_done_to_an_object_stands_before_what_that_did_to_the_allocators_list() -> None:
    world, dead, other = two_lists()
    stopped = facts_of(world, dead, use=GIVEN, ended_again=[dead])

    def rules(damaged: int, flaw: str) -> list[str]:
        subject = Subject(damaged, "list", None, Verdict.FREED)
        title = Claim("freelist-damaged", flaw=Claim(flaw))
        damage = HeapDamage(title=title, subject=subject)
        return [f.rule for f in findings(replace(stopped, heap=HeapState(damages=(damage,))))]

    assert rules(dead, "overrun") == ["FT102", "FT104", "FT105"]
    assert rules(other, "overrun") == ["FT102", "FT105", "FT104"]
    # Who ends once more frees all that was its own once more.
    assert rules(other, "member-twice") == ["FT102", "FT104", "FT105"]


def test_what_is_only_possible_stands_behind_the_assertion_that_failed() -> None:
    world, dead, _ = two_lists()
    failed = Fault(signal=ABORT, assertion="count == 0")
    stopped = facts_of(world, dead, use=replace(TAKEN, expected=None), fault=failed)
    doubted = doubt(stopped.pointers[0], failed, stopped.stack)
    cause = replace(stopped.cause, pointer=doubted)
    found = findings(replace(stopped, pointers=(doubted,), cause=cause))
    assert [(f.rule, f.confidence) for f in found] == [
        ("FT401", Confidence.PROVEN),
        ("FT102", Confidence.POSSIBLE),
    ]


OTHER = Evidence("still held by .price of Shop 0x5000", 0x5020, 0x1000)


def test_a_container_that_was_searched_for_holds_what_somebody_else_freed() -> None:
    world, dead, holder = two_lists(is_freed=False)
    world.pages[0].free(dead)
    origin = Provenance(
        holder=holder,
        type="list",
        slot=0,
        current=True,
        length=1,
        function=None,
        level=0,
        adjacent=False,
        evidence=(Evidence("still holds", holder, dead),),
        was_searched=True,
    )
    holders = Holders(container=origin, others=(OTHER,))
    stopped = facts_of(world, dead, use=GIVEN, provenance=origin, holders=holders)
    [found] = ft101_stale_item.check(stopped)
    assert found.container is not None
    assert (found.container.address, found.container.index) == (holder, 0)
    assert found.confidence is Confidence.PROVEN
    assert found.advice == ft102_use_after_free.RULE.advice
    assert OTHER in found.evidence
    assert not list(ft102_use_after_free.check(stopped))


def test_who_else_holds_a_freed_object_is_reported_without_a_container() -> None:
    world, dead, _ = two_lists()
    stopped = facts_of(world, dead, use=GIVEN, holders=Holders(others=(OTHER,)))
    assert not list(ft101_stale_item.check(stopped))
    [found] = ft102_use_after_free.check(stopped)
    assert (found.container, found.evidence[1]) == (None, OTHER)


def test_a_fault_through_the_fill_of_freed_memory_is_a_use_after_free() -> None:
    fill = 0xDDDD_DDDD_DDDD_DDDD
    hooked = HeapWorld(hooks=True)
    [found] = ft102_use_after_free.check(facts_of(hooked, fault=segfault(fill, 0x18)))
    assert (found.rule, found.subject, found.confidence) == ("FT102", None, Confidence.LIKELY)
    assert not list(ft102_use_after_free.check(facts_of(hooked, fault=segfault(0x1000, 0x18))))
    plain = facts_of(HeapWorld(hooks=False), fault=segfault(fill, 0x18))
    assert not list(ft102_use_after_free.check(plain)), "nobody writes fills there"
