"""The race on an object that a finding names: the other thread is the one whose code changes it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.types import traits_of
from gdbext.diagnosis.conclude.accesses import losses, recency
from gdbext.diagnosis.conclude.effects import keeps_items
from gdbext.diagnosis.conclude.race_doubts import doubt_of
from gdbext.diagnosis.conclude.race_pairs import race_of, ranked_pairs
from gdbext.diagnosis.conclude.race_parts import race_thread, take_turns, thread_claim
from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity, ThreadAccesses
from gdbext.diagnosis.registry import traits
from gdbext.diagnosis.rule import Lost
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
)


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


def known_races(accesses: Accesses, findings: Sequence[Finding]) -> Iterator[Race]:
    """The races on the objects that the findings name, in the findings' order."""
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
    is_in_turn = take_turns(accesses, accesses.crashed, other.lwp)
    doubt = doubt_of(accesses.doubts, address, other)
    return Race(
        Confidence.POSSIBLE if is_in_turn or doubt else Confidence.LIKELY,
        SharedObject(address, other.type),
        (_reader(accesses, crashed, address), race_thread(accesses, other)),
        (_changes_it(accesses, other), *([Evidence(doubt, address)] if doubt else ())),
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
            race = race_of(accesses, pair, False)
            claim = Claim("holds-what-was-damaged", type=pair.type)
            evidence = [*race.evidence, Evidence(claim, pair.address, None, address)]
            if accesses.doubts.still_holds != address:
                return replace(race, evidence=tuple(evidence))
            evidence.append(Evidence(Claim("still-in-part", type=pair.type), address))
            return replace(race, confidence=Confidence.POSSIBLE, evidence=tuple(evidence))
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
    threads = tuple(race_thread(accesses, access) for access in pair)
    shared = SharedObject(address, finding.subject.type or "?")
    return Race(finding.confidence, shared, threads, finding.evidence)


def _changes_it(accesses: Accesses, access: Access) -> Evidence:
    """What the other thread does to the object, with its place and source line as far as there is
    one.
    """
    thread = thread_claim(accesses, access)
    operation = Claim("operation", operation=access.operation)
    if access.is_pending:
        pending = Claim("has-pending", thread=thread, operation=access.operation)
        return Evidence(pending, access.address)
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
