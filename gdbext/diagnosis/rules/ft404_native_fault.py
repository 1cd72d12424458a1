"""FT404: a fault that no rule ties to a Python object."""

from __future__ import annotations

import os
from collections.abc import Iterator

from gdbext.diagnosis.conclude.code_owners import is_others
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import Refusal, Refused
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.origin import Load
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.diagnosis.rules.phrases import fill_went_through, header_read, last_read
from gdbext.model import Address, Claim, Confidence, Evidence, Finding

SHARED_ADVICE = (
    "The pointer came out of a static variable of C code, which all threads share: if more than "
    "one changes it, guard it with a lock (PyMutex), make it thread-local, or keep one for each "
    "object. Else treat it as any C crash: the native stack and the faulting operand are where to "
    "start."
)
ADVICE = {
    Refused.DIVISION: (
        "Check the divisor, and that the dividend is not the least integer where it is -1, before "
        "dividing. If it comes from a field that other threads may change, read it once, under the "
        "object's lock, and divide by what was checked."
    ),
    Refused.FLOATING_POINT: (
        "Something unmasked floating-point exceptions (feenableexcept(), a compiler's option): by "
        "default none raises a signal. Find it, or the operation that yields no number."
    ),
    Refused.TRAP: (
        "The code ended itself: compilers write a trap for __builtin_trap(), for code that cannot "
        "be reached, for a check of -fsanitize or -ftrapv that failed, and for Rust's abort(). See "
        "which condition of the source leads there. If none does, a damaged pointer or return "
        "address led into the code."
    ),
    Refused.BREAKPOINT: (
        "The code has a breakpoint in it (int3: __builtin_debugtrap(), a check that failed), or "
        "a debugger was killed and left its own behind. See which condition of the source leads "
        "there."
    ),
    Refused.ILLEGAL: (
        "Either the code was built for another processor (-march=native, AVX-512): compare the "
        "instruction with the flags in /proc/cpuinfo. Or a damaged function pointer or return "
        "address led to what is not an instruction: then the native stack is where to start."
    ),
}


def check(facts: Facts) -> Iterator[Finding]:
    """Where it happened, and what the instruction accessed."""
    fault = facts.fault
    if not fault.is_fault or not facts.is_decoded:
        return
    evidence = [*_root(facts), *_instruction(facts)]
    if fault.operand:
        claim = Claim("operand", operand=fault.operand.text)
        evidence.append(Evidence(claim, None, Address(fault.operand.address)))
    evidence += [*last_read(facts), *header_read(facts)]
    if (through := fill_went_through(facts)) is not None:
        evidence.insert(0, through[1])
    shared = _shared_variable(facts)
    if shared is not None:
        evidence.append(Evidence(Claim("shared-variable", variable=shared.symbol), shared.place))
    place = _place(facts.stack)
    if fault.refusal is not None:
        place = Claim("refused-in", what=fault.refusal.claim, place=place)
    elif place is not None and fault.is_through_null:
        place = Claim("through-null", place=place)
    yield RULE.finding(
        facts,
        place,
        Confidence.LIKELY,
        evidence=evidence,
        advice=_advice(fault.refusal, shared),
    )


def _advice(refusal: Refusal | None, shared: Load | None) -> str | None:
    if refusal is not None:
        return ADVICE[refusal.why]
    return SHARED_ADVICE if shared is not None else None


def _shared_variable(facts: Facts) -> Load | None:
    """The static variable of an extension's that the bad pointer came out of, by way of whatever
    lay between, where more than one thread runs Python code.

    Threads that change it at once leave such a pointer there; that they did is not known.
    """
    if len(facts.process.threads) < 2:
        return None
    loads = facts.fault.origin.loads
    return next((load for load in loads if load.is_shared and load.symbol), None)


def _root(facts: Facts) -> Iterator[Evidence]:
    root = facts.cause.pointer
    if root is not None:
        use = root.outermost
        claim = Claim(
            "used-is-not-an-object",
            level=use.level,
            function=use.function,
            variable=use.name,
            verdict=root.verdict.value,
        )
        yield Evidence(claim, None, root.address)


def _instruction(facts: Facts) -> Iterator[Evidence]:
    fault = facts.fault
    if fault.jumped_to is not None:
        claim = Claim("bad-program-counter")
        yield Evidence(claim, fault.jumped_to)
    if fault.signal is not None and fault.was_sent:
        claim = Claim("signal-sent", process=fault.signal.sender if fault.from_outside else None)
        yield Evidence(claim, None, fault.signal.code)
    elif fault.instruction:
        is_past = fault.signal is not None and fault.signal.name == "SIGTRAP"
        pc = next((f.pc - is_past for f in facts.stack.from_fault), None)
        yield Evidence(Claim("faulting-instruction"), pc, fault.instruction)
    if fault.refusal is not None and fault.refusal.divisor is not None:
        value = fault.refusal.value
        yield Evidence(
            Claim("divisor", operand=fault.refusal.divisor),
            None,
            Address(value) if value is not None else None,
        )


def _place(stack: CrashStack) -> Claim | None:
    """The function at fault; without symbols the file that its code is in."""
    frame = next((f for f in stack.from_fault if not f.is_inlined), None)
    if frame is None:
        return None
    if frame.function and is_others(frame.module, stack.interpreter_module):
        module = os.path.basename(frame.module or "").split(".")[0]
        return Claim("in-function-of", function=frame.function, module=module)
    if frame.function:
        return Claim("in-function", function=frame.function)
    if frame.module:
        return Claim("in-file-without-symbols", file=os.path.basename(frame.module))
    return Claim("in-code-of-no-file")


RULE = Rule(
    id="FT404",
    title="native fault outside Python objects",
    explanation=("The faulting access has nothing to do with a Python object that gdbext can see."),
    advice=(
        "Treat it as any C crash: the crashed thread's native stack and the faulting operand are "
        "where to start."
    ),
    traits=RuleTraits(
        kind=Kind.PLAIN,
        order=220,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE, Defect.MUTEX_MISUSE}),
        is_fallback=True,
        may_come_of_race=True,
    ),
    check=check,
)
