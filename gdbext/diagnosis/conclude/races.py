"""The race: which mutable object two threads worked on at once, and what each did to it.

Two ways lead there.  Where the findings name the object whose item or field was lost, the other
thread is the one whose code changes that object.  Where the crash site is only a victim, every
object that two threads work on is a suspect, and the suspects are ranked by how close both threads
are to it, what they do, and whether anything guards it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.types import traits_of
from gdbext.diagnosis import weights
from gdbext.diagnosis.conclude.accesses import losses, recency, weight
from gdbext.diagnosis.conclude.effects import identifies, keeps_items
from gdbext.diagnosis.conclude.shared_items import accesses_in_turn
from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity, ThreadAccesses
from gdbext.diagnosis.registry import traits
from gdbext.diagnosis.rule import Kind, Lost
from gdbext.frozen import dataclass
from gdbext.model import (
    Claim,
    Confidence,
    Evidence,
    Finding,
    Operation,
    OperationKind,
    Race,
    RaceThread,
    SharedObject,
    ThreadName,
)

MAX_RACES = 8


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


def culprits(findings: Sequence[Finding]) -> dict[int, bool]:
    """Objects whose content was lost under a reader; True where what was lost is an item that they
    held.
    """
    addresses: dict[int, bool] = {}
    for finding in findings:
        lost = traits(finding.rule).lost
        if lost is Lost.ITEM and finding.container:
            addresses.setdefault(finding.container.address, True)
        if lost is Lost.CONTENT and finding.subject:
            addresses.setdefault(finding.subject.address, False)
    return addresses


def find_races(accesses: Accesses, findings: Sequence[Finding], is_crash: bool) -> tuple[Race, ...]:
    """Suspected races, the best first; empty where nothing was shared, or nothing went wrong.

    ``is_crash``: the process died of itself.
    """
    if not is_crash and not findings:
        return ()
    races = list(_known_races(accesses, findings))
    rules = [traits(finding.rule) for finding in findings]
    if is_crash and not any(rule.kind is Kind.EXHAUSTION for rule in rules):
        is_victim = any(rule.is_victim for rule in rules)
        taken = {race.object.address for race in races}
        nearest = {thread.lwp: thread.nearest for thread in accesses.crashed_first}
        races += [
            _general_race(accesses, pair, is_victim)
            for pair in ranked_pairs(accesses, nearest)
            if pair.address not in taken
        ]
        own = _own_object(accesses)
        if not any(race.object.address == own or _is_clear_part(accesses, race) for race in races):
            races += _races_of_workers(accesses)
    return tuple(_by_evidence(accesses, races)[:MAX_RACES])


def _by_evidence(accesses: Accesses, races: Sequence[Race]) -> list[Race]:
    """What the crashed thread's own C code works on stands first, if another thread changes that
    or may.

    A suspect is not surer than one with better evidence.
    """
    own = _own_object(accesses)
    ordered = sorted(races, key=lambda race: race.object.address != own) if own else list(races)
    surest = Confidence.PROVEN
    found = []
    for race in ordered:
        surest = max(surest, race.confidence, key=lambda confidence: confidence.rank)
        if not _takes_part(accesses, race):
            race = replace(race, evidence=(*race.evidence, *_why_without(accesses)))
        found.append(replace(race, confidence=surest))
    return found


def _own_object(accesses: Accesses) -> int | None:
    """The object that the crashed thread's C code works on."""
    own = _own_access(accesses)
    return own.address if own is not None else None


def _own_access(accesses: Accesses) -> Access | None:
    """The innermost object of the type's own C code that the crashed thread is in, where that does
    not only read under the object's lock.

    An iterator that others take their items through stands for what it takes them from, where
    another thread steps it as well: it is what the program shares.
    """
    crashed = accesses.of(accesses.crashed)
    own = [a for a in crashed.nearest if _is_at_work_on(a)] if crashed else []
    innermost = min(own, key=lambda access: access.own_level or 0, default=None)
    if innermost is None or innermost.through is None:
        return innermost
    outer = next((a for a in own if a.address == innermost.through), None)
    others = (
        a
        for thread in accesses.threads
        if thread.lwp != accesses.crashed
        for a in thread.nearest
        if a.address == innermost.through and a.effect.changes and not a.is_passing_on
    )
    return outer if outer is not None and any(others) else innermost


