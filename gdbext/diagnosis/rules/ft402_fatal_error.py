"""FT402: Py_FatalError's message is an argument on the stack."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.model import Claim, Confidence, Data, Evidence, Finding, Foreign

FREED_ADVICE = (
    "The object was freed while its lock was held: look for two threads that both give up one "
    "reference to it (an unlocked read-then-clear of a field), or a borrowed reference."
)
UNLOCKED_ADVICE = (
    "Look for code that unlocks the mutex of a critical section itself, or ends one twice; for "
    "what writes over the object's header; else for a reference too few, by which the object that "
    "was locked was freed, and its block is in use again."
)
NOT_LOCKED = "unlocking mutex that is not locked"
"""What PyMutex_Unlock says (Python/lock.c)."""
NOT_LOCKED_ADVICE = (
    "Look for a path that unlocks twice (an error path whose caller unlocks, too), or without "
    "having locked; else for an object with the mutex in it that was freed, and its block is in "
    "use again."
)
VISITED_TOO_OFTEN = "refcount is too small"
"""What a collection of a debug build says where tp_traverse functions visited an object more often
than it has references (Python/gc_free_threading.c, mark_heap_visitor).
"""
TRAVERSE_ADVICE = (
    "Look for a tp_traverse that visits a field twice, or one that has no reference of its own "
    "(a borrowed pointer); else for one Py_DECREF too many. The object's owners are where to look: "
    "ft referrers."
)


def check(facts: Facts) -> Iterator[Finding]:
    """The message, and the object that it is about."""
    fault = facts.fault
    if not fault.fatal_error:
        return
    is_data = fault.fatal_text_is_data
    text = Data(fault.fatal_error) if is_data else Foreign(fault.fatal_error)
    evidence = [Evidence(Claim("message"), None, fault.fatal_error, private=is_data)]
    if fault.fatal_object:
        evidence.append(Evidence(Claim("is-about"), fault.fatal_object))
    evidence += [*_unlocked(facts), *_visited(facts)]
    yield RULE.finding(
        facts,
        Claim("said", text=text),
        Confidence.PROVEN,
        facts.fatal_object.subject if facts.fatal_object else None,
        evidence=evidence,
        advice=_advice(facts),
    )


def _advice(facts: Facts) -> str | None:
    if facts.unlocked is not None:
        return FREED_ADVICE if facts.unlocked.verdict.is_dead else UNLOCKED_ADVICE
    if NOT_LOCKED in (facts.fault.fatal_error or ""):
        return NOT_LOCKED_ADVICE
    return TRAVERSE_ADVICE if any(True for _ in _visited(facts)) else None


def _visited(facts: Facts) -> Iterator[Evidence]:
    """What it means that a collection counts fewer references to an object than it visits."""
    if facts.fatal_object is not None and VISITED_TOO_OFTEN in (facts.fault.fatal_error or ""):
        kind = facts.fatal_object.type or "object"
        yield Evidence(Claim("visited-too-often", type=kind), facts.fatal_object.address)


def _unlocked(facts: Facts) -> Iterator[Evidence]:
    """What has become of the object that was locked."""
    found = facts.unlocked
    if found is None:
        return
    kind = found.type or "object"
    is_gone = found.verdict.is_dead
    claim = Claim("unlocks-gone", type=kind) if is_gone else Claim("unlocks-another", type=kind)
    yield Evidence(claim, found.address, found.verdict.value, broken=True)


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
