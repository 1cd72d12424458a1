"""FT206: what the code takes for an object never was one, or its header or a field is
impossible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gdbext.diagnosis.conclude.doubt import died_of
from gdbext.diagnosis.conclude.operations import of_crashed_frame
from gdbext.diagnosis.facts.cause import NotAnObject, Wrong
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.facts.types import UNION
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.diagnosis.rules.phrases import (
    container_of,
    evidence_of,
    name_of,
    subject_of,
    weaker,
)
from gdbext.model import Claim, Confidence, Finding


def check(facts: Facts) -> Iterator[Finding]:
    """The root pointer, by what kind of wrong it is."""
    cause = facts.cause
    pointer = cause.pointer
    if pointer is None:
        return
    if cause.kind is Wrong.NOT_AN_OBJECT and cause.not_an_object is not None:
        yield _never_was(facts, pointer, cause.not_an_object)
    elif pointer.is_corrupt:
        yield _impossible_header(facts, pointer)
    elif not pointer.is_gone:
        yield from _impossible_field(facts, pointer)


def _never_was(facts: Facts, pointer: Pointer, instead: NotAnObject) -> Finding:
    subject = subject_of(pointer)
    if (verdict := facts.cause.surroundings.block_verdict) is not None:
        # Nothing says that another object was there before.
        subject = replace(subject, liveness=verdict)
    operation = of_crashed_frame(facts.stack, pointer.main_use.level)
    return RULE.finding(
        facts,
        Claim("never-was", operation=operation, object=name_of(pointer), what=instead.what),
        instead.confidence,
        subject,
        container_of(facts.cause),
        [*([instead.because] if instead.because else ()), *evidence_of(facts, pointer)],
    )


def _impossible_header(facts: Facts, pointer: Pointer) -> Finding:
    problem = pointer.header_problems[0]
    unready = facts.cause.surroundings.unready_type
    return RULE.finding(
        facts,
        Claim("type-not-readied", type=unready)
        if unready
        else Claim("header-impossible", object=name_of(pointer), problem=problem.claim),
        _sure_of_header(facts, pointer),
        subject_of(pointer),
        container_of(facts.cause),
        evidence_of(facts, pointer),
    )


def _impossible_field(facts: Facts, pointer: Pointer) -> Iterator[Finding]:
    is_union = UNION in (pointer.expected, pointer.actual_type)
    broken = [v for v in pointer.violations if not (v.slot == "args" and is_union)]
    if broken:
        yield RULE.finding(
            facts,
            Claim(
                "broken-field",
                slot=broken[0].slot,
                object=name_of(pointer),
                flaw=broken[0].evidence.claim,
            ),
            Confidence.LIKELY,
            subject_of(pointer),
            container_of(facts.cause),
            evidence_of(facts, pointer),
        )


def _sure_of_header(facts: Facts, pointer: Pointer) -> Confidence:
    """An object beside the fault may be one that is not built yet."""
    if not died_of(pointer, facts.fault, facts.stack):
        return Confidence.POSSIBLE
    if pointer.liveness.block is not None:
        return Confidence.PROVEN
    return weaker(pointer.liveness_for_use.confidence, Confidence.LIKELY)


RULE = Rule(
    id="FT206",
    title="other invariant broken",
    explanation=(
        "A live object's header or field holds a value that CPython never puts there, "
        "or a pointer leads to something else than the object that the code takes it for."
    ),
    advice=(
        "Something wrote over the object (a wild pointer, a buffer overrun of a neighbour, "
        "an unlocked update), or C code takes one thing for another: a cast without a check, "
        "a field never set. The evidence names the word and what it looks like."
    ),
    traits=RuleTraits(
        kind=Kind.MEMORY,
        order=110,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE}),
        suspects_subject=True,
    ),
    check=check,
)