def _why_without(accesses: Accesses) -> Iterator[Evidence]:
    """Why the crashed thread is thought to take no part: it is at work on nothing of the race."""
    crashed = accesses.of(accesses.crashed)
    if crashed is not None:
        name = ThreadName(crashed.name) if crashed.name else None
        thread = Claim("thread-by-name", lwp=crashed.lwp, name=name)
        yield Evidence(Claim("takes-no-part", thread=thread), None)


def _is_clear_part(accesses: Accesses, race: Race) -> bool:
    return _takes_part(accesses, race) and race.confidence.rank <= Confidence.LIKELY.rank


def _takes_part(accesses: Accesses, race: Race) -> bool:
    return any(thread.lwp == accesses.crashed for thread in race.threads)


# --- the other thread has gone on -----------------------------------------------------------------


def _races_of_workers(accesses: Accesses) -> Iterator[Race]:
    """The race on what the crashed thread changes, where no other thread has it at hand any more.

    The other one is a worker that does the same work: it may have had the object in its turn.
    """
    crashed, access = accesses.of(accesses.crashed), _own_access(accesses)
    if access is not None:
        workers = [t for t in accesses.threads if crashed and _does_the_same(t, crashed)]
        last = [w for t in workers if (w := _same_work(t, access))]
        other = min(last, key=lambda a: a.proximity, default=None)
        if other is None and not workers:
            return
        lwp = other.lwp if other else workers[0].lwp
        worker = next(thread for thread in workers if thread.lwp == lwp)
        second = RaceThread(
            lwp,
            worker.name,
            # Who only reads does no harm: what the other one did is not known.
            access.operation
            if access.effect is not Effect.READ
            else Operation(kind=OperationKind.USE),
            access.file,
            worker.line if worker.file == access.file else None,
            access.function,
            access.operation_line if worker.line != access.operation_line else None,
            access.effect.changes,
            worker.frame if worker.file == access.file else None,
        )
        thread = Claim("thread-by-name", lwp=lwp, name=ThreadName(worker.name or ""))
        claim = Claim("works-in-turn", thread=thread, operation=access.operation)
        inside = Claim(
            "thread-is-inside", thread=_thread(accesses, access), operation=access.operation
        )
        yield Race(
            Confidence.POSSIBLE,
            SharedObject(access.address, access.type),
            (_race_thread(accesses, access), second),
            (Evidence(inside, access.address), Evidence(claim, access.address)),
        )


def _is_at_work_on(access: Access) -> bool:
    """Whether the thread is in C code of the object's type, which takes no lock.

    What no other thread can have is left out."""
    traits = traits_of(access.type)
    is_mutable = not (traits.immutable or traits.common or traits.made_to_be_shared)
    is_there = access.proximity is Proximity.INSIDE and access.is_own
    return is_there and is_mutable and not access.is_guarded and not access.is_private


def _does_the_same(thread: ThreadAccesses, crashed: ThreadAccesses) -> bool:
    """Whether a thread is a worker as the crashed one: in a function that this is in, too, or
    between two tasks of the same kind.
    """
    if thread is crashed or thread.work is None or thread.work != crashed.work:
        return False
    place = (thread.file, thread.function)
    return place == thread.work or place in crashed.path


def _same_work(thread: ThreadAccesses, access: Access) -> Access | None:
    """What the thread does now to another object of the type."""
    near = (a for a in thread.nearest if a.type == access.type and a.proximity <= Proximity.LOOP)
    return min(near, key=lambda a: a.proximity, default=None)


# --- the object is known --------------------------------------------------------------------------


def _known_races(accesses: Accesses, findings: Sequence[Finding]) -> Iterator[Race]:
    for address, lost_item in culprits(findings).items():
        if race := _race_on_owner(accesses, address):
            yield race
        if race := _race_on(accesses, address, lost_item):
            yield race
    for finding in findings:
        if traits(finding.rule).has_own_race and (race := _race_within(accesses, finding)):
            yield race


