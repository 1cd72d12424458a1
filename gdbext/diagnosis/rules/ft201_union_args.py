"""FT201: code that works on a union finds args that are not an exact tuple."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.pointers import Pointer, UnionArgs
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.diagnosis.rules.phrases import container_of, evidence_of, subject_of
from gdbext.model import Address, Claim, Confidence, Finding, Verdict


def check(facts: Facts) -> Iterator[Finding]:
    """The first union that the code needs, and whose args are something else."""
    for pointer in facts.pointers:
        args = pointer.union_args
        if args is None or not pointer.is_trusted:
            continue
        if pointer.verdict is Verdict.DYING and args.was_taken_apart:
            continue
        yield RULE.finding(
            facts,
            Claim("args-of-union", state=_state(pointer), what=_there(args)),
            pointer.liveness_for_use.confidence if pointer.is_gone else Confidence.PROVEN,
            subject_of(pointer),
            container_of(facts.cause) if pointer is facts.cause.pointer else None,
            [args.broken.evidence, *evidence_of(facts, pointer)],
        )
        return


def _there(args: UnionArgs) -> Claim | Address | None:
    """What stands there: an object, else the word, where it could be read."""
    if args.type:
        return Claim("a-type", type=args.type)
    return None if args.broken.value is None else Address(args.broken.value)


def _state(pointer: Pointer) -> str | None:
    """``freed`` or ``live``, where that is known."""
    if pointer.is_gone:
        return "freed"
    return "live" if pointer.verdict is Verdict.LIVE else None


RULE = Rule(
    id="FT201",
    title="union args not a tuple",
    explanation=(
        "A types.UnionType (typing.Union) object's args is not an exact tuple. "
        "make_union sets args once, before anyone can see the union, and nothing changes it: "
        "the union's memory was reused or overwritten."
    ),
    advice=(
        "If the union itself was freed, find its lost reference (see FT101, FT102); "
        "if it is alive, something wrote over it."
    ),
    traits=RuleTraits(
        kind=Kind.MEMORY,
        order=60,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE}),
        explains_assertions=True,
        needs_live_subject=True,
        family="stale",
    ),
    check=check,
)
