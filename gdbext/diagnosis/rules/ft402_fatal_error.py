"""FT402: Py_FatalError's message is an argument on the stack."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.model import Claim, Confidence, Data, Evidence, Finding, Foreign

UNLOCKED_ADVICE = (
    "The object was freed while its lock was held: look for two threads that both give up one "
    "reference to it (an unlocked read-then-clear of a field), or a borrowed reference."
)


def check(facts: Facts) -> Iterator[Finding]:
    """The message, and the object that it is about."""
    fault = facts.fault
    if not fault.fatal_error:
        return
    is_data = fault.fatal_text_is_data
    text = Data(fault.fatal_error) if is_data else Foreign(fault.fatal_error)
    evidence = [Evidence(Claim("message"), None, fault.fatal_error, private=is_data)]
    if fault.fatal_object:
        evidence.append(Evidence(Claim("is-about"), fault.fatal_object))
    evidence += _unlocked(facts)
    yield RULE.finding(
        facts,
        Claim("said", text=text),
        Confidence.PROVEN,
        facts.fatal_object.subject if facts.fatal_object else None,
        evidence=evidence,
        advice=UNLOCKED_ADVICE if facts.unlocked else None,
    )


def _unlocked(facts: Facts) -> Iterator[Evidence]:
    """What has become of the object that was locked."""
    found = facts.unlocked
    if found is None:
        return
    kind = found.type or "object"
    is_gone = found.verdict.is_dead
    claim = Claim("unlocks-gone", type=kind) if is_gone else Claim("unlocks-another", type=kind)
    yield Evidence(claim, found.address, found.verdict.value, broken=True)


RULE = Rule(
    id="FT402",
    title="fatal Python error",
    explanation="The interpreter gave up with Py_FatalError.",
    advice="Read the message; the crashed thread's stack says who reported it.",
    traits=RuleTraits(
        kind=Kind.PLAIN,
        order=170,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE, Defect.MUTEX_MISUSE}),
    ),
    check=check,
)