def _race_on(accesses: Accesses, address: int, lost_item: bool) -> Race | None:
    """The race on a known object: the crashed thread, and the thread whose code changes
    the object.
    """
    crashed = accesses.of(accesses.crashed)
    others = [
        (_loss(thread, access) if lost_item else access)
        for thread in accesses.crashed_first
        if thread.lwp != accesses.crashed
        for access in thread.nearest
        if access.address == address and _may_change(access)
    ]
    if not others or accesses.crashed is None:
        return None
    other = min(
        others,
        key=lambda a: (
            not a.effect.changes,
            lost_item and keeps_items(a.operation),
            a.proximity,
            recency(a),
        ),
    )
    return Race(
        Confidence.LIKELY,
        SharedObject(address, other.type),
        (_reader(accesses, crashed, address), _race_thread(accesses, other)),
        (_changes_it(accesses, other),),
    )


def _reader(accesses: Accesses, crashed: ThreadAccesses | None, address: int) -> RaceThread:
    """The crashed thread, with what it does to the object that it lost something of."""
    thread = crashed or ThreadAccesses(lwp=accesses.crashed or 0)
    own = next((a.operation for a in thread.nearest if a.address == address), None)
    operation = own or accesses.origin_operation or Operation(kind=OperationKind.USE)
    return RaceThread(
        thread.lwp,
        thread.name,
        operation,
        thread.file,
        thread.line,
        thread.function,
        frame=thread.frame,
    )


def _may_change(access: Access) -> bool:
    """What only C code has at hand is changed by it where it is known to be."""
    return access.effect.changes or (
        access.effect is Effect.UNKNOWN and access.proximity is not Proximity.INTERNAL
    )


def _race_on_owner(accesses: Accesses, address: int) -> Race | None:
    """The race on the object that has a known culprit as a part of its own, where no Python code
    names the part.
    """
    named = {
        thread.lwp: [
            a
            for a in thread.nearest
            if a.proximity < Proximity.INTERNAL
            and not a.is_guarded
            and not traits_of(a.type).immutable
        ]
        for thread in accesses.crashed_first
    }
    if any(a.address == address for each in named.values() for a in each):
        return None
    owners = accesses.owners.get(address, ())
    for pair in ranked_pairs(accesses, named):
        if pair.address in owners:
            race = _general_race(accesses, pair, False)
            claim = Claim("holds-what-was-damaged", type=pair.type)
            part = Evidence(claim, pair.address, None, address)
            return replace(race, evidence=(*race.evidence, part))
    return None


def _loss(thread: ThreadAccesses, access: Access) -> Access:
    """The access, or where that only adds items what the same thread does to take one away: what
    was lost was taken.
    """
    if not keeps_items(access.operation):
        return access
    return next(iter(losses(thread.by_code, access.address)), access)


def _race_within(accesses: Accesses, finding: Finding) -> Race | None:
    """The race that the finding's own threads are in: each as its code names what it does to the
    subject.
    """
    if finding.subject is None:
        return None
    address = finding.subject.address
    involved = [thread for lwp in finding.threads if (thread := accesses.of(lwp))]
    pair = [a for thread in involved for a in thread.nearest if a.address == address]
    if len(pair) < 2:
        return None
    threads = tuple(_race_thread(accesses, access) for access in pair)
    shared = SharedObject(address, finding.subject.type or "?")
    return Race(finding.confidence, shared, threads, finding.evidence)


def _changes_it(accesses: Accesses, access: Access) -> Evidence:
    """What the other thread does to the object, with its place and source line as far as there is
    one.
    """
    thread = _thread(accesses, access)
    operation = Claim("operation", operation=access.operation)
    if access.file is None or access.operation_line is None:
        claim = Claim("changes-the-same", thread=thread, type=access.type)
        return Evidence(claim, None, operation, access.address)
    text = accesses.sources.get((access.file, access.operation_line))
    claim = Claim(
        "changes-the-same-at",
        thread=thread,
        type=access.type,
        file=os.path.basename(access.file),
        line=access.operation_line,
    )
    return Evidence(claim, None, text or operation, access.address, private=text is not None)


def _race_thread(accesses: Accesses, access: Access) -> RaceThread:
    thread = accesses.of(access.lwp)
    return RaceThread(
        access.lwp,
        thread.name if thread else None,
        access.operation,
        access.file,
        access.line,
        access.function,
        access.operation_line if access.operation_line != access.line else None,
        access.effect.changes,
        access.frame,
    )


