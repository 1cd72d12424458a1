"""FT000: a process that did not crash, and in which nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import FATAL_SIGNALS
from gdbext.diagnosis.rule import Kind, Rule, RuleTraits
from gdbext.model import Confidence, Finding


def check(facts: Facts) -> Iterator[Finding]:
    """What the process is doing: waiting, working."""
    if not facts.is_decoded:
        return
    if facts.fault.signal is not None and facts.fault.signal.name in FATAL_SIGNALS:
        return
    evidence = facts.hang.evidence if facts.hang else ()
    yield RULE.finding(facts, None, Confidence.LIKELY, evidence=evidence)


RULE = Rule(
    id="FT000",
    title="nothing wrong found",
    explanation="No rule found anything wrong.",
    advice="",
    traits=RuleTraits(kind=Kind.NOTHING, order=230, is_fallback=True),
    check=check,
)
