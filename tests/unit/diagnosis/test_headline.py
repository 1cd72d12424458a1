"""What the first finding says besides its rule's words: the object that the crashed code works on,
and the race that old damage is likely to come of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.conclude.own_objects import object_at_work
from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity, ThreadAccesses
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.rules import apply, ft105_heap_damage, ft205_null_slot, ft404_native_fault
from gdbext.model import Claim, Confidence, Finding, Race, RaceThread, SharedObject, Subject
from gdbext.target.protocol import NativeFrame
from gdbext.wording import sentence
from unit.diagnosis.crash_world import LWP, PYTHON, HeapWorld, facts_of, segfault, stack_of
from unit.diagnosis.words import operation

SHARED = 0x5D60
ELEMENT = "xml.etree.ElementTree.Element"
CLEAR, EXTEND = operation("clear"), operation("extend")
OWN = Access(
    lwp=LWP,
    address=SHARED,
    type=ELEMENT,
    operation=CLEAR,
    effect=Effect.RESIZE,
    proximity=Proximity.INSIDE,
    c_function="clear_extra",
    own_level=1,
)
RACE = Race(
    Confidence.LIKELY,
    SharedObject(SHARED, ELEMENT),
    (
        RaceThread(LWP, "clears", CLEAR, "a.py", 3, "clears", None, True),
        RaceThread(LWP + 1, "extends", EXTEND, "a.py", 7, "extends", None, True),
    ),
)


def stopped(*functions: str, fault: Fault | None = None) -> Facts:
    """A crash in those functions of CPython's, innermost first."""
    frames = [
        NativeFrame(level, 0x10 + level, 0x7000 + 16 * level, name, module=PYTHON)
        for level, name in enumerate(functions)
    ]
    return facts_of(HeapWorld(), fault=fault or segfault(0, 0x18), stack=stack_of(*frames))


IN_HELPER = stopped("dealloc_extra", "clear_extra")
IN_ALLOCATOR = stopped("mi_free", "clear_extra")


def native(facts: Facts) -> Finding:
    [found] = ft404_native_fault.check(facts)
    return found


def damage(facts: Facts) -> Finding:
    """The heap's damage as the headline has it."""
    return ft105_heap_damage.RULE.finding(
        facts, Claim("in-function", function="mi_free"), Confidence.PROVEN
    )


def null(facts: Facts, confidence: Confidence = Confidence.LIKELY) -> Finding:
    claim = Claim("uses-null", function="dealloc_extra")
    return ft205_null_slot.RULE.finding(facts, claim, confidence)


def said(
    facts: Facts, found: Sequence[Finding], race: Race | None = None, own: Access | None = OWN
) -> str:
    """The headline."""
    first = apply.with_races(facts, found, [race] if race else [], own)[0]
    return f"{first.rule} {sentence(first.title)}"


def test_a_fault_names_the_object_that_the_code_around_it_works_on() -> None:
    [found] = apply.with_races(IN_HELPER, [native(IN_HELPER)], [], OWN)
    assert sentence(found.title) == (
        "native fault outside Python objects: in dealloc_extra, through NULL, "
        "in clear_extra at work on an xml.etree.ElementTree.Element"
    )
    assert found.evidence[0].address == SHARED
    assert found.subject is None, "nothing says what is wrong with it"


def test_a_function_that_the_headline_has_is_not_named_again() -> None:
    own = replace(OWN, c_function="dealloc_extra_impl")
    assert said(IN_HELPER, [native(IN_HELPER)], own=own) == (
        "FT404 native fault outside Python objects: in dealloc_extra, through NULL, "
        "at work on an xml.etree.ElementTree.Element"
    )


@pytest.mark.parametrize(
    "about", [Subject(SHARED, None), Subject(0x9990, None)], ids=["the object", "another"]
)
def test_a_finding_about_the_object_says_it_already(about: Subject) -> None:
    found = replace(null(IN_HELPER), subject=about)
    assert ("at work on" in said(IN_HELPER, [found])) is (about.address != SHARED)
    named = replace(found, title=Claim("null-in", slot="extra", type=ELEMENT))
    assert "at work on" not in said(IN_HELPER, [named])


