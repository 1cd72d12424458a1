"""Pairs of threads that work on one object: which two accesses fit best, and how suspicious both
are.

Whoever asks why another thread, line or operation is named begins here.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.types import traits_of
from gdbext.diagnosis import weights
from gdbext.diagnosis.conclude.accesses import recency, weight
from gdbext.diagnosis.conclude.effects import identifies
from gdbext.diagnosis.conclude.race_doubts import doubt_of
from gdbext.diagnosis.conclude.race_parts import race_thread, take_turns, thread_claim
from gdbext.diagnosis.conclude.shared_items import accesses_in_turn, accesses_to_parts
from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity
from gdbext.frozen import dataclass
from gdbext.model import (
    Claim,
    Confidence,
    Evidence,
    Operation,
    OperationKind,
    Race,
    SharedObject,
)

CHANGES_ATTRIBUTE = (OperationKind.SETATTR, OperationKind.DELATTR)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two threads' closest accesses to one object, the reader or victim first."""

    address: int
    type: str
    first: Access
    second: Access
    score: float
    is_guarded: bool
    in_turn: bool = False
    """The second thread has another such object at hand now, from the same container."""
    whole: SharedObject | None = None
    """What the first thread's code has at hand, where the object is only a part of that."""

    @property
    def only_reads(self) -> bool:
        """Whether neither does more than to read the object, as far as is known."""
        return self.first.effect is Effect.READ and self.second.effect is Effect.READ


def ranked_pairs(accesses: Accesses, by_thread: Mapping[int, Sequence[Access]]) -> list[Pair]:
    """Objects that two threads work on and at least one may change, the most suspicious first."""
    by_object: dict[int, dict[int, Access]] = {}
    everything = [access for of_thread in by_thread.values() for access in of_thread]
    private = {a.address for a in everything if a.is_private}
    changed = {a.address for a in everything if a.effect.changes and not a.is_guarded}
    for lwp, of_thread in by_thread.items():
        for access in of_thread:
            if access.address in private or not _is_suspicious(accesses, access, changed):
                continue
            if _has_handed_on(accesses, access):
                continue
            best = by_object.setdefault(access.address, {}).get(lwp)
            if best is None or weight(access) > weight(best):
                by_object[access.address][lwp] = access
    pairs = [
        pair
        for each in by_object.values()
        if len(each) > 1 and (pair := _pair(accesses, each.values()))
    ]
    shared = {pair.address for pair in pairs}
    items = by_thread.get(accesses.crashed or 0, ())
    turns = (pair for two in accesses_in_turn(accesses, items) if (pair := _pair(accesses, two)))
    in_turn = {p.address: replace(p, in_turn=True) for p in turns if p.address not in shared}
    chosen: dict[int, Pair] = {}
    for pair in (*pairs, *in_turn.values(), *_pairs_on_parts(accesses, items)):
        known = chosen.setdefault(pair.address, pair)
        chosen[pair.address] = min(known, pair, key=_rank)
    return sorted((p for p in chosen.values() if p.score >= weights.MIN_SCORE), key=_rank)


def _pairs_on_parts(accesses: Accesses, items: Sequence[Access]) -> Iterator[Pair]:
    """Pairs on a part of what the crashed thread works on."""
    for whole, part, change in accesses_to_parts(accesses, items):
        if _is_suspicious(accesses, change, ()) and (pair := _pair(accesses, (part, change))):
            yield replace(pair, whole=SharedObject(whole.address, whole.type))


def _rank(pair: Pair) -> tuple[bool, float]:
    return not _may_do_harm(pair), -pair.score


def _may_do_harm(pair: Pair) -> bool:
    """Whether one of the two changes the object, and no lock keeps them apart: what both lock
    comes behind, however near they are.
    """
    is_safe = pair.is_guarded or traits_of(pair.type).made_to_be_shared
    return not is_safe and (pair.first.effect.changes or pair.second.effect.changes)


def _only_looks_up(access: Access) -> bool:
    """Whether the thread takes a method of the object, to hand it on."""
    return access.is_passing_on and access.operation.kind is OperationKind.GETATTR


