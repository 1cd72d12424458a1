"""Which of the recorded calls took away what a crash is about."""

from __future__ import annotations

from dataclasses import replace

from gdbext.commands.seen_calls import AddressAtDeath, SeenCall, WatchedFunction, joined
from gdbext.model import Verdict

HERE = 0x20000001000
FREES = WatchedFunction(name="unionobject.tp_dealloc", frees=True, passes=0)
CLEARS = WatchedFunction(name="list_clear", frees=False, passes=0)
KINDS = frozenset({"types.UnionType", "object"})
FREED = SeenCall(place=FREES, address=HERE, type="types.UnionType", kinds=KINDS, lwp=2)
LIST = SeenCall(place=CLEARS, address=HERE, type="list", kinds=frozenset({"list", "object"}), lwp=2)
GONE = AddressAtDeath(
    address=HERE, how="the subject", verdict=Verdict.FREED, expected="types.UnionType"
)


def said(calls: list[SeenCall], there: AddressAtDeath) -> list[tuple[bool, int, str | None]]:
    found = joined(calls, there, crashed=1)
    return [(each.call.place.frees, each.call.lwp, each.reused_as) for each in found]


def test_who_freed_what_is_free_at_the_death() -> None:
    other = replace(FREED, address=HERE + 64, lwp=3)
    assert said([replace(FREED, lwp=4), FREED, other], GONE) == [(True, 2, None)]
    # One of any type is expected, or none is known: the header is filled.
    assert said([FREED], replace(GONE, expected="object")) == [(True, 2, None)]
    assert said([FREED], replace(GONE, expected=None)) == [(True, 2, None)]


def test_a_deallocation_before_an_object_that_lives_there_now_is_another_ones() -> None:
    assert said([FREED], replace(GONE, verdict=Verdict.LIVE, type="types.UnionType")) == []
    assert said([FREED], replace(GONE, verdict=Verdict.LIVE)) == []


def test_what_was_used_after_the_last_deallocation_was_freed_unseen() -> None:
    used = replace(FREED, place=CLEARS)
    assert said([FREED, used], GONE) == []
    assert said([used, FREED], GONE) == [(True, 2, None), (False, 2, None)]


def test_what_was_freed_as_another_type_says_nothing() -> None:
    assert said([FREED], replace(GONE, expected="dict")) == []
    # The block still has the header of what died there last.
    assert said([FREED], replace(GONE, type="dict")) == []
    assert said([FREED], replace(GONE, type="types.UnionType")) == [(True, 2, None)]


def test_memory_that_was_used_again_is_said_to_be() -> None:
    reused = replace(GONE, verdict=Verdict.REUSED, type="list")
    assert said([FREED], reused) == [(True, 2, "list")]
    # The code takes it for any object: that may be the one that lives there now.
    assert said([FREED], replace(reused, expected=None)) == []
    assert said([FREED], replace(reused, expected="dict")) == []
    assert said([FREED, replace(FREED, place=CLEARS)], reused) == []
    assert said([FREED, LIST], reused) == [(True, 2, "list")]


def test_what_is_not_known_to_have_been_an_object_there_was_not_freed_by_anyone() -> None:
    for verdict in (Verdict.UNMAPPED, Verdict.INTERIOR, Verdict.UNKNOWN, Verdict.NEVER_ALLOCATED):
        assert said([FREED], replace(GONE, verdict=verdict)) == []


def test_who_emptied_a_live_container_did_so_in_this_life_of_it() -> None:
    there = AddressAtDeath(address=HERE, how="the container", verdict=Verdict.LIVE, type="list")
    freed = replace(LIST, place=FREES)
    assert said([LIST, replace(LIST, lwp=1)], there) == [(False, 2, None)]
    assert said([replace(LIST, lwp=1)], there) == [(False, 1, None)]
    assert said([LIST, freed], there) == []
    assert said([replace(LIST, lwp=3), freed, LIST], there) == [(False, 2, None)]
    # Before, an object of another type lived there.
    assert said([replace(LIST, type="set")], there) == []
