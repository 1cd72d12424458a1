"""FT405: SIGABRT without a C assertion or a fatal Python error."""

from __future__ import annotations

import os
from collections.abc import Iterator

from gdbext.diagnosis.conclude.author import authors_frame
from gdbext.diagnosis.conclude.code_owners import is_system
from gdbext.diagnosis.conclude.reporters import is_abort_machinery
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Defect, Kind, Rule, RuleTraits
from gdbext.model import Claim, Confidence, Evidence, Finding, Foreign
from gdbext.target.cplusplus import is_library_code, panics

MAX_MACHINERY = 24
ENDS_FOR_OTHERS = ("__cxa_throw", "__cxa_rethrow", "__gxx_personality_v0")
TERMINATE = ("std::terminate", "std::__terminate")


def check(facts: Facts) -> Iterator[Finding]:
    """Who called abort(), or which process sent the signal."""
    fault = facts.fault
    if fault.signal is None or fault.signal.name != "SIGABRT":
        return
    evidence = [Evidence(Claim("signal-code"), None, fault.signal.code or "?")]
    if fault.from_outside:
        detail: Claim | None = Claim("sent-by", process=fault.signal.sender)
        evidence += facts.hang.evidence if facts.hang else ()
    else:
        message = fault.library_message
        detail = (
            Claim("said", text=Foreign(message)) if message else _panic(facts) or _caller(facts)
        )
    yield RULE.finding(facts, detail, Confidence.PROVEN, evidence=evidence)


def _panic(facts: Facts) -> Claim | None:
    """The function in Rust that panicked: the panic ends the process where it cannot be unwound.

    Its message went to stderr.
    """
    if not any(panics(frame.function) for frame in facts.stack.from_fault[:MAX_MACHINERY]):
        return None
    own = authors_frame(facts.stack)
    return Claim("rust-panic", function=own.function if own is not None else None)


def _caller(facts: Facts) -> Claim | None:
    """The innermost caller of abort(), or the file of one that has no name; of the C++ runtime,
    which aborts for whoever throws, its caller.
    """
    known = [f for f in facts.stack.native_frames if f.function or not is_system(f.module)]
    caller = next((f for f in known if not is_abort_machinery(facts.stack, f)), None)
    if caller is None:
        return None
    if caller.function in (*ENDS_FOR_OTHERS, *TERMINATE):
        own = (f for f in known if not is_system(f.module))
        others = (f for f in own if not is_library_code(f.function or "", f.file))
        author = next(others, None)
        name = author.function if author is not None else None
        file = os.path.basename(author.module or "") if author is not None else None
        thrown = facts.fault.exception
        if thrown is None:
            return Claim("terminated", caller=name, file=file)
        return Claim(
            "uncaught-exception",
            type=thrown.type,
            text=Foreign(thrown.text) if thrown.text else None,
            caller=name,
            file=file,
        )
    if caller.function:
        return Claim("called-by", function=caller.function)
    return Claim("in-file-without-symbols", file=os.path.basename(caller.module or ""))


RULE = Rule(
    id="FT405",
    title="abort",
    explanation=(
        "The process called abort() (or was sent SIGABRT) without a C assertion or a fatal Python "
        "error."
    ),
    advice=(
        "The native stack names the caller. Where another process sent the signal (a watchdog, "
        "a time limit), look at what the threads were doing instead."
    ),
    traits=RuleTraits(
        kind=Kind.PLAIN,
        order=210,
        defects=frozenset({Defect.MEMORY, Defect.LAZY_INIT_RACE, Defect.MUTEX_MISUSE}),
        is_fallback=True,
    ),
    check=check,
)