def _has_handed_on(accesses: Accesses, access: Access) -> bool:
    """Whether another thread than the crashed one has called Python code with the object, and is
    not in that.
    """
    return access.is_passing_on and access.lwp != accesses.crashed


def _is_suspicious(accesses: Accesses, access: Access, changed: Container[int]) -> bool:
    """Whether an access may be one half of a race.

    All code calls functions and looks into classes: that counts for a function which another thread
    may have ``changed``.
    """
    if access.proximity is Proximity.EARLIER or traits_of(access.type).immutable:
        return False
    if access.proximity is not Proximity.INSIDE and (
        identifies(access.operation) or _only_looks_up(access)
    ):
        return False
    if access.type == "function":
        return access.effect.changes or access.address in changed
    # A class has a metaclass's type: contextlib's own helpers are of ABCMeta.
    kinds = {access.type, *accesses.bases.get(access.address, ())}
    return "type" not in kinds or access.effect.changes


def _pair(accesses: Accesses, candidates: Iterable[Access]) -> Pair | None:
    """The two accesses to one object that fit best; None where they are no race.

    The steps: the ``writer`` is who changes the object (of two, the nearer).  Where the crashed
    thread is at work on it (``mine``) it is one of the two, and the other is who changes it; else
    the writer's best opponent is chosen, rather one with another operation.  An opponent that only
    reads now counts by what its loop does to change the object (:func:`_harm_of`).  Last, the
    victim or reader is put first, as reports show them.
    """
    ordered = sorted(candidates, key=weight, reverse=True)
    mine = next((a for a in ordered if _is_crashed_ones(accesses, a)), None)
    writer = next((a for a in ordered if a.effect is not Effect.READ), ordered[0])
    if mine is not None and mine is not writer:
        # The crashed thread is one of the two; the other is who changes the object, if any does.
        writer = _partner(mine, writer, ordered)
        if mine.is_guarded and mine.effect.changes and writer.is_guarded:
            # Neither harms the other; a third one may, that takes no lock.
            writer = mine
    if writer.effect is Effect.READ and (
        writer.proximity > Proximity.LINE or any(a.is_guarded for a in ordered)
    ):
        # What only reads may count exports, cache or advance within: worth a word where nothing
        # else is.
        return None
    is_own_pair = mine is not None and mine is not writer
    other = mine if is_own_pair else _opponent(writer, ordered)
    if is_own_pair and mine is not None and _is_harmless(writer, mine):
        other = _opponent(writer, ordered)
    if other is not None and other.lwp != accesses.crashed:
        other = _harm_of(accesses, other)
    if other is None or (_is_hidden(writer) and _is_hidden(other)):
        return None
    if writer.type == "module" and not _race_on_module(accesses, writer, other):
        return None
    is_second = other.lwp == accesses.crashed or writer.lwp != accesses.crashed
    first, second = (other, writer) if is_second else (writer, other)
    if accesses.crashed not in (first.lwp, second.lwp) and second.effect.changes:
        first = next((a for a in ordered if _has_died_of(accesses, a)), first)
    return Pair(
        address=writer.address,
        type=writer.type,
        first=first,
        second=second,
        score=_score(accesses, writer, other),
        is_guarded=writer.is_guarded and other.is_guarded,
    )


def _partner(mine: Access, writer: Access, ordered: Sequence[Access]) -> Access:
    """Who harms what the crashed thread is at work on: who changes the object, if anybody does.

    Of those of whom that is not known it is rather one that does something else: who does the same
    as the crashed thread may only read, as that may.
    """
    others = [a for a in ordered if a is not mine]
    changing = next((a for a in others if a.effect.changes), None)
    if changing is not None or writer.operation != mine.operation:
        return changing or writer
    different = (
        a
        for a in others
        if a.effect is not Effect.READ
        and a.operation != mine.operation
        and not identifies(a.operation)
        and weight(a) >= weights.DIFFERENT * weight(writer)
    )
    return next(different, writer)


