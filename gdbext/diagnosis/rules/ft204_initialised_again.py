"""FT204: a live object's method works on what a field of it held; the field holds another pointer
now.
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.conclude.operations import of_crashed_frame
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.provenance import FieldHolder, Provenance
from gdbext.diagnosis.facts.types import WRITTEN_BY_INIT
from gdbext.diagnosis.rule import Defect, Kind, Lost, Rule, RuleTraits
from gdbext.diagnosis.rules.phrases import evidence_of, name_of, weaker
from gdbext.model import Address, Claim, Confidence, Evidence, Finding, Subject


def check(facts: Facts) -> Iterator[Finding]:
    """The root pointer, where it was a field of an object whose ``__init__`` may have run again."""
    pointer, origin, holder = facts.cause.pointer, facts.cause.provenance, facts.cause.field_holder
    if pointer is None or origin is None or holder is None or not _may_be_again(origin, holder):
        return
    operation = of_crashed_frame(facts.stack, origin.level)
    is_certain = origin.type in WRITTEN_BY_INIT
    claim = Claim(
        "holder-alive", holder=Address(origin.holder), type=origin.type, operation=operation
    )
    yield RULE.finding(
        facts,
        Claim("no-longer-holds", operation=operation, object=name_of(pointer), type=origin.type),
        weaker(
            pointer.liveness_for_use.confidence,
            Confidence.PROVEN if is_certain else Confidence.POSSIBLE,
        ),
        Subject(origin.holder, origin.type, origin.type, holder.verdict),
        None,
        [
            Evidence(claim, origin.holder, pointer.address),
            *holder.evidence,
            *origin.evidence,
            *evidence_of(facts, pointer),
        ],
    )


def _may_be_again(origin: Provenance, holder: FieldHolder) -> bool:
    """Whether the type has an ``__init__`` that changes the object, and somebody may have called
    it.

    Else somebody may have set the field.
    """
    if origin.type == "type" or not holder.has_own_init:
        return False
    return origin.type in WRITTEN_BY_INIT or holder.is_initialised_by_another


RULE = Rule(
    id="FT204",
    title="object initialised again while in use",
    explanation=(
        "An object's __init__ ran again while another thread was in one of its methods; "
        "it replaced a field and freed what the method was still using. CPython calls concurrent "
        "__init__ unsupported and leaves it unfixed for classmethod and staticmethod up to 3.14."
    ),
    advice=(
        "Never call __init__ on an object that other threads can see; "
        "build a new object and publish that. 3.15 sets classmethod and staticmethod up in __new__ "
        "(gh-144330)."
    ),
    traits=RuleTraits(
        kind=Kind.MEMORY,
        order=20,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE}),
        explains_assertions=True,
        lost=Lost.CONTENT,
        suspects_subject=True,
        operation="__init__",
    ),
    check=check,
)
