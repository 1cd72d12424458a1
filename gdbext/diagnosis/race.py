"""The race: which mutable object two threads worked on at once, and what each did to it.

Two ways lead there.  Where the findings name the object whose item or field was lost, the other thread is the one whose
code changes that object.  Where the crash site is only a victim, every object that two threads touch is a suspect, and
the suspects are ranked by how close both threads are to it, what they do, and whether anything guards it.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.methods import method_traits
from gdbext.cpython.traits.types import traits_of
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.touches import Near, Touch, losses, recency, touches, weight
from gdbext.diagnosis.twins import twins
from gdbext.model import Confidence, Evidence, Finding, Race, RaceThread, SharedObject
from gdbext.target.protocol import MemoryFault

MAX_SUSPECTS = 8
MAX_FIELDS = 4096
MIN_SCORE = 0.1
"""Below are locks that threads wait for, and objects that both lock and no Python code names: no suspects at all."""
MAX_THREADS = 64
GUARDED = 0.15
"""Factor for an object that both operations lock, or that a mutex held by one of the threads protects."""
UNCHANGED = 0.4
"""Factor for an object that several threads do the same to, of which we do not know that it changes the object."""
DIFFERENT = 0.15
"""A thread that does something else than the one that changes the object is its opponent rather, if it is as near as this."""
MODULE = 0.1
"""Factor for a module whose functions two threads run: what state they share cannot be seen, if there is any."""
TAKES_PART = 2.0
"""Factor for an object that the crashed thread works on; a victim of old damage is most often one of those at fault, too."""
FITS = 2.0
"""Factor for an object of the type whose own C code failed."""


@dataclass(frozen=True)
class Pair:
    """Two threads' closest touches of one object, the reader or victim first."""

    address: int
    type: str
    first: Touch
    second: Touch
    score: float
    guarded: bool
    in_turn: bool = False
    """The second thread has another such object at hand now, from the same container."""


def find_races(case: Case, findings: Sequence[Finding]) -> Sequence[Race]:
    """Suspected races, the best first; empty where nothing was shared, or nothing went wrong."""
    if not case.fault.is_crash and not findings:
        return ()
    known = _culprits(case, findings)
    found = {lwp: touches(case, lwp) for lwp in _threads(case)}
    races = []
    for address, lost_item in known.items():
        if owner := _owner(case, address, found):
            races.append(owner)
        if race := _race_on(case, address, found, lost_item):
            races.append(race)
    races += [
        race
        for finding in findings
        if finding.rule == "FT202" and (race := _race_within(case, finding, found))
    ]
    if not case.fault.is_crash or any(f.rule in ("FT403",) for f in findings):
        return tuple(races)
    is_victim = any(f.rule == "FT105" for f in findings)
    races += [
        _general_race(case, p, is_victim)
        for p in ranked_pairs(case, found)
        if p.address not in {r.object.address for r in races}
    ]
    return tuple(races[:MAX_SUSPECTS])


def _threads(case: Case) -> list[int]:
    """The crashed thread and the others that run Python."""
    mine = [t.lwp for t in case.native_threads if case.session.runtime.by_lwp(t.lwp)]
    return sorted(mine, key=lambda lwp: lwp != case.lwp)[:MAX_THREADS]


# --- the object is known --------------------------------------------------------------------------


def _culprits(case: Case, findings: Sequence[Finding]) -> dict[int, bool]:
    """Objects whose content was lost under a reader, from the findings; True where what was lost is an item that they held."""
    found: dict[int, bool] = {}
    for finding in findings:
        if finding.rule in ("FT101", "FT103", "FT102", "FT205") and finding.container:
            found.setdefault(finding.container.address, True)
        if finding.rule in ("FT204", "FT203") and finding.subject:
            found.setdefault(finding.subject.address, False)
    return found


