"""FT402: Py_FatalError's message is an argument on the stack."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.model import Confidence, Evidence, Finding


def check(facts: Facts) -> Iterator[Finding]:
    """The message, and the object that it is about."""
    fault = facts.fault
    if not fault.fatal_error:
        return
    evidence = [Evidence("message", None, fault.fatal_error, private=fault.fatal_text_is_data)]
    if fault.fatal_object:
        evidence.append(Evidence("the object that it is about", fault.fatal_object))
    yield RULE.finding(
        facts,
        fault.fatal_error,
        Confidence.PROVEN,
        facts.fatal_object.subject if facts.fatal_object else None,
        evidence=evidence,
    )


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
