"""FT000: a process that did not crash, and in which nothing is wrong, or nothing was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import FATAL_SIGNALS
from gdbext.diagnosis.facts.threads import HangEvidence
from gdbext.diagnosis.rule import Kind, Rule, RuleTraits
from gdbext.model import Claim, Confidence, Finding

NO_CAUSE = "no cause found"


def check(facts: Facts) -> Iterator[Finding]:
    """What the process is doing: waiting, working."""
    if not facts.is_decoded:
        return
    if facts.fault.signal is not None and facts.fault.signal.name in FATAL_SIGNALS:
        return
    hang = facts.hang or HangEvidence()
    if hang.for_unknown:
        # It may hang in them, or go on at the next moment: not to know is not to find all well.
        waits = Claim("wait-for-unknown", count=len(hang.for_unknown))
        yield _no_cause(facts, hang, Kind.CONCURRENCY, waits)
    elif facts.over_time is not None:
        yield _no_cause(facts, hang, Kind.UNKNOWN, hang.state)
    else:
        yield RULE.finding(facts, None, Confidence.LIKELY, evidence=hang.evidence)


def _no_cause(facts: Facts, hang: HangEvidence, kind: Kind, state: Claim | None) -> Finding:
    """Of a process that waits or works, and should not, or may be not."""
    detail = state
    if facts.over_time is not None:
        detail = Claim("over-time", seconds=facts.over_time, state=state)
    # What the title says, the evidence need not.
    evidence = [each for each in hang.evidence if each.value is None or each.value != state]
    found = RULE.finding(
        facts, detail, Confidence.POSSIBLE, evidence=evidence, threads=hang.for_unknown
    )
    return replace(
        found,
        title=Claim("finding", rule=NO_CAUSE, detail=detail),
        name=NO_CAUSE,
        kind=str(kind),
    )


RULE = Rule(
    id="FT000",
    title="nothing wrong found",
    explanation="No rule found anything wrong.",
    advice="",
    traits=RuleTraits(kind=Kind.NOTHING, order=230, is_fallback=True),
    check=check,
)
