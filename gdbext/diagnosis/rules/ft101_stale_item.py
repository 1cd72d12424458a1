"""FT101: the bad pointer is, or a moment ago was, an item of a live container."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.conclude.operations import of_crashed_frame
from gdbext.diagnosis.facts.cause import Cause, Wrong
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.facts.provenance import Provenance
from gdbext.diagnosis.rule import Defect, Kind, Lost, Rule, RuleTraits
from gdbext.diagnosis.rules.ft102_use_after_free import RULE as USE_AFTER_FREE
from gdbext.diagnosis.rules.phrases import (
    container_of,
    evidence_of,
    name_of,
    one_thread,
    subject_of,
    weaker,
)
from gdbext.model import Address, Claim, Confidence, Evidence, Finding, Verdict


def check(facts: Facts) -> Iterator[Finding]:
    """The root pointer, where it is stale and came from a container."""
    cause = facts.cause
    pointer, origin = cause.pointer, cause.provenance
    is_stale = cause.kind in (Wrong.GONE, Wrong.OTHER_OBJECT)
    if pointer is None or origin is None or not cause.is_item or not is_stale:
        return
    operation = of_crashed_frame(facts.stack, origin.level)
    yield RULE.finding(
        facts,
        Claim(
            "uses-gone",
            operation=operation,
            object=name_of(pointer),
            state=pointer.verdict.value,
        ),
        weaker(_sure_it_is_dead(pointer, origin), _sure_of_container(origin)),
        subject_of(pointer),
        container_of(cause),
        [
            *origin.evidence,
            *_shrank(facts, origin),
            *evidence_of(facts, pointer),
            *_others(cause, origin),
        ],
        # Nothing was taken out of a container that was found by what it holds now.
        advice=USE_AFTER_FREE.advice if origin.was_searched else None,
    )


def _others(cause: Cause, origin: Provenance) -> tuple[Evidence, ...]:
    return cause.holders.others if origin.was_searched else ()


def _sure_it_is_dead(pointer: Pointer, origin: Provenance) -> Confidence:
    """A live container that holds a dead object is wrong, whatever the fault came of."""
    if pointer.verdict is Verdict.UNMAPPED:
        # Memory that was given back to the system, or a pointer that something wrote over.
        return Confidence.LIKELY
    liveness = pointer.liveness if origin.current else pointer.liveness_for_use
    return liveness.confidence


def _sure_of_container(origin: Provenance) -> Confidence:
    """How sure it is that the pointer came from the container."""
    if origin.current or (origin.adjacent and origin.shrank):
        return Confidence.PROVEN
    return Confidence.LIKELY if origin.adjacent else Confidence.POSSIBLE


def _shrank(facts: Facts, origin: Provenance) -> list[Evidence]:
    if origin.current or not origin.shrank:
        return []
    claim = Claim(
        "container-shrank",
        holder=Address(origin.holder),
        type=origin.type,
        index=origin.slot,
        length=origin.length,
    )
    return [Evidence(claim, about=origin.holder), *one_thread(facts)]


RULE = Rule(
    id="FT101",
    title="stale container item",
    explanation=(
        "A container's item was used after the object had been freed. Either the container still "
        "holds the pointer (a reference too few somewhere), or the reader had borrowed the item "
        "and another thread (or code that the reader itself called) removed it, "
        "which dropped the last reference. Proven when the allocator has the item's block on a "
        "free list, or something else lives there, and the container's memory shows where the "
        "pointer came from. Where no C frame has the container, a heap of at most 32 MiB is "
        "searched for one that the program has and that still holds the pointer."
    ),
    advice=(
        "Hold a strong reference while using an item (PyList_GetItemRef, PyDict_GetItemRef), "
        "or take the container's critical section for the whole walk. In Python code, "
        "give each thread its own copy or guard the container with a lock."
    ),
    traits=RuleTraits(
        kind=Kind.MEMORY,
        order=30,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE}),
        lost=Lost.ITEM,
        family="stale",
    ),
    check=check,
)
