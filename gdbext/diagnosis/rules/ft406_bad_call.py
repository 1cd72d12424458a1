"""FT406: a call through a function pointer that leads to no code."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import BadCall, Target
from gdbext.diagnosis.facts.origin import Load
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.diagnosis.rules.phrases import fill_went_through, last_read
from gdbext.model import Address, Claim, Confidence, Evidence, Finding, Subject

OF_INNER = (
    "The function that jumped has left no frame: look at what the caller calls, and in there for a "
    "call through a pointer in the last line; -fno-optimize-sibling-calls keeps the frame."
)


def check(facts: Facts) -> Iterator[Finding]:
    """What the pointer leads to, who called through it, and where it was read from."""
    call, target = facts.fault.bad_call, facts.fault.jumped_to
    if call is None or target is None or not facts.is_decoded:
        return
    sure, advice = Confidence.LIKELY, None
    last = next(iter(facts.fault.origin.loads), None)
    is_same = last is not None and last.now == target
    is_alone = len(facts.process.threads) < 2
    if call.may_be_inner and last is not None and not is_same and is_alone:
        # Where others run, one of them may have set the pointer since.
        yield _of_inner(facts, call, target, last)
        return
    if call.target is Target.NULL:
        detail = Claim("calls-null", caller=call.caller)
        sure = Confidence.LIKELY if call.may_be_inner and not is_same else Confidence.PROVEN
        advice = "Check the function pointer before the call, and who should have set it."
    elif call.target is Target.UNMAPPED:
        detail = Claim("calls-unmapped", caller=call.caller, target=Address(target))
    elif call.target is Target.DATA:
        detail = Claim("calls-data", caller=call.caller, target=Address(target))
    else:
        detail = Claim("calls-no-address", caller=call.caller, target=Address(target))
        advice = "Find what wrote over the pointer, or who reads it from memory that is gone."
    evidence = [Evidence(Claim("bad-program-counter"), target, broken=True)]
    if call.mapped is not None:
        evidence.append(Evidence(Claim("mapped-there", what=call.mapped), target))
    if (through := fill_went_through(facts)) is not None:
        evidence.insert(0, through[1])
    subject = None
    if last is not None and last.type is not None and last.base is not None:
        subject = Subject(last.base, last.type)
    yield RULE.finding(
        facts, detail, sure, subject, evidence=[*evidence, *last_read(facts)], advice=advice
    )


def _of_inner(facts: Facts, call: BadCall, target: int, last: Load) -> Finding:
    """The jump of a function that the caller called, as its last deed: what the caller's code reads
    its own pointer from has another one.
    """
    claim = Claim("calls-another", caller=call.caller, symbol=last.symbol)
    return RULE.finding(
        facts,
        Claim("called-function-jumps", caller=call.caller, target=Address(target)),
        Confidence.LIKELY,
        evidence=[
            Evidence(Claim("bad-program-counter"), target, broken=True),
            Evidence(claim, last.place, last.now),
        ],
        advice=OF_INNER,
    )


RULE = Rule(
    id="FT406",
    title="call through a bad function pointer",
    explanation=(
        "The processor was sent to an address where no code is, by a call through a function "
        "pointer. Where the address lies beside mapped files, code was there most likely: "
        "a library that was unloaded, a callback (of cffi, ctypes, libffi) or a compiled function "
        "that was freed while somebody still had its address."
    ),
    advice=(
        "Keep what the pointer leads to alive for as long as anybody may call it: the callback's "
        "object, the library's handle, the code's page. Unregister it before it goes, and wait for "
        "calls that have begun."
    ),
    traits=RuleTraits(
        kind=Kind.PLAIN,
        order=215,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE, Defect.MUTEX_MISUSE}),
        is_fallback=True,
        may_come_of_race=True,
    ),
    check=check,
)