def _is_crashed_ones(accesses: Accesses, access: Access) -> bool:
    """Whether the crashed thread is at work on the object, and does not just hold it."""
    is_near = access.proximity <= Proximity.LINE and not access.is_passing_on
    return access.lwp == accesses.crashed and is_near and not _is_safe(access)


def _has_died_of(accesses: Accesses, access: Access) -> bool:
    """Whether the crashed thread may have met what another thread has made of the object.

    It need not be in the object's code any more: what it took from the object it still has.
    """
    is_over = access.proximity is Proximity.EARLIER or identifies(access.operation)
    return access.lwp == accesses.crashed and not is_over and not _only_looks_up(access)


def _is_harmless(writer: Access, reader: Access) -> bool:
    """Whether what may only read meets what is as safe."""
    return not writer.effect.changes and _is_safe(reader)


def _harm_of(accesses: Accesses, access: Access) -> Access:
    """What the access's thread does to the object to change it, where it only reads that now.

    Who only reads does not damage anything.  What it did a moment ago may have.
    """
    thread = accesses.of(access.lwp)
    if thread is None or access.effect is not Effect.READ:
        return access
    changes = (
        a
        for a in thread.by_code
        if a.address == access.address
        and a.proximity <= Proximity.FUNCTION
        and a.effect is not Effect.READ
        and not a.is_passing_on
    )
    return min(
        changes, key=lambda a: (not a.effect.changes, a.proximity, recency(a)), default=access
    )


def _is_hidden(access: Access) -> bool:
    """Whether only C code has at hand what all code uses: the dict of a module's globals, say."""
    return access.proximity is Proximity.INTERNAL and traits_of(access.type).common


def _opponent(writer: Access, ordered: Sequence[Access]) -> Access | None:
    """The best access of another thread than the writer's."""
    # What may only read harms nobody who reads a plain attribute.
    others = [a for a in ordered if a.lwp != writer.lwp and not _is_harmless(writer, a)]
    unlocked = [a for a in others if not a.is_guarded and a.proximity <= Proximity.LOOP]
    others = unlocked if writer.is_guarded and unlocked else others
    if not others:
        return None
    best = max(others, key=weight)
    different = (
        a
        for a in others
        if a.operation != writer.operation
        and not identifies(a.operation)
        and weight(a) >= weights.DIFFERENT * weight(best)
    )
    return max(different, key=weight, default=best)


def _race_on_module(accesses: Accesses, writer: Access, other: Access) -> bool:
    """Whether two threads may race on a module: one is at its function, and the other does not just
    look a name up in it, which no function of the module's changes.

    Every thread calls functions of such as ``time`` or ``_thread`` now and then: of two that the
    crashed thread is none of, both must be at one, and none may have detached, as who sleeps has.
    """
    both = (writer, other)
    looks_up = any(a.operation.kind is OperationKind.GETATTR for a in both)
    changes = any(a.operation.kind in CHANGES_ATTRIBUTE for a in both)
    are_others = accesses.crashed not in (writer.lwp, other.lwp)
    if are_others and any(t.is_detached for a in both if (t := accesses.of(a.lwp))):
        return False
    nearest = max if are_others else min
    is_at = nearest(a.proximity for a in both) <= Proximity.AT
    return is_at and (changes or not looks_up)


def _score(accesses: Accesses, writer: Access, other: Access) -> float:
    """How suspicious two accesses to one object are; of no unit, for ranking."""
    score = weight(writer) * weight(other)
    if (
        writer.effect.changes
        and writer.proximity < Proximity.INTERNAL
        and other.proximity is Proximity.INTERNAL
    ):
        # C code has at hand what another thread's Python code changes.
        score = weight(writer) * weight(replace(other, proximity=Proximity.INSIDE))
    factors = (
        (writer.is_guarded and other.is_guarded, weights.GUARDED),
        (
            not writer.effect.changes and writer.operation == other.operation,
            weights.UNCHANGED,
        ),
        (accesses.crashed in (writer.lwp, other.lwp), weights.TAKES_PART),
        (traits_of(writer.type).made_to_be_shared, weights.MADE_TO_BE_SHARED),
        (writer.type == accesses.failing_type, weights.FITS),
        (writer.type == "module", weights.MODULE),
    )
    for applies, factor in factors:
        score *= factor if applies else 1.0
    return score


