"""FT401: glibc keeps the failed assertion's text."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.model import Claim, Confidence, Evidence, Finding, Foreign


def check(facts: Facts) -> Iterator[Finding]:
    """The assertion's function and expression."""
    fault = facts.fault
    if fault.assertion:
        function = fault.assertion_function
        yield RULE.finding(
            facts,
            Claim("assertion", function=function, expression=Foreign(fault.assertion)),
            Confidence.PROVEN,
            evidence=[Evidence(Claim("assertion-in", function=function), None, fault.assertion)],
        )


RULE = Rule(
    id="FT401",
    title="C assertion",
    explanation=(
        "The interpreter or an extension was built with assertions, and one of them failed."
    ),
    advice=(
        "The assertion states what was expected; the findings beside it say what memory held "
        "instead."
    ),
    traits=RuleTraits(
        kind=Kind.PLAIN,
        order=160,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE, Defect.MUTEX_MISUSE}),
    ),
    check=check,
)
