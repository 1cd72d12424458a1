"""A race fits by its threads and operations, and the crash shows that it need not have done it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.conclude.race_doubts import doubts_of
from gdbext.diagnosis.conclude.races import find_races
from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity, ThreadAccesses
from gdbext.diagnosis.facts.cause import Cause, Wrong
from gdbext.diagnosis.facts.doubts import RaceDoubts
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import Fault, Refusal, Refused
from gdbext.diagnosis.facts.memory import AllocatorCall, HeapState
from gdbext.diagnosis.facts.origin import ItemRead, Load, Origin
from gdbext.diagnosis.facts.pointers import BrokenField, Pointer
from gdbext.diagnosis.facts.provenance import Provenance
from gdbext.model import Claim, Confidence, Evidence, Race, Verdict
from gdbext.target.protocol import SIGNAL_FRAME, NativeFrame, Signal
from gdbext.wording import sentence
from unit.diagnosis.crash_world import ABORT, EXTENSION, PYTHON, facts_of, segfault, stack_of
from unit.diagnosis.test_ranking import access, blame, stopped
from unit.heap.heap_world import GC, HeapWorld

TEXT = 0x4141414141414140
LIST = 0x5000
FIXED = replace(
    segfault(0).operand, text="0x0", base=None, base_value=None, displacement=0, address=0
)
READS = access(1, LIST, "list", "repr", Effect.READ, Proximity.INSIDE, 10, own_level=1)
POPS = access(2, LIST, "list", "pop", Effect.RESIZE, Proximity.AT, 20, is_guarded=True)
ADDS = replace(POPS, operation=access(2, 1, "", "append", Effect.READ, Proximity.AT, 1).operation)


def crash(fault: Fault, *frames: NativeFrame, **parts: object) -> Facts:
    stack = stack_of(*(frames or (NativeFrame(0, 0x10, 0x7000, "area", module=EXTENSION),)))
    return Facts(fault=fault, stack=stack, **parts)  # type: ignore[arg-type]  # fields by name


def reason(facts: Facts) -> str | None:
    claim = doubts_of(facts).of_all
    return claim.kind if claim else None


def race_in(accesses: Accesses, *rules: str) -> Race:
    findings = [blame(rule, LIST) for rule in rules]
    return find_races(accesses, findings, is_crash=True)[0]


def said(race: Race) -> str:
    return " ".join(sentence(e.claim) for e in race.evidence)


def test_an_address_that_stands_in_the_code_was_read_from_no_object() -> None:
    assert reason(crash(replace(segfault(0), operand=FIXED))) == "address-in-code"
    assert reason(crash(segfault(0))) is None
    indexed = replace(FIXED, text="0x0(,%rax,8)")
    assert reason(crash(replace(segfault(0), operand=indexed))) is None


def test_what_an_extension_gave_up_over_need_not_be_a_race() -> None:
    own = NativeFrame(1, 0x20, 0x7100, "give_up", module=EXTENSION)
    assert reason(crash(Fault(signal=ABORT), own)) == "own-abort"
    assert reason(crash(Fault(signal=ABORT, assertion="n == m"), own)) is None
    assert reason(crash(Fault(signal=ABORT), replace(own, module=PYTHON))) is None
    illegal = Fault(signal=Signal("SIGILL", 7, 4, "ILL_ILLOPN"))
    trap = replace(illegal, refusal=Refusal(why=Refused.TRAP))
    assert reason(crash(trap, own)) == "own-abort"
    assert reason(crash(illegal, own)) is None


def test_an_extensions_fatal_error_is_about_its_own_state() -> None:
    frames = [
        NativeFrame(1, 0x20, 0x7100, "_Py_FatalErrorFunc", module=PYTHON),
        NativeFrame(2, 0x30, 0x7200, "give_up", module=EXTENSION),
    ]
    fatal = Fault(signal=ABORT, fatal_error="negative refcount entries")
    assert reason(crash(fatal, *frames)) == "own-fatal-error"
    checks = NativeFrame(2, 0x30, 0x7200, "validate_list", module=PYTHON)
    assert reason(crash(fatal, frames[0], checks, replace(frames[1], level=3))) is None


def test_a_signal_that_was_sent_is_no_fault_unless_a_handler_sent_it_again() -> None:
    sent = replace(segfault(0x10), signal=Signal("SIGSEGV", 7, 11, "SI_TKILL"))
    assert reason(crash(sent)) == "signal-was-sent"
    handled = NativeFrame(1, 0x20, 0x7100, SIGNAL_FRAME)
    assert reason(crash(sent, NativeFrame(0, 0x10, 0x7000, "raise"), handled)) is None


def provenance(current: bool) -> Provenance:
    return Provenance(
        holder=LIST,
        type="list",
        slot=0,
        current=current,
        length=3,
        function="list_repr_impl",
        level=1,
        adjacent=True,
    )


def test_a_list_that_has_a_word_of_text_was_written_over() -> None:
    world = HeapWorld()
    made = facts_of(world, world.page(GC, 64).object("list"))
    pointer = replace(made.pointers[0], address=TEXT)
    cause = Cause(kind=Wrong.NOT_AN_OBJECT, pointer=pointer, provenance=provenance(True))
    assert doubts_of(crash(segfault(TEXT), cause=cause)).written_over == LIST
    gone = replace(cause, provenance=provenance(False))
    # An array that was freed, and holds a text by now, had it for its reader.
    assert doubts_of(crash(segfault(TEXT), cause=gone)).written_over is None


def broken(value: int) -> tuple[Pointer, Facts]:
    world = HeapWorld()
    made = facts_of(world, world.page(GC, 64).object("dict"))
    flaw = BrokenField("buf", Evidence(Claim("null", slot="buf"), 0x10, value))
    pointer = replace(made.pointers[0], violations=(flaw,))
    assert pointer.verdict is Verdict.LIVE
    return pointer, crash(segfault(value), cause=Cause(kind=Wrong.BROKEN_FIELD, pointer=pointer))


def test_a_field_of_a_live_object_that_is_text_was_written_over() -> None:
    pointer, facts = broken(TEXT)
    assert doubts_of(facts).written_over == pointer.address
    assert doubts_of(broken(0x20000001230)[1]).written_over is None


@pytest.mark.parametrize(("now", "expected"), [(TEXT, LIST), (0x20000001230, None)])
def test_a_word_of_text_that_the_code_read_from_an_object_and_that_is_still_there(
    now: int, expected: int | None
) -> None:
    load = Load(place=LIST + 0x50, value=TEXT, now=now, base=LIST, type="list")
    fault = replace(segfault(TEXT), origin=Origin(loads=(load,)))
    assert doubts_of(crash(fault)).written_over == expected


def test_a_race_on_what_was_written_over_is_possible() -> None:
    unlocked = replace(POPS, is_guarded=False)
    assert race_in(stopped(READS, unlocked), "FT101").confidence is Confidence.LIKELY
    accesses = stopped(READS, unlocked, doubts=RaceDoubts(written_over=LIST))
    race = race_in(accesses, "FT101")
    assert race.confidence is Confidence.POSSIBLE
    assert "something else wrote over it" in said(race)
    elsewhere = stopped(READS, unlocked, doubts=RaceDoubts(written_over=0x9000))
    assert race_in(elsewhere, "FT101").confidence is Confidence.LIKELY


def test_who_takes_the_lock_has_not_taken_away_what_is_still_there() -> None:
    accesses = stopped(READS, POPS, doubts=RaceDoubts(still_holds=LIST))
    race = race_in(accesses, "FT101")
    assert race.confidence is Confidence.POSSIBLE
    assert "still has what its reader died of" in said(race)
    unlocked = stopped(READS, replace(POPS, is_guarded=False), doubts=accesses.doubts)
    assert race_in(unlocked, "FT101").confidence is Confidence.LIKELY
    assert race_in(stopped(READS, POPS), "FT101").confidence is Confidence.LIKELY


def test_who_only_adds_under_the_lock_has_ended_nothing() -> None:
    accesses = stopped(READS, ADDS, doubts=RaceDoubts(is_item_lost=True))
    race = race_in(accesses)
    assert race.confidence is Confidence.POSSIBLE
    assert "ends nothing that it held" in said(race)
    assert race_in(stopped(READS, POPS, doubts=accesses.doubts)).confidence is Confidence.LIKELY


def test_what_a_method_of_an_extensions_type_does_is_not_known_unless_a_thread_is_in_it() -> None:
    def race(other: Access) -> Race:
        mine = access(1, LIST, other.type, "query", Effect.READ, Proximity.INSIDE, 10, own_level=1)
        return race_in(stopped(mine, other), "FT205")

    calls = access(2, LIST, "db.Session", "name", Effect.UNKNOWN, Proximity.INSIDE, 20)
    assert race(calls).confidence is Confidence.POSSIBLE
    assert "what name does to a db.Session is not known" in said(race(calls))
    assert race(replace(calls, own_level=1)).confidence is Confidence.LIKELY
    assert race(replace(calls, effect=Effect.RESIZE)).confidence is Confidence.LIKELY
    assert race(replace(calls, type="_io.BytesIO")).confidence is Confidence.LIKELY


def test_what_takes_the_lock_leaves_whole_what_an_extension_was_only_given() -> None:
    """``fastvec.total(prices)`` dies of a NULL of its own while another thread pops a price."""
    given = access(1, LIST, "dict", "total", Effect.UNKNOWN, Proximity.INSIDE, 10)
    pops = replace(POPS, type="dict")
    doubts = RaceDoubts(extension="total")
    race = race_in(stopped(given, pops, doubts=doubts))
    assert race.confidence is Confidence.POSSIBLE
    assert "leaves it whole: total need not have died of that" in said(race)
    assert race_in(stopped(given, pops)).confidence is Confidence.LIKELY
    # It may have had the item that was popped.
    lost = stopped(given, pops, doubts=replace(doubts, is_item_lost=True))
    assert race_in(lost).confidence is Confidence.LIKELY
    unlocked = replace(pops, is_guarded=False)
    assert race_in(stopped(given, unlocked, doubts=doubts)).confidence is Confidence.LIKELY


def test_that_two_only_read_is_no_likely_race() -> None:
    """``repr(partial)`` dies of what an extension gave up, and another thread reads ``.args``."""
    shows = access(1, LIST, "functools.partial", "repr", Effect.READ, Proximity.INSIDE, 1)
    reads = access(2, LIST, "functools.partial", "getattr:args", Effect.READ, Proximity.INSIDE, 2)
    accesses = stopped(shows, reads, failing_type="functools.partial")
    assert race_in(accesses).confidence is Confidence.POSSIBLE
    sets = replace(reads, effect=Effect.WRITE)
    changed = stopped(shows, sets, failing_type="functools.partial")
    assert race_in(changed).confidence is Confidence.LIKELY


def test_who_only_has_the_object_at_hand_in_c_has_done_nothing_to_it() -> None:
    mine = access(1, LIST, "list", "pop", Effect.RESIZE, Proximity.INSIDE, 10, own_level=1)
    looks = access(2, LIST, "list", "lookup", Effect.UNKNOWN, Proximity.INTERNAL, 20)
    assert race_in(stopped(mine, looks)).confidence is Confidence.POSSIBLE
    assert race_in(stopped(mine, BYSTANDER)).confidence is Confidence.LIKELY
    moves = replace(looks, effect=Effect.RESIZE)
    assert race_in(stopped(mine, moves)).confidence is Confidence.LIKELY


def test_a_null_is_still_there_for_a_reader_that_has_the_lock() -> None:
    item = ItemRead(holder=LIST, type="list", index=0, length=3, place=0x6000, now=0)
    fault = replace(segfault(0), origin=Origin(item=item))
    locked = frozenset({LIST + 10})
    assert doubts_of(crash(fault), locked).still_holds == LIST
    # One that takes no lock may meet the room that another one is about to fill.
    assert doubts_of(crash(fault)).still_holds is None
    behind = replace(fault, origin=Origin(item=replace(item, index=3)))
    assert doubts_of(crash(behind), locked).still_holds is None


def test_a_dead_object_that_the_list_still_has_was_not_taken_away() -> None:
    cause = Cause(kind=Wrong.GONE, provenance=provenance(True))
    facts = crash(segfault(0x10), cause=cause)
    assert (doubts_of(facts).still_holds, doubts_of(facts).is_item_lost) == (LIST, True)
    assert doubts_of(crash(segfault(0x10))).still_holds is None


# --- a damaged heap -------------------------------------------------------------------------------

BYSTANDER = access(2, LIST, "list", "clear", Effect.RESIZE, Proximity.INSIDE, 20)
BOTH = (BYSTANDER, replace(BYSTANDER, lwp=3))


def bystanders(facts: Facts, *also: Access) -> Race:
    accesses = stopped(*BOTH, *also, doubts=doubts_of(facts))
    idle = () if also else (ThreadAccesses(lwp=1),)
    return race_in(replace(accesses, threads=(*accesses.threads, *idle)), "FT105")


def test_of_a_damaged_heap_threads_that_race_elsewhere_are_the_likely_cause() -> None:
    race = bystanders(crash(segfault(TEXT), heap=HeapState(was_searched=True)))
    assert race.confidence is Confidence.LIKELY
    assert "met damage that others had done" in said(race)


def test_an_extension_may_have_damaged_the_heap_as_well() -> None:
    heap = HeapState(was_searched=True, other_writers=("fastvec", "_ctypes", "spline", "mesh"))
    race = bystanders(crash(segfault(TEXT), heap=heap))
    assert race.confidence is Confidence.POSSIBLE
    assert "fastvec, _ctypes, spline and 1 more" in said(race)
    # The crashed thread's own race needs no such guess.
    mine = replace(READS, is_guarded=False)
    assert bystanders(crash(segfault(TEXT), heap=heap), mine).confidence is Confidence.LIKELY


@pytest.mark.parametrize(
    "message", ["double free or corruption (!prev)", "free(): double free detected in tcache 2"]
)
def test_threads_that_share_a_list_do_not_damage_the_heap_of_the_c_library(message: str) -> None:
    race = bystanders(crash(Fault(signal=ABORT, library_message=message)))
    assert race.confidence is Confidence.POSSIBLE
    assert "the C library's heap" in said(race)


def test_a_fault_among_the_c_librarys_lists_is_such_damage() -> None:
    call = AllocatorCall(function="malloc", is_cpythons=False, level=1, caller="area", pointer=None)
    heap = HeapState(was_searched=True, call=call)
    assert "the C library's heap" in said(bystanders(crash(segfault(TEXT), heap=heap)))


def test_who_died_of_its_own_object_has_met_no_damage_of_others() -> None:
    accesses = stopped(*BOTH)
    accesses = replace(accesses, threads=(*accesses.threads, ThreadAccesses(lwp=1)))
    for rules in (("FT404",), ("FT104", "FT105")):
        race = race_in(accesses, *rules)
        assert race.confidence is Confidence.POSSIBLE
        assert "is not seen to use it" in said(race)
        assert "met damage" not in said(race)