def _race_on(
    case: Case, address: int, found: dict[int, list[Touch]], lost_item: bool
) -> Race | None:
    """The race on a known object: the crashed thread, and the thread whose code changes the object."""
    kind = case.session.objects.type_of(address)
    if kind is None or case.lwp is None:
        return None
    mine = next((t for t in found.get(case.lwp, []) if t.address == address), None)
    others = [
        t
        for lwp, mine_ in found.items()
        if lwp != case.lwp
        for t in mine_
        if t.address == address and _may_change(t)
    ]
    if not others:
        return None
    if lost_item:
        others = [_loss_of(case, t) for t in others]
    other = min(
        others,
        key=lambda t: (
            not t.effect.changes,
            lost_item and method_traits(t.operation).keeps_items,
            t.near,
            recency(t),
        ),
    )
    operation = (
        mine.operation
        if mine
        else case.operation_at(case.origin.level)
        if case.origin
        else "uses it"
    )
    current = case.current_frame(case.lwp)
    frame = (case.own_frame(case.lwp, current) or current) if current else None
    reader = RaceThread(
        case.lwp,
        case.thread_name(case.lwp),
        operation,
        frame.file if frame else None,
        frame.line if frame else None,
        frame.function if frame else None,
    )
    evidence = _changes_it(case, other, address, kind.name)
    return Race(
        Confidence.LIKELY,
        SharedObject(address, kind.name),
        (reader, _race_thread(case, other)),
        (evidence,),
    )


def _may_change(touch: Touch) -> bool:
    """What only C code has at hand is changed by it where it is known to be."""
    return touch.effect.changes or (
        touch.effect is Effect.UNKNOWN and touch.near is not Near.INTERNAL
    )


def _owner(case: Case, address: int, found: dict[int, list[Touch]]) -> Race | None:
    """The race on the object that has a known culprit as a part of its own, where no Python code names the part."""
    named = [
        t
        for its in found.values()
        for t in its
        if t.near < Near.INTERNAL and not t.is_guarded and not traits_of(t.type).immutable
    ]
    if any(t.address == address for t in named):
        return None
    for pair in ranked_pairs(
        case, {lwp: [t for t in its if t in named] for lwp, its in found.items()}
    ):
        if _holds(case, pair.address, address):
            race = _general_race(case, pair, False)
            part = Evidence(f"the {pair.type} holds what was damaged", pair.address, None, address)
            return dataclasses.replace(race, evidence=(*race.evidence, part))
    return None


def _holds(case: Case, owner: int, part: int) -> bool:
    """Whether a pointer to ``part`` stands among the owner's own fields; what a container holds is no part of it."""
    info = case.session.objects.type_of(owner)
    try:
        fields = (
            case.session.memory.read(owner, min(info.basicsize or 0, MAX_FIELDS) & ~7)
            if info
            else b""
        )
    except MemoryFault:
        return False
    return part in memoryview(fields).cast("Q")


def _loss_of(case: Case, touch: Touch) -> Touch:
    """The touch, or where that only adds items what the same thread does to take one away: what was lost was taken."""
    if not method_traits(touch.operation).keeps_items:
        return touch
    return next(iter(losses(case, touch.lwp, touch.address)), touch)


def _race_within(case: Case, finding: Finding, found: dict[int, list[Touch]]) -> Race | None:
    """The race that the finding's own threads are in: each as its code names what it does to the subject."""
    if finding.subject is None:
        return None
    address = finding.subject.address
    theirs = [t for lwp in finding.threads for t in found.get(lwp, []) if t.address == address]
    if len(theirs) < 2:
        return None
    threads = tuple(_race_thread(case, t) for t in theirs)
    return Race(
        finding.confidence,
        SharedObject(address, finding.subject.type or "?"),
        threads,
        finding.evidence,
    )


def _changes_it(case: Case, touch: Touch, address: int, kind: str) -> Evidence:
    """What the other thread does to the object, with its place and source line as far as there is one."""
    claim = f"{_who(case, touch)} changes the same {kind}"
    if touch.file is None or touch.operation_line is None:
        return Evidence(claim, None, touch.operation, address)
    text = next(
        (
            text.strip()
            for _, text in case.session.debugger.source(touch.file, touch.operation_line, 0)
        ),
        None,
    )
    claim = f"{claim} at {os.path.basename(touch.file)}:{touch.operation_line}"
    return Evidence(claim, None, text or touch.operation, address, private=text is not None)


def _race_thread(case: Case, touch: Touch) -> RaceThread:
    suspect = touch.operation_line if touch.operation_line != touch.line else None
    return RaceThread(
        touch.lwp,
        case.thread_name(touch.lwp),
        touch.operation,
        touch.file,
        touch.line,
        touch.function,
        suspect,
    )


def _who(case: Case, touch: Touch) -> str:
    name = case.thread_name(touch.lwp)
    return f'thread "{name}"' if name else f"LWP {touch.lwp}"


# --- every shared object is a suspect -------------------------------------------------------------


