"""FT403: the fault is at the end of the thread's stack."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.model import Claim, Confidence, Evidence, Finding


def check(facts: Facts) -> Iterator[Finding]:
    """The function that stands most often on the stack."""
    fault = facts.fault
    if not fault.stack_overflow:
        return
    names = [f.function for f in facts.stack.native_frames if f.function]
    repeated = max(sorted(set(names)), key=names.count, default="?")
    claim = Claim("most-frequent", count=len(names), function=repeated)
    yield RULE.finding(
        facts,
        Claim("recurses", function=repeated),
        Confidence.PROVEN,
        evidence=[
            Evidence(Claim("stack-pointer"), None, fault.stack_pointer),
            Evidence(Claim("stack-end"), fault.stack_limit, None),
            Evidence(Claim("faulting-access"), fault.address, fault.instruction),
            Evidence(claim, None, names.count(repeated)),
        ],
    )


RULE = Rule(
    id="FT403",
    title="stack overflow",
    explanation=(
        "The thread's C stack is used up: the faulting access is just below the stack's mapping."
    ),
    advice=(
        "Find the recursion in the stack below; bound it, or give the thread a larger stack "
        "(threading.stack_size)."
    ),
    traits=RuleTraits(kind=Kind.EXHAUSTION, order=10, defects=frozenset({Defect.STACK_OVERFLOW})),
    check=check,
)
