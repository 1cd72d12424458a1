"""FT101 to FT104: objects used when they are no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gdbext.cpython.allocator.debug_hooks import FREED, fill_of
from gdbext.cpython.allocator.evidence import AFTER_FREE
from gdbext.cpython.objects.header import BELOW_ZERO, WRONG_COUNTS
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.fault import reporter_module
from gdbext.diagnosis.origin import Origin
from gdbext.diagnosis.rules.build import (
    caller_of_system,
    container_of,
    evidence_of,
    fill_went_through,
    finding,
    name_of,
    one_thread,
    subject_at,
    subject_of,
    weaker,
)
from gdbext.diagnosis.rules.catalog import DOCS
from gdbext.diagnosis.rules.pointers import is_no_object
from gdbext.diagnosis.suspects import Suspect
from gdbext.model import Confidence, Evidence, Finding, Verdict, kind_of

STATE_OF = {
    Verdict.FREED: "was freed",
    Verdict.PENDING_FREE: "is queued to be freed",
    Verdict.CACHED: "is dead, on a freelist",
    Verdict.REUSED: "was freed, its memory reused",
    Verdict.POISONED: "was freed",
    Verdict.NEVER_ALLOCATED: "never was an object",
    Verdict.UNMAPPED: "lies in unmapped memory",
    Verdict.INTERIOR: "is no more: the pointer leads into another block",
}


def container_item(case: Case) -> Iterator[Finding]:
    """FT101: the bad pointer is, or a moment ago was, an item of a live container."""
    suspect, origin = case.root, case.origin
    if (
        suspect is None
        or origin is None
        or not _is_item(origin)
        or not _is_stale(suspect)
        or is_no_object(case, suspect)
    ):
        return
    detail = f"{case.operation_at(origin.level)} uses {name_of(suspect)} that {STATE_OF.get(suspect.liveness.verdict, 'is gone')}"
    others = case.held.others if origin.was_searched else ()
    found = finding(
        case,
        "FT101",
        detail,
        weaker(_sure_it_is_dead(case, suspect, origin), _link(origin)),
        subject_of(suspect),
        container_of(origin),
        [*origin.evidence, *_shrank(case, origin), *evidence_of(case, suspect), *others],
    )
    # Nothing was taken out of a container that was found by what it holds now.
    yield replace(found, advice=DOCS["FT102"].advice) if origin.was_searched else found


def _sure_it_is_dead(case: Case, suspect: Suspect, origin: Origin) -> Confidence:
    """A live container that holds a dead object is wrong, whatever the fault came of."""
    if suspect.liveness.verdict is Verdict.UNMAPPED:
        return (
            Confidence.LIKELY
        )  # Memory that was given back to the system, or a pointer that something wrote over.
    if origin.current:
        return case.session.heap.judge(suspect.address, suspect.expected or "object").confidence
    return suspect.liveness.confidence


def _is_item(origin: Origin) -> bool:
    """Whether anything but the Python line's naming the container says that the pointer came from it."""
    return origin.is_container and (origin.current or origin.function is not None)


def _is_stale(suspect: Suspect) -> bool:
    """Freed, or another thing by now.  A pointer into nowhere is damage of another kind, unless a container holds it."""
    return suspect.is_gone or suspect.wrong_type


def _link(origin: Origin) -> Confidence:
    """How sure it is that the pointer came from the container."""
    if origin.current or (origin.adjacent and origin.shrank):
        return Confidence.PROVEN
    return Confidence.LIKELY if origin.adjacent else Confidence.POSSIBLE


def _shrank(case: Case, origin: Origin) -> list[Evidence]:
    if not origin.current and origin.shrank:
        shrank = f"the {origin.type} shrank under its reader: item {origin.slot} is beyond its length {origin.length}"
        return [Evidence(shrank), *one_thread(case)]
    return []


def after_free(case: Case) -> Iterator[Finding]:
    """FT102: the bad pointer's block is free, or will be."""
    suspect = case.root
    if suspect is None:
        yield from _through_freed(case)
        return
    if not suspect.is_gone or suspect.liveness.verdict in (
        Verdict.NEVER_ALLOCATED,
        Verdict.UNMAPPED,
    ):
        return
    if (
        _other_object(suspect)
        or (case.origin and _is_item(case.origin))
        or is_no_object(case, suspect)
    ):
        return  # FT103, FT101 and FT206 say more
    use = next((u for u in suspect.uses if u.is_self), suspect.innermost)
    if fill_of(suspect.address) == FREED:
        what = "a pointer that was read from freed memory"
    else:
        what = f"{name_of(suspect)} that {STATE_OF[suspect.liveness.verdict]}"
    detail = f"{case.operation_at(use.level)} uses {what}"
    described, *proof = evidence_of(case, suspect)
    evidence = [described, *case.held.others, *proof]
    yield finding(
        case, "FT102", detail, suspect.liveness.confidence, subject_of(suspect), None, evidence
    )