def _is_safe(access: Access) -> bool:
    return access.effect is Effect.READ and access.is_guarded


def race_of(accesses: Accesses, pair: Pair, is_victim: bool) -> Race:
    """``is_victim``: the damage shows that the crashed thread need not be one of the two."""
    both = (pair.first, pair.second)
    changing = next((a for a in reversed(both) if a.effect.changes), pair.second)
    mine = next((a for a in both if a.lwp == accesses.crashed and a is not changing), None)
    doubt = doubt_of(accesses.doubts, pair.address, changing, mine)
    takes_part = accesses.crashed in (pair.first.lwp, pair.second.lwp)
    others = accesses.doubts.of_bystanders if is_victim and not takes_part else None
    is_clear = _is_clear(accesses, pair)
    if is_victim:
        # What the code faulted on is damage that it met: it says nothing of who did that.
        is_clear = is_clear and others is None
    else:
        is_clear = is_clear and takes_part and doubt is None
    return Race(
        Confidence.LIKELY if is_clear else Confidence.POSSIBLE,
        SharedObject(pair.address, pair.type),
        tuple(race_thread(accesses, access) for access in both),
        (
            *_evidence(accesses, pair),
            *([Evidence(doubt, pair.address)] if doubt else ()),
            *([Evidence(others)] if others else ()),
        ),
    )


def _is_clear(accesses: Accesses, pair: Pair) -> bool:
    """Whether two threads are seen to be at one object, at least one of them inside its C code,
    with nothing that keeps them apart, and nothing that has to be supposed.
    """
    both = (pair.first, pair.second)
    only_read = all(access.effect is Effect.READ for access in both)
    is_supposed = pair.in_turn or pair.whole is not None or only_read
    is_seen = any(a.proximity is Proximity.INSIDE for a in both) and not any(
        _only_has_it(accesses, access) for access in both
    )
    is_apart = pair.is_guarded or take_turns(accesses, pair.first.lwp, pair.second.lwp)
    is_enough = pair.score >= weights.CLEAR_SCORE
    return is_enough and is_seen and not is_supposed and not is_apart


def _only_has_it(accesses: Accesses, access: Access) -> bool:
    """Whether another thread than the crashed one has the object in a variable of C code, which is
    not known to do anything to it: a look-up has whatever it finds.
    """
    is_at_hand = access.proximity is Proximity.INTERNAL and not access.effect.changes
    return is_at_hand and access.lwp != accesses.crashed


def _evidence(accesses: Accesses, pair: Pair) -> Iterator[Evidence]:
    for access in (pair.first, pair.second):
        address = pair.whole.address if pair.whole and access is pair.first else pair.address
        yield Evidence(_part(accesses, pair, access), address)
    if pair.whole is not None:
        yield Evidence(
            Claim("holds-what-is-changed", type=pair.whole.type),
            pair.whole.address,
            None,
            pair.address,
        )


def _part(accesses: Accesses, pair: Pair, access: Access) -> Claim:
    """What one thread has to do with the object."""
    thread, operation = thread_claim(accesses, access), access.operation
    if access.proximity is Proximity.INSIDE:
        if access.c_function:
            operation = Operation(kind=OperationKind.C_FUNCTION, name=access.c_function)
        return Claim("thread-is-inside", thread=thread, operation=operation)
    if access.is_pending:
        return Claim("has-pending", thread=thread, operation=operation)
    if pair.in_turn:
        return Claim("takes-in-turn", thread=thread, operation=operation)
    # Who is not at the operation right now was there, or will be.
    if access.proximity is Proximity.LINE:
        return Claim("thread-is-on-line", thread=thread, operation=operation)
    if access.proximity is Proximity.LOOP:
        return Claim("thread-is-in-loop", thread=thread, operation=operation)
    if access.proximity is Proximity.FUNCTION:
        return Claim("thread-is-in-code", thread=thread, operation=operation)
    return Claim("thread-runs", thread=thread, operation=operation)
