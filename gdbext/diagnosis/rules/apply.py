"""Asks every rule, and puts the findings in order: the most specific proven cause first."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Sequence

from gdbext.diagnosis import registry
from gdbext.diagnosis.conclude.author import authors_frame
from gdbext.diagnosis.conclude.code_owners import is_others_type
from gdbext.diagnosis.facts.accesses import Access
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Kind, Rule
from gdbext.diagnosis.rules import headline
from gdbext.diagnosis.rules.phrases import weaker
from gdbext.model import (
    Argument,
    Claim,
    Confidence,
    Finding,
    LockProblemKind,
    Race,
    Verdict,
)

# The places of findings, the headline's first.
CRASH_ITSELF, ASSERTION, PROVEN, CAUSE, CONSEQUENCE, CONCURRENCY, PLAIN, BESIDE = range(8)
FREED_TWICE = ("list-cycle", "cycle-by-double-free", "member-twice", "block-on-two-lists")
"""What a list shows that has a block twice."""
HANGS = (LockProblemKind.DEADLOCK, LockProblemKind.STOP_THE_WORLD)


def findings(facts: Facts) -> list[Finding]:
    """All findings, the headline first."""
    rules = registry.in_order()
    found = [
        finding
        for rule in rules
        if not rule.traits.is_fallback
        for finding in rule.check(facts)
        if facts.fault.is_crash or not may_be_normal(finding)
    ]
    order = {rule.id: position for position, rule in enumerate(rules)}
    found = sorted(
        found,
        key=lambda f: (
            CONSEQUENCE if _is_told_by_another(facts, f, found) else _place(facts, f),
            f.confidence is Confidence.POSSIBLE,
            order[f.rule],
        ),
    )
    fallbacks = [rule for rule in rules if rule.traits.is_fallback]
    causes = [f for f in found if not _is_account(f)]
    if facts.fault.signal is not None and not any(_explains(facts, f) for f in causes):
        # What is merely possible explains no crash: the plain account of it goes first.
        plain = [rule for rule in fallbacks if rule.traits.kind is not Kind.NOTHING]
        found = [*([f for f in found if _is_account(f)] or _first(facts, plain)), *causes]
    found = found or _first(facts, [r for r in fallbacks if r.traits.kind is Kind.NOTHING])
    return [headline.told(facts, f) for f in found[:1]] + found[1:]


def _is_told_by_another(facts: Facts, finding: Finding, found: Sequence[Finding]) -> bool:
    """Whether it is damage that what another finding tells of an object has done: to the list that
    the object's block is on, or by an object that ends once more, and gives up again all that was
    its own.
    """
    root = facts.cause.pointer
    if not registry.traits(finding.rule).is_victim:
        return False
    places = {finding.subject.address} if finding.subject is not None else set()
    if root is not None and root.ended_again and _is_by_freeing_twice(finding):
        places.add(root.address)
    return any(
        other.subject is not None
        and other.subject.address in places
        and other.confidence is not Confidence.POSSIBLE
        and not registry.traits(other.rule).is_victim
        for other in found
    )


def _is_by_freeing_twice(finding: Finding) -> bool:
    claims = [finding.title, *(evidence.claim for evidence in finding.evidence)]
    return any(_has_kind(claim, FREED_TWICE) for claim in claims)


def _has_kind(value: Argument, kinds: Container[str]) -> bool:
    """Whether a claim, or a part of one, is of one of the kinds."""
    if not isinstance(value, Claim):
        return False
    return value.kind in kinds or any(_has_kind(part, kinds) for _, part in value.arguments)


def _explains(facts: Facts, finding: Finding) -> bool:
    """Whether the process may have died of it, and not just in its company."""
    return finding.confidence is not Confidence.POSSIBLE and _place(facts, finding) != BESIDE


def _first(facts: Facts, rules: Sequence[Rule]) -> list[Finding]:
    """The findings of the first of the rules that has any."""
    return next((found for rule in rules if (found := list(rule.check(facts)))), [])


def may_be_normal(finding: Finding) -> bool:
    """Whether a healthy process, stopped at any moment, may show the finding.

    Code in the middle of its work has pointers to what just died.
    """
    is_memory = registry.traits(finding.rule).kind is Kind.MEMORY
    return finding.confidence is Confidence.POSSIBLE and is_memory


def _is_account(finding: Finding) -> bool:
    return registry.traits(finding.rule).kind in (Kind.PLAIN, Kind.EXHAUSTION)


def _place(facts: Facts, finding: Finding) -> int:
    """What explains a failed assertion goes first; plain crashes go last."""
    traits = registry.traits(finding.rule)
    if traits.kind is Kind.EXHAUSTION:
        return CRASH_ITSELF
    if traits.kind is Kind.PLAIN:
        return PLAIN
    if traits.lock_problem in HANGS and (facts.fault.is_fault or facts.fault.assertion):
        # Threads that wait make no instruction fault; whoever sees them wait may abort.
        return BESIDE
    if traits.kind is Kind.CONCURRENCY:
        return CONCURRENCY
    if facts.fault.assertion and traits.explains_assertions:
        return ASSERTION
    subject = finding.subject
    if traits.needs_live_subject and subject and subject.liveness is not Verdict.LIVE:
        return CONSEQUENCE
    return PROVEN if finding.confidence is Confidence.PROVEN else CAUSE


def with_races(
    facts: Facts, found: Sequence[Finding], races: Sequence[Race], own: Access | None = None
) -> list[Finding]:
    """The findings with the first race put in, and with ``own``, the object that the crashed
    thread's C code is at work on.

    Where a finding is about the object raced on, it gets the race's threads; else the race is a
    finding of its own.
    """
    race = races[0] if races else None
    found = headline.fault_first(facts, found, race, own)
    if found:
        found = [headline.with_object(facts, found[0], race, own), *found[1:]]
    return found if race is None else _with_race(facts, found, race)


def _with_race(facts: Facts, found: Sequence[Finding], race: Race) -> list[Finding]:
    lwps = tuple(t.lwp for t in race.threads)
    is_reported = False
    merged = []
    for finding in found:
        places = {p.address for p in (finding.container, finding.subject) if p}
        if race.object.address in places and finding.threads:
            threads = tuple(dict.fromkeys((*finding.threads, *lwps)))
            finding = dataclasses.replace(finding, threads=threads)
            is_reported = True
        merged.append(finding)
    if merged:
        merged[0] = _with_race_advice(facts, merged[0], race)
    if is_reported:
        return merged
    checks = (rule.check_race for rule in registry.in_order() if rule.check_race)
    return [*merged, *(finding for check in checks for finding in check(facts, race))]


def _with_race_advice(facts: Facts, finding: Finding, race: Race) -> Finding:
    """The headline with advice on the race, where that is likely to be behind it: whatever the
    fault itself says, the race is what can be mended.

    Old damage may be any thread's; a fault of its own comes of a race that its thread is in.
    """
    if race.confidence is Confidence.POSSIBLE:
        return finding
    traits = registry.traits(finding.rule)
    advice = next((r.advice for r in registry.in_order() if r.traits.is_race), "")
    if traits.is_victim:
        return dataclasses.replace(finding, advice=f"{advice} {finding.advice}")
    takes_part = facts.stack.lwp in [t.lwp for t in race.threads]
    if traits.may_come_of_race and takes_part:
        return dataclasses.replace(finding, advice=advice)
    return finding


def victim_reason(
    facts: Facts, found: Sequence[Finding], races: Sequence[Race]
) -> tuple[Claim, Confidence] | None:
    """Why the crashing code is not the cause, and how sure that is; None where it may be.

    It may be where another finding explains the crash, where the thread takes part in the race that
    did the damage, and where the extension's own code in the call that crashed has one of the
    blocks that may have been overrun.  Never proven: memory shows that there is damage, not that
    the crashed thread did none of it earlier (the second of two ``Py_DECREF`` may be the one that
    crashes).
    """
    if not facts.fault.is_crash or not found:
        return None
    race = races[0] if races else None
    takes_part = race is not None and facts.stack.lwp in [t.lwp for t in race.threads]
    traits = registry.traits(found[0].rule)
    if traits.is_victim:
        if race is not None and takes_part and race.confidence is not Confidence.POSSIBLE:
            return None
        if _has_damaged_block(facts):
            return None
        return Claim("memory-overwritten-before"), weaker(found[0].confidence, Confidence.LIKELY)
    if traits.is_race and race is not None and not takes_part:
        return Claim("not-in-race"), weaker(race.confidence, Confidence.LIKELY)
    return None


def _has_damaged_block(facts: Facts) -> bool:
    """Whether the extension's function that met the damage has a block at hand from which it may
    have come: who gives back a buffer has often written it, too.
    """
    author = authors_frame(facts.stack)
    return author is not None and any(
        user.lwp == facts.stack.lwp and user.level == author.level
        for damage in facts.heap.damages
        for user in damage.users
    )


def may_be_known(facts: Facts, found: Sequence[Finding]) -> bool:
    """Whether a known issue may explain the findings.

    None explains a process in which nothing is wrong, or that was killed from outside, nor what an
    extension's type did with memory that it had exported; and a stack that was used up says itself
    what it came of.
    """
    if not found or registry.traits(found[0].rule).kind in (Kind.NOTHING, Kind.EXHAUSTION):
        return False
    if facts.exported is not None and is_others_type(facts.exported.type):
        return False
    return facts.fault.is_crash or not all(_is_account(f) for f in found)
