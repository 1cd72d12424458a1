"""The race: which mutable object two threads worked on at once, and what each did to it.

Two ways lead there.  Where the findings name the object whose item or field was lost, the other
thread is the one whose code changes that object.  Where the crash site is only a victim, every
object that two threads work on is a suspect, and the suspects are ranked by how close both threads
are to it, what they do, and whether anything guards it.

``known_races`` is the first way, ``race_pairs`` the second; ``own_objects`` says what the crashed
thread itself works on, and ``race_parts`` has what all of them say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gdbext.cpython.traits.types import traits_of
from gdbext.diagnosis.conclude.known_races import known_races
from gdbext.diagnosis.conclude.own_objects import own_object, races_in_place, races_of_workers
from gdbext.diagnosis.conclude.race_pairs import race_of, ranked_pairs
from gdbext.diagnosis.conclude.race_parts import takes_part
from gdbext.diagnosis.conclude.replaced_values import races_on_replaced
from gdbext.diagnosis.facts.accesses import Accesses
from gdbext.diagnosis.registry import traits
from gdbext.diagnosis.rule import Kind
from gdbext.model import (
    Claim,
    Confidence,
    Evidence,
    Finding,
    Race,
    ThreadName,
)

MAX_RACES = 8


def find_races(accesses: Accesses, findings: Sequence[Finding], is_crash: bool) -> tuple[Race, ...]:
    """Suspected races, the best first; empty where nothing was shared, or nothing went wrong.

    ``is_crash``: the process died of itself.
    """
    if not is_crash and not findings:
        return ()
    races = list(known_races(accesses, findings))
    rules = [traits(finding.rule) for finding in findings]
    own = foremost = own_object(accesses)
    is_victim = bool(rules) and rules[0].is_victim
    if is_crash and not any(rule.kind is Kind.EXHAUSTION for rule in rules):
        taken = {race.object.address for race in races}
        nearest = {thread.lwp: thread.nearest for thread in accesses.crashed_first}
        pairs = [p for p in ranked_pairs(accesses, nearest) if p.address not in taken]
        races += [race_of(accesses, pair, is_victim) for pair in pairs]
        if not any(race.object.address == own or _is_clear_part(accesses, race) for race in races):
            # What threads wait for each other with is shared by all of them, and harms none; nor
            # does it if all only read.
            idle = {pair.address for pair in pairs if pair.only_reads}
            apart = [
                race
                for race in races
                if traits_of(race.object.type).made_to_be_shared or race.object.address in idle
            ]
            seen = [race for race in races if race not in apart]
            if is_victim and any(thread.changes for race in seen for thread in race.threads):
                # What it died in need not be what was damaged: others are seen to change something.
                foremost = None
            taken = {race.object.address for race in seen}
            in_turn = [r for r in races_of_workers(accesses) if r.object.address not in taken]
            races = [*seen, *in_turn, *apart]
        if own is None and not is_victim and all(_is_mere_suspect(accesses, r) for r in races):
            in_place = list(races_in_place(accesses))
            races = [*in_place, *races]
        if own is None and not any(_is_clear_part(accesses, race) for race in races):
            replaced = list(races_on_replaced(accesses, findings))
            taken = {race.object.address for race in replaced}
            races = replaced + [race for race in races if race.object.address not in taken]
    return tuple(_by_evidence(accesses, races, foremost, is_victim)[:MAX_RACES])


def _by_evidence(
    accesses: Accesses, races: Sequence[Race], foremost: int | None, is_victim: bool
) -> list[Race]:
    """``foremost``, the object that the crashed thread's own C code works on, stands first, if
    another thread changes that or may.

    A suspect is not surer than one with better evidence.
    """
    ordered = sorted(races, key=lambda race: race.object.address != foremost)
    surest = Confidence.PROVEN
    found = []
    for race in ordered:
        surest = max(surest, race.confidence, key=lambda confidence: confidence.rank)
        if not takes_part(accesses, race):
            race = replace(race, evidence=(*race.evidence, *_why_without(accesses, is_victim)))
        found.append(replace(race, confidence=surest))
    return found


def _why_without(accesses: Accesses, is_victim: bool) -> Iterator[Evidence]:
    """Why the crashed thread is thought to take no part: it is at work on nothing of the race."""
    crashed = accesses.of(accesses.crashed)
    if crashed is not None:
        name = ThreadName(crashed.name) if crashed.name else None
        thread = Claim("thread-by-name", lwp=crashed.lwp, name=name)
        yield Evidence(Claim("takes-no-part", thread=thread, met_damage=is_victim))


def _is_mere_suspect(accesses: Accesses, race: Race) -> bool:
    return not takes_part(accesses, race) and race.confidence is Confidence.POSSIBLE


def _is_clear_part(accesses: Accesses, race: Race) -> bool:
    return takes_part(accesses, race) and race.confidence.rank <= Confidence.LIKELY.rank