def test_without_such_code_it_is_the_race_that_the_thread_takes_part_in() -> None:
    by_race = f"through NULL, likely by clear and extend on one {ELEMENT}"
    assert said(IN_HELPER, [native(IN_HELPER)], RACE, own=None).endswith(by_race)
    for silent in (
        replace(RACE, confidence=Confidence.POSSIBLE),
        replace(RACE, threads=(RACE.threads[1], replace(RACE.threads[1], lwp=7))),
    ):
        assert said(IN_HELPER, [native(IN_HELPER)], silent, own=None).endswith("through NULL")
    about = replace(null(IN_HELPER), subject=Subject(SHARED, None))
    assert "likely by" not in said(IN_HELPER, [about], RACE, own=None)


def test_a_likely_race_on_another_object_is_told_instead_of_what_the_code_worked_on() -> None:
    """A pickler is at work; the dict that it walks is what another thread changes."""
    title = said(IN_HELPER, [native(IN_HELPER)], RACE, own=replace(OWN, address=0x9990))
    assert title.endswith(f"likely by clear and extend on one {ELEMENT}")
    possible = replace(RACE, confidence=Confidence.POSSIBLE)
    other = replace(OWN, address=0x9990, type="_pickle.Pickler")
    assert "at work on a _pickle.Pickler" in said(
        IN_HELPER, [native(IN_HELPER)], possible, own=other
    )


def test_old_damage_is_told_with_the_race_that_is_likely_behind_it() -> None:
    title = said(IN_ALLOCATOR, [damage(IN_ALLOCATOR)], RACE)
    assert title.endswith(f"in mi_free, likely by clear and extend on one {ELEMENT}")
    possible = replace(RACE, confidence=Confidence.POSSIBLE)
    assert said(IN_ALLOCATOR, [damage(IN_ALLOCATOR)], possible).endswith("in mi_free"), (
        "whose code met it says nothing of who did it"
    )


def test_a_fault_on_the_object_of_the_race_goes_before_damage_that_it_did_not_meet() -> None:
    found = [damage(IN_HELPER), null(IN_HELPER)]
    assert said(IN_HELPER, found, RACE).startswith("FT205")
    assert said(IN_HELPER, found, None).startswith("FT105")
    assert said(IN_HELPER, found, RACE, own=None).startswith("FT105")
    elsewhere = replace(RACE, object=SharedObject(0x9990, ELEMENT))
    assert said(IN_HELPER, found, elsewhere).startswith("FT105")
    bystanders = replace(RACE, threads=(RACE.threads[1], replace(RACE.threads[1], lwp=7)))
    assert said(IN_HELPER, found, bystanders).startswith("FT105")
    possible = replace(RACE, confidence=Confidence.POSSIBLE)
    assert said(IN_HELPER, found, possible).startswith("FT105")
    unsure = [damage(IN_HELPER), null(IN_HELPER, Confidence.POSSIBLE)]
    assert said(IN_HELPER, unsure, RACE).startswith("FT105")


def test_a_fault_in_the_allocator_is_of_the_damage() -> None:
    found = [damage(IN_ALLOCATOR), null(IN_ALLOCATOR)]
    assert said(IN_ALLOCATOR, found, RACE).startswith("FT105")


def test_the_object_of_the_innermost_code_is_meant_whoever_else_has_it() -> None:
    outer = replace(OWN, address=0x9990, own_level=3)
    private = replace(OWN, is_private=True)
    common = replace(OWN, type="dict", own_level=0)

    def at_work(*accesses: Access) -> Access | None:
        thread = ThreadAccesses(lwp=LWP, nearest=accesses)
        return object_at_work(Accesses(crashed=LWP, threads=(thread,)))

    assert at_work(outer, OWN) == OWN
    assert at_work(private) == private, "a deallocator is at work on it all the same"
    assert at_work(common) is None, "all code uses dicts"
    assert at_work(replace(OWN, own_level=None)) is None