def _through_freed(case: Case) -> Iterator[Finding]:
    """The faulting access, or jump, goes through the fill that the debug hooks write over freed memory."""
    fault = case.fault
    fill, reason = fill_went_through(case) or (None, None)
    if not fault.is_fault or fill != FREED or reason is None:
        return
    where = next((f.function for f in case.c_frames if not f.frame.is_inlined), "C code")
    evidence = [
        reason,
        *([Evidence("faulting instruction", None, fault.instruction)] if fault.instruction else ()),
    ]
    yield finding(
        case,
        "FT102",
        f"{where} uses a pointer that was read from freed memory",
        Confidence.LIKELY,
        evidence=evidence,
    )


def reused(case: Case) -> Iterator[Finding]:
    """FT103: something of another type lives where the code expects its object."""
    suspect = case.root
    if suspect is None or not _other_object(suspect) or is_no_object(case, suspect):
        return
    detail = f"{_taker(suspect)} takes a {suspect.actual_type} for {name_of(suspect)}"
    confidence = suspect.liveness.confidence
    if suspect.liveness.verdict is not Verdict.REUSED:
        confidence = weaker(confidence, Confidence.LIKELY)
    yield finding(
        case,
        "FT103",
        detail,
        confidence,
        subject_of(suspect),
        container_of(case.origin),
        evidence_of(case, suspect),
    )


def _other_object(suspect: Suspect) -> bool:
    """Whether a credible object of another type lives there now."""
    return suspect.actual_type is not None and (
        suspect.liveness.verdict is Verdict.REUSED or suspect.wrong_type
    )


def _taker(suspect: Suspect) -> str:
    """The function that expects the type."""
    return (
        next((u.function for u in suspect.uses if u.expected and u.function), None)
        or suspect.innermost.function
        or "C code"
    )


NEGATIVE = ("negative ref", "refcnt", "refcount")


def _cpython_said(case: Case) -> bool:
    """Whether the interpreter reported the fatal error, or has the failed assertion: others' messages may have any words."""
    if case.fault.fatal_object:
        return True
    if case.fault.fatal_error:
        return reporter_module(case.native_frames) == case.interpreter_module
    asserting = caller_of_system(case)
    return asserting is not None and asserting.module == case.interpreter_module


def double_free(case: Case) -> Iterator[Finding]:
    """FT104: CPython's own check said so, a header counts below zero, or a freed one's count went on falling."""
    message = case.fault.fatal_error or case.fault.assertion or ""
    said = any(word in message for word in NEGATIVE) and _cpython_said(case)
    about = case.fault.fatal_object
    for suspect in case.suspects:
        is_told = said and (suspect.address == about if about else suspect.innermost.is_argument)
        again = suspect is case.root and suspect.ended_again
        below = [e for e in suspect.header_problems if kind_of(e.claim) in BELOW_ZERO]
        is_count = all(kind_of(e.claim) in WRONG_COUNTS for e in suspect.header_problems)
        if below and not (
            suspect.is_trusted_use and suspect.liveness.block is not None and is_count
        ):
            below = []  # A leftover in some local, or what was written over or never was an object, counts nothing.
        late = [
            e
            for e in suspect.liveness.evidence
            if kind_of(e.claim) in AFTER_FREE
            and any(case.same_call(0, u.level) for u in suspect.uses)
        ]
        if not below and not late and not again and not (is_told and suspect.is_bad):
            continue
        evidence = [*below, *late, *evidence_of(case, suspect)]
        if is_told:
            evidence.insert(0, Evidence("CPython reported", None, message))
        if again:
            evidence.insert(
                0,
                Evidence(
                    "it is being deallocated, although it is gone already", None, suspect.address
                ),
            )
        confidence = Confidence.PROVEN if is_told or below else Confidence.LIKELY
        detail = f"{name_of(suspect)} lost more references than it had"
        yield finding(case, "FT104", detail, confidence, subject_of(suspect), None, evidence)
        return
    if said and about:
        subject = subject_at(case, about)
        detail = f"{f'a {subject.type}' if subject.type else 'an object'} lost more references than it had"
        evidence = [
            Evidence("CPython reported", None, message),
            Evidence("the object that it is about", about),
        ]
        yield finding(case, "FT104", detail, Confidence.PROVEN, subject, None, evidence)