def _thread(accesses: Accesses, access: Access) -> Claim:
    """The access's thread as an argument of claims."""
    thread = accesses.of(access.lwp)
    name = ThreadName(thread.name) if thread and thread.name else None
    return Claim("thread-by-name", lwp=access.lwp, name=name)


# --- every shared object is a suspect -------------------------------------------------------------


def ranked_pairs(accesses: Accesses, by_thread: Mapping[int, Sequence[Access]]) -> list[Pair]:
    """Objects that two threads work on and at least one may change, the most suspicious first."""
    by_object: dict[int, dict[int, Access]] = {}
    private = {a.address for of_thread in by_thread.values() for a in of_thread if a.is_private}
    for lwp, of_thread in by_thread.items():
        for access in of_thread:
            if access.address in private or not _is_suspicious(access):
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
    suspects = [p for p in (*pairs, *in_turn.values()) if p.score >= weights.MIN_SCORE]
    return sorted(suspects, key=lambda pair: -pair.score)


def _only_looks_up(access: Access) -> bool:
    """Whether the thread takes a method of the object, to hand it on."""
    return access.is_passing_on and access.operation.kind is OperationKind.GETATTR


def _has_handed_on(accesses: Accesses, access: Access) -> bool:
    """Whether another thread than the crashed one has called Python code with the object, and is
    not in that.
    """
    return access.is_passing_on and access.lwp != accesses.crashed


def _is_suspicious(access: Access) -> bool:
    if access.proximity is Proximity.EARLIER or traits_of(access.type).immutable:
        return False
    if access.proximity is not Proximity.INSIDE and (
        identifies(access.operation) or _only_looks_up(access)
    ):
        return False
    return access.type not in ("type", "function") or access.effect.changes


def _pair(accesses: Accesses, candidates: Iterable[Access]) -> Pair | None:
    """The two accesses that fit best.

    That is one that changes the object, and another thread's, of another operation if there is one.
    """
    ordered = sorted(candidates, key=weight, reverse=True)
    mine = next((a for a in ordered if _is_crashed_ones(accesses, a)), None)
    writer = next((a for a in ordered if a.effect is not Effect.READ), ordered[0])
    if mine is not None and mine is not writer:
        # The crashed thread is one of the two; the other is who changes the object, if any does.
        writer = next((a for a in ordered if a is not mine and a.effect.changes), writer)
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
    is_module = writer.type == "module"
    if is_module and writer.proximity > Proximity.AT and other.proximity > Proximity.AT:
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

    Who only reads does not damage anything.  What it did in its loop a moment ago may have.
    """
    thread = accesses.of(access.lwp)
    if thread is None or access.effect is not Effect.READ:
        return access
    changes = (
        a
        for a in thread.by_code
        if a.address == access.address
        and a.proximity <= Proximity.LOOP
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


def _general_race(accesses: Accesses, pair: Pair, is_victim: bool) -> Race:
    """``is_victim``: the damage shows that the crashed thread need not be one of the two."""
    both = (pair.first, pair.second)
    takes_part = is_victim or accesses.crashed in (pair.first.lwp, pair.second.lwp)
    is_clear = (
        any(a.proximity is Proximity.INSIDE for a in both)
        and takes_part
        and not pair.is_guarded
        and not pair.in_turn
        and pair.score >= weights.CLEAR_SCORE
    )
    return Race(
        Confidence.LIKELY if is_clear else Confidence.POSSIBLE,
        SharedObject(pair.address, pair.type),
        tuple(_race_thread(accesses, access) for access in both),
        tuple(Evidence(_part(accesses, pair, access), pair.address) for access in both),
    )


def _part(accesses: Accesses, pair: Pair, access: Access) -> Claim:
    """What one thread has to do with the object."""
    thread, operation = _thread(accesses, access), access.operation
    if access.proximity is Proximity.INSIDE:
        if access.c_function:
            operation = Operation(kind=OperationKind.C_FUNCTION, name=access.c_function)
        return Claim("thread-is-inside", thread=thread, operation=operation)
    if pair.in_turn:
        return Claim("takes-in-turn", thread=thread, operation=operation)
    return Claim("thread-runs", thread=thread, operation=operation)
