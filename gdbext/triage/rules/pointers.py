"""FT206 and FT205 for pointers that never led to an object: debug fill, text, a thread's identifier, NULL.

What such a pointer says is where it was read: past the end of an array, from memory that nobody had written, or from a field
that something wrote over.  Nothing need have been freed.
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.debuggers.base import text_in_word
from gdbext.heap.debug_hooks import GUARD, UNINITIALISED, fill_of
from gdbext.model import Confidence, Evidence, Finding, Verdict
from gdbext.triage.case import Case
from gdbext.triage.expectations import is_object_pointer
from gdbext.triage.rules.build import container_of, evidence_of, finding, name_of, subject_of
from gdbext.triage.suspects import Suspect

READ_FROM = {
    GUARD: "the guard bytes beside a block: it was read past the end of one",
    UNINITIALISED: "the fill of memory that nobody has written yet",
}
HEADER_REACH = 0x40
"""An access through NULL to an object's header, or to the first fields behind it."""


def what_it_is(case: Case, address: int) -> str | None:
    """What a word is that was taken for an object's address and never was one; None where it may have been."""
    fill = fill_of(address)
    if fill in READ_FROM:
        return READ_FROM[fill]
    thread = case.session.runtime.by_tid(address)
    if thread is not None:
        return f"the identifier of LWP {thread.native_thread_id}, an object's ob_tid: it was read past the end of another block"
    text = text_in_word(address)
    if text and case.session.heap.judge(address).verdict is Verdict.UNMAPPED:
        return "text: something wrote over the pointer"
    return None


def no_pointer(case: Case) -> Iterator[Finding]:
    """FT206: what the code takes for an object is a word of another kind."""
    suspect = case.root
    what = what_it_is(case, suspect.address) if suspect else None
    if suspect is None or what is None:
        return
    certain = Confidence.PROVEN if fill_of(suspect.address) in READ_FROM else Confidence.LIKELY
    use = next((u for u in suspect.uses if u.is_self), suspect.innermost)
    yield finding(
        case,
        "FT206",
        f"what {case.operation_at(use.level)} takes for {name_of(suspect)} is {what}",
        certain,
        subject_of(suspect),
        container_of(case.origin),
        evidence_of(case, suspect),
    )


def null_object(case: Case) -> Iterator[Finding]:
    """FT205: the function at fault works on a NULL where an object has to be."""
    address, operand = case.fault.address, case.fault.operand
    if not case.fault.is_fault or address is None or address >= HEADER_REACH or operand is None or operand.base_value != 0:
        return
    end = next((n for n, f in enumerate(case.c_frames) if not f.frame.is_inlined), None)
    if end is None:
        return
    for frame in case.c_frames[: end + 1]:
        null = next(
            (v for v in frame.variables if v.is_argument and v.value == 0 and is_object_pointer(v.type, case.session.layout)), None
        )
        if null is not None:
            function = case.c_frames[end].function
            evidence = [Evidence(f"#{frame.frame.level} {frame.function}: {null.name} is NULL", None, 0, broken=True)]
            yield finding(case, "FT205", f"{function} uses NULL as an object", Confidence.LIKELY, evidence=evidence)
            return


def is_no_object(case: Case, suspect: Suspect) -> bool:
    """Whether :func:`no_pointer` says what the suspect is, so that rules about freed objects must not."""
    return what_it_is(case, suspect.address) is not None
