"""FT203: a container whose storage was freed, replaced or shortened under the code that
walks it.
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.conclude.indices import index_variable
from gdbext.diagnosis.conclude.nulls import sure_of_null, walked_at
from gdbext.diagnosis.conclude.operations import of_crashed_frame
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.frames import CFrame
from gdbext.diagnosis.facts.origin import Origin
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.rule import Defect, Kind, Lost, Rule, RuleTraits
from gdbext.diagnosis.rules.phrases import container_of, one_thread, subject_of, weaker
from gdbext.model import Address, Claim, Confidence, Evidence, Finding

MAX_INNER = 6
MAX_OFFSET = 1 << 24
"""An access this near to NULL may be to an item of an array that is not there."""


def check(facts: Facts) -> Iterator[Finding]:
    """A size that is too small for the index, and an array that the container no longer owns."""
    yield from _too_short(facts)
    yield from _old_array(facts)


def _old_array(facts: Facts) -> Iterator[Finding]:
    old = facts.old_array
    owner = next((p for p in facts.pointers if old and p.address == old.owner), None)
    if old is None or owner is None:
        return
    claim = Claim("old-array", level=old.level, function=old.function, variable=old.variable)
    now = Claim("array-now", type=owner.actual_type, holder=Address(owner.address))
    yield RULE.finding(
        facts,
        Claim("walks-old-array", function=old.function, type=owner.actual_type),
        weaker(old.liveness.confidence, Confidence.LIKELY),
        subject_of(owner),
        container_of(facts.cause),
        [
            Evidence(claim, None, old.address),
            Evidence(now, old.pointer_address, old.array, owner.address),
            *one_thread(facts),
            *old.liveness.evidence,
        ],
    )


def _too_short(facts: Facts) -> Iterator[Finding]:
    """The faulting function has a live object with a size, and an index that is beyond it now."""
    if not facts.fault.is_fault or facts.cause.pointer is not None:
        return
    last: CFrame | None = None
    for frame in facts.stack.c_frames[:MAX_INNER]:
        # The access that goes too far is the function's own: it is at fault itself, or what is
        # inlined into it.
        is_own = last is None or last.frame.is_inlined
        if not facts.stack.same_call(0, frame.level) or not is_own:
            return
        last = frame
        walked = walked_at(facts.pointers, frame.level)
        if (
            walked is not None
            and walked.size is not None
            and _may_be_item(facts.fault.origin, walked)
            and _is_beyond(facts, frame, walked)
        ):
            yield _shortened(facts, frame, walked)
            return


def _may_be_item(origin: Origin, walked: Pointer) -> bool:
    """Whether the pointer that was faulted through may be out of the container's array: not where
    the code says that it is what a function returned, what the function was given, or from
    elsewhere.
    """
    if any(load.base == walked.address for load in origin.loads):
        return True
    if not origin.loads:
        return not origin.is_known
    return origin.result_of is None and origin.loads[-1].base is not None


def _is_beyond(facts: Facts, frame: CFrame, walked: Pointer) -> bool:
    _, index = index_variable(frame)
    size = walked.size[1] if walked.size else 0
    if index is not None:
        return size <= index
    address = facts.fault.address
    is_near_null = address is not None and address < MAX_OFFSET
    return size == 0 and is_near_null and facts.fault.jumped_to is None


def _shortened(facts: Facts, frame: CFrame, walked: Pointer) -> Finding:
    name, index = index_variable(frame)
    place, size = walked.size or (0, 0)
    if index is not None:
        claim = Claim("variable", level=frame.level, function=frame.frame.function, variable=name)
        seen = Evidence(claim, None, str(index))
    else:
        seen = Evidence(Claim("offset-from-null"), facts.fault.address)
    sure = sure_of_null(walked, facts.fault, facts.stack)
    return RULE.finding(
        facts,
        Claim(
            "beyond-end",
            operation=of_crashed_frame(facts.stack, frame.level),
            index=index,
            type=walked.actual_type,
            size=size,
        ),
        weaker(Confidence.LIKELY, sure),
        subject_of(walked),
        None,
        [
            seen,
            Evidence(Claim("size-now"), place, str(size), walked.address, broken=True),
            *one_thread(facts),
            *walked.liveness.evidence,
        ],
    )


RULE = Rule(
    id="FT203",
    title="container changed under its reader",
    explanation=(
        "A container's size or storage is not what the C code that walks it still assumes: it was "
        "resized or cleared meanwhile."
    ),
    advice="Take the container's critical section for the whole walk, or work on a copy.",
    traits=RuleTraits(
        kind=Kind.MEMORY,
        order=90,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE}),
        lost=Lost.CONTENT,
        suspects_subject=True,
    ),
    check=check,
)
