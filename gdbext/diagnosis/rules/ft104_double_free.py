"""FT104: CPython or libc reported it, a header counts below zero, or a freed one's count went on
falling.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gdbext.diagnosis.conclude import libc
from gdbext.diagnosis.conclude.reporters import caller_of_system, reporter_module
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.diagnosis.rules.ft402_fatal_error import VISITED_TOO_OFTEN
from gdbext.diagnosis.rules.phrases import evidence_of, name_of, subject_of
from gdbext.model import Claim, Confidence, Evidence, Finding

OF_C_LIBRARY = (
    "Two places own the block: set the pointer to NULL where it is freed, and look for a second "
    "object, or a second thread, that frees the same one."
)
NEGATIVE = ("negative ref", "refcnt", "refcount")
REPORTER = re.compile(r"^\w+: ")
"""Who reports a fatal error, before its message: ``validate_refcounts`` has more to say."""


def check(facts: Facts) -> Iterator[Finding]:
    """An object with too few references, and a block that malloc() was given back twice."""
    yield from _object(facts)
    if libc.is_double_free(facts.fault):
        yield RULE.finding(
            facts,
            Claim("malloc-block-freed-twice"),
            Confidence.PROVEN,
            evidence=libc.evidence(facts.fault, facts.stack),
            advice=OF_C_LIBRARY,
        )


def _object(facts: Facts) -> Iterator[Finding]:
    message = facts.fault.fatal_error or facts.fault.assertion or ""
    said = REPORTER.sub("", message)
    is_reported = any(word in said for word in NEGATIVE) and _is_cpythons(facts)
    # What a collection counts is what the visits of tp_traverse leave, not the object's own count.
    is_reported = is_reported and VISITED_TOO_OFTEN not in said
    about = facts.fault.fatal_object
    for pointer in facts.pointers:
        is_it = is_reported and (
            pointer.address == about if about else pointer.innermost.is_argument
        )
        again = pointer is facts.cause.pointer and pointer.ended_again
        below, late = _below_zero(pointer), _after_free(facts, pointer)
        if not below and not late and not again and not (is_it and pointer.is_bad):
            continue
        evidence = [*below, *late, *evidence_of(facts, pointer)]
        if is_it:
            evidence.insert(0, Evidence(Claim("cpython-reported"), None, message))
        if again:
            claim = Claim("deallocated-again")
            evidence.insert(0, Evidence(claim, None, pointer.address))
        yield RULE.finding(
            facts,
            Claim(
                "ends-again" if again and not below else "count-below-zero", object=name_of(pointer)
            ),
            Confidence.PROVEN if is_it or below else Confidence.LIKELY,
            subject_of(pointer),
            evidence=evidence,
        )
        return
    if is_reported and about and facts.fatal_object:
        kind = facts.fatal_object.type
        about_what = Claim("a-type", type=kind) if kind else Claim("an-object")
        yield RULE.finding(
            facts,
            Claim("count-below-zero", object=about_what),
            Confidence.PROVEN,
            facts.fatal_object.subject,
            evidence=[
                Evidence(Claim("cpython-reported"), None, message),
                Evidence(Claim("is-about"), about),
            ],
        )


def _is_cpythons(facts: Facts) -> bool:
    """Whether the interpreter reported the fatal error, or has the failed assertion.

    Others' messages may have any words.
    """
    if facts.fault.fatal_object:
        return True
    stack = facts.stack
    if facts.fault.fatal_error:
        return reporter_module(stack.native_frames) == stack.interpreter_module
    asserting = caller_of_system(stack)
    return asserting is not None and asserting.module == stack.interpreter_module


def _below_zero(pointer: Pointer) -> tuple[Evidence, ...]:
    """Where its header counts below zero.

    A leftover in some local, or what was written over or never was an object, counts nothing.
    """
    return pointer.below_zero if pointer.is_trusted and pointer.liveness.block else ()


def _after_free(facts: Facts, pointer: Pointer) -> tuple[Evidence, ...]:
    """What changed its count after it was freed, where the current operation has it."""
    is_current = any(facts.stack.same_call(0, u.level) for u in pointer.uses)
    return pointer.counted_after_free if is_current else ()


RULE = Rule(
    id="FT104",
    title="double free or refcount below zero",
    explanation="An object's reference count went below zero, or a block was freed twice.",
    advice=(
        "Look for a Py_DECREF without its own reference, for a pointer that was kept without one "
        "and is used after the object's end, or for two threads that both give up one reference "
        "(an unlocked read-then-clear of a field)."
    ),
    traits=RuleTraits(
        kind=Kind.MEMORY,
        order=40,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE}),
        family="stale",
    ),
    check=check,
)