def ranked_pairs(case: Case, found: dict[int, list[Touch]]) -> list[Pair]:
    """Objects that two threads touch and at least one may change, the most suspicious first."""
    by_object: dict[int, dict[int, Touch]] = {}
    for lwp, its in found.items():
        for touch in its:
            if (
                touch.near is Near.EARLIER
                or traits_of(touch.type).immutable
                or (touch.type in ("type", "function") and not touch.effect.changes)
            ):
                continue
            best = by_object.setdefault(touch.address, {}).get(lwp)
            if best is None or weight(touch) > weight(best):
                by_object[touch.address][lwp] = touch
    pairs = [
        p
        for address, its in by_object.items()
        if len(its) > 1 and (p := _pair(case, address, its.values()))
    ]
    shared = {p.address for p in pairs}
    turns = (
        p for item, other in twins(case, found) if (p := _pair(case, item.address, (item, other)))
    )
    pairs += {
        p.address: dataclasses.replace(p, in_turn=True) for p in turns if p.address not in shared
    }.values()
    return sorted((p for p in pairs if p.score >= MIN_SCORE), key=lambda p: -p.score)


def _pair(case: Case, address: int, its: Iterable[Touch]) -> Pair | None:
    """The two touches that fit best: one that changes the object, and another thread's, of another operation if there is one."""
    ordered = sorted(its, key=weight, reverse=True)
    writer = next((t for t in ordered if t.effect is not Effect.READ), ordered[0])
    if writer.effect is Effect.READ and (
        writer.near > Near.LINE or any(t.is_guarded for t in ordered)
    ):
        # What only reads may count exports, cache or advance within: worth a word where nothing else is.
        return None
    # What may only read harms nobody who reads a plain attribute.
    others = [
        t for t in ordered if t.lwp != writer.lwp and (writer.effect.changes or not _is_safe(t))
    ]
    if not others:
        return None
    other = max(others, key=weight)
    different = [
        t
        for t in others
        if t.operation != writer.operation
        and not method_traits(t.operation).identifies
        and weight(t) >= DIFFERENT * weight(other)
    ]
    other = max(different, key=weight, default=other)
    guarded = writer.is_guarded and other.is_guarded
    score = weight(writer) * weight(other)
    if writer.effect.changes and writer.near < Near.INTERNAL and other.near is Near.INTERNAL:
        # C code has at hand what another thread's Python code changes.
        score = weight(writer) * weight(dataclasses.replace(other, near=Near.INSIDE))
    if guarded:
        score *= GUARDED
    if not writer.effect.changes and writer.operation == other.operation:
        score *= UNCHANGED
    if case.lwp in (writer.lwp, other.lwp):
        score *= TAKES_PART
    if traits_of(writer.type).made_to_be_shared:
        score *= 0.02
    if writer.type == _failing_type(case):
        score *= FITS
    if writer.type == "module":
        if writer.near > Near.AT and other.near > Near.AT:
            return None
        score *= MODULE
    first, second = (
        (other, writer) if other.lwp == case.lwp or writer.lwp != case.lwp else (writer, other)
    )
    return Pair(address, writer.type, first, second, score, guarded)


def _failing_type(case: Case) -> str | None:
    """The type whose slot or method the crashed thread was in, innermost; None where it died in the allocator, of old damage."""
    for frame in case.c_frames:
        if not case.same_call(0, frame.frame.level) or frame.function.startswith(("mi_", "_mi_")):
            return None
        if frame.owner is not None:
            return frame.owner.type_name
    return None


def _is_safe(touch: Touch) -> bool:
    return touch.effect is Effect.READ and touch.is_guarded


def _general_race(case: Case, pair: Pair, is_victim: bool) -> Race:
    """``is_victim``: the damage shows that the crashed thread need not be one of the two."""
    takes_part = is_victim or case.lwp in (pair.first.lwp, pair.second.lwp)
    in_c = [t for t in (pair.first, pair.second) if t.near is Near.INSIDE]
    evidence = [
        Evidence(
            f"{_who(case, t)} is inside {t.c_function or t.operation}"
            if t.near is Near.INSIDE
            else f"{_who(case, t)} takes its objects from the same place, for {t.operation}"
            if pair.in_turn
            else f"{_who(case, t)} runs {t.operation}",
            pair.address,
        )
        for t in (pair.first, pair.second)
    ]
    is_clear = in_c and takes_part and not pair.guarded and not pair.in_turn and pair.score >= 3
    certain = Confidence.LIKELY if is_clear else Confidence.POSSIBLE
    return Race(
        certain,
        SharedObject(pair.address, pair.type),
        (_race_thread(case, pair.first), _race_thread(case, pair.second)),
        tuple(evidence),
    )
