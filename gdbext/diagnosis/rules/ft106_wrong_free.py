"""FT106: memory was given back to an allocator that had not given it out."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.memory import WrongFree
from gdbext.diagnosis.rule import Kind, Rule, RuleTraits
from gdbext.model import Claim, Finding

PAIRS = (
    "PyMem_Malloc with PyMem_Free, PyObject_Malloc with PyObject_Free, PyMem_RawMalloc with "
    "PyMem_RawFree, malloc and strdup with free, new with delete, new[] with delete[]"
)


def check(facts: Facts) -> Iterator[Finding]:
    """Whose memory it is, and whose function it was given to."""
    wrong = facts.heap.wrong_free
    if wrong is None:
        return
    yield RULE.finding(
        facts,
        _title(wrong),
        wrong.confidence,
        wrong.subject,
        evidence=wrong.evidence,
    )


def _title(wrong: WrongFree) -> Claim:
    call = wrong.call
    if wrong.may_have_been_block:
        return Claim(
            "free-of-former-block", caller=call.caller, function=call.function, origin=wrong.origin
        )
    return Claim(
        "wrong-free" if wrong.is_block else "free-of-no-block",
        caller=call.caller,
        function=call.function,
        origin=wrong.origin,
    )


RULE = Rule(
    id="FT106",
    title="memory freed by another allocator",
    explanation=(
        "A block was given to a function that frees the memory of another allocator, or memory "
        "that no allocator gave out was freed. Free-threaded builds use mimalloc for PyMem_Malloc "
        "and PyObject_Malloc; with the GIL a small mistake of this kind may go unnoticed. "
        "Where a whole block was given, the function on the stack is most likely the one that is "
        "wrong; a pointer to no block may have been read from damaged memory."
    ),
    advice=f"Give memory back to the API that it is from: {PAIRS}.",
    traits=RuleTraits(kind=Kind.MEMORY, order=5, is_freeing=True),
    check=check,
)
