"""FT103: something of another type lives where the code expects its object."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.conclude.root_cause import is_given_by_extension
from gdbext.diagnosis.facts.cause import Wrong
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.rule import Defect, Kind, Lost, Rule, RuleTraits
from gdbext.diagnosis.rules.phrases import container_of, evidence_of, name_of, subject_of, weaker
from gdbext.model import Claim, Confidence, Finding, Verdict


def check(facts: Facts) -> Iterator[Finding]:
    """The root pointer, where a credible object of another type is."""
    cause = facts.cause
    pointer = cause.pointer
    if pointer is None or cause.kind is not Wrong.OTHER_OBJECT:
        return
    confidence = pointer.liveness_for_use.confidence
    if pointer.verdict is not Verdict.REUSED or is_given_by_extension(pointer, facts.stack):
        confidence = weaker(confidence, Confidence.LIKELY)
    yield RULE.finding(
        facts,
        Claim(
            "takes-for",
            function=_taker(pointer),
            type=pointer.actual_type or "?",
            object=name_of(pointer),
        ),
        confidence,
        subject_of(pointer),
        container_of(cause),
        evidence_of(facts, pointer),
    )


def _taker(pointer: Pointer) -> str:
    """The function that expects the type."""
    return (
        next((u.function for u in pointer.uses if u.expected and u.function), None)
        or pointer.innermost.function
        or "C code"
    )


RULE = Rule(
    id="FT103",
    title="memory reused as another type",
    explanation=(
        "The block that the code takes for one type of object holds an object of another type: "
        "the first was freed, and its memory was handed out again. Whatever is read through the "
        "old pointer is the new object's."
    ),
    advice=(
        "It is a use after free whose victim was reused; look for the lost reference to the first "
        "object, not at the second."
    ),
    traits=RuleTraits(
        kind=Kind.MEMORY,
        order=50,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE}),
        explains_assertions=True,
        lost=Lost.ITEM,
        family="stale",
    ),
    check=check,
)
