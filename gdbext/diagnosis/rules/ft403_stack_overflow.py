"""FT403: the fault is at the end of the thread's stack."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.model import Claim, Confidence, Evidence, Finding
from gdbext.target.values import NativeFrame

MANY_FRAMES = 200
"""A stack of so many is not known whole: of a recursion only the innermost frames are read."""
OF_ONE_FRAME = (
    "Nothing recurses: one function's variables (a large array, alloca) are larger than what the "
    "stack had left. Take their memory from the heap, or give the thread a larger stack "
    "(threading.stack_size)."
)


def check(facts: Facts) -> Iterator[Finding]:
    """The function that stands most often on the stack, or one whose own part of it is the larger
    half of what the known frames take.
    """
    fault = facts.fault
    if not fault.stack_overflow:
        return
    names = [f.function for f in facts.stack.native_frames if f.function]
    repeated = max(sorted(set(names)), key=names.count, default="?")
    claim = Claim("most-frequent", count=len(names), function=repeated)
    largest = _largest(facts.stack.native_frames)
    if largest is None:
        detail, advice = Claim("recurses", function=repeated), None
    else:
        detail, advice = Claim("needs-stack", function=largest[0], size=largest[1]), OF_ONE_FRAME
    yield RULE.finding(
        facts,
        detail,
        Confidence.PROVEN,
        evidence=[
            Evidence(Claim("stack-pointer"), None, fault.stack_pointer),
            Evidence(Claim("stack-end"), fault.stack_limit, None),
            Evidence(Claim("faulting-access"), fault.address, fault.instruction),
            Evidence(claim, None, names.count(repeated)),
        ],
        advice=advice,
    )


def _largest(frames: Sequence[NativeFrame]) -> tuple[str | None, int] | None:
    """(function, bytes) of the frame that takes more of the stack than all the others that are
    known; None where none does: a recursion's frames are of one size.
    """
    if len(frames) >= MANY_FRAMES:
        return None
    outward = [f for f in frames if not f.is_inlined]
    sizes = [(outer.sp - inner.sp, inner.function) for inner, outer in itertools.pairwise(outward)]
    size, function = max(sizes, key=lambda each: each[0], default=(0, None))
    return (function, size) if 2 * size > sum(each for each, _ in sizes) else None


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
