"""FT401 to FT405 and FT000: crashes that say themselves what they are, and the absence of one."""

from __future__ import annotations

import os
from collections.abc import Iterator

from gdbext.diagnosis.case import Case
from gdbext.diagnosis.fault import FATAL_SIGNALS, frame_of_signal
from gdbext.diagnosis.hang import hang_evidence
from gdbext.diagnosis.rules.build import fill_went_through, finding, subject_at
from gdbext.model import Confidence, Evidence, Finding
from gdbext.target.protocol import NativeFrame

SENT = ("SI_USER", "SI_QUEUE")


def stack_overflow(case: Case) -> Iterator[Finding]:
    """FT403: the fault is at the end of the thread's stack."""
    fault = case.fault
    if not fault.stack_overflow:
        return
    names = [f.function for f in case.native_frames if f.function]
    repeated = max(sorted(set(names)), key=names.count, default="?")
    evidence = [
        Evidence("stack pointer", None, fault.stack_pointer),
        Evidence("lowest address of the stack's mapping", fault.stack_limit, None),
        Evidence("faulting access", fault.address, fault.instruction),
        Evidence(
            f"the most frequent function of the innermost {len(names)} frames is {repeated}",
            None,
            names.count(repeated),
        ),
    ]
    yield finding(case, "FT403", f"{repeated} recurses", Confidence.PROVEN, evidence=evidence)


def assertion(case: Case) -> Iterator[Finding]:
    """FT401: glibc keeps the failed assertion's text."""
    fault = case.fault
    if fault.assertion:
        evidence = [Evidence(f"assertion in {fault.assertion_function}", None, fault.assertion)]
        yield finding(
            case,
            "FT401",
            f"{fault.assertion_function}: {fault.assertion}",
            Confidence.PROVEN,
            evidence=evidence,
        )


def fatal_error(case: Case) -> Iterator[Finding]:
    """FT402: Py_FatalError's message is an argument on the stack."""
    if case.fault.fatal_error:
        evidence = [
            Evidence("message", None, case.fault.fatal_error, private=case.fault.fatal_text_is_data)
        ]
        subject = None
        if about := case.fault.fatal_object:
            subject = subject_at(case, about)
            evidence.append(Evidence("the object that it is about", about))
        yield finding(
            case, "FT402", case.fault.fatal_error, Confidence.PROVEN, subject, evidence=evidence
        )


def abort(case: Case) -> Iterator[Finding]:
    """FT405: SIGABRT, and neither of the above."""
    fault = case.fault
    if fault.signal and fault.signal.name == "SIGABRT":
        caller = next(
            (f for f in case.native_frames if f.function and not is_abort_machinery(f.function)),
            None,
        )
        detail = (
            f"sent by process {fault.signal.sender}"
            if fault.from_outside
            else fault.library_message or (f"called by {caller.function}" if caller else "")
        )
        evidence = [
            Evidence("signal code", None, fault.signal.code or "?"),
            *(hang_evidence(case) if fault.from_outside else ()),
        ]
        yield finding(case, "FT405", detail, Confidence.PROVEN, evidence=evidence)


def is_abort_machinery(function: str) -> bool:
    """Whether a function only carries out or reports an abort."""
    return function.lstrip("_").startswith(
        ("abort", "raise", "GI_raise", "GI_abort", "pthread_kill", "kill", "tgkill", "libc_message")
    )


def native_fault(case: Case) -> Iterator[Finding]:
    """FT404: a fault that no rule ties to a Python object."""
    fault = case.fault
    if not fault.is_fault:
        return
    evidence = []
    start = frame_of_signal(case.native_frames)
    if case.root is not None:
        use = case.root.outermost
        evidence.append(
            Evidence(
                f"#{use.level} {use.function}({use.name}) is no object: {case.root.liveness.verdict}",
                None,
                case.root.address,
            )
        )
    if fault.jumped_to is not None:
        evidence.append(
            Evidence(
                "the program counter is not in any code: a call through a bad function pointer",
                fault.jumped_to,
            )
        )
    if fault.signal is not None and fault.signal.code in SENT:
        sender = (
            f"process {fault.signal.sender}"
            if fault.from_outside
            else "kill() or by another process"
        )
        evidence.append(
            Evidence(
                f"the signal was sent by {sender}; no instruction faulted", None, fault.signal.code
            )
        )
    elif fault.instruction:
        evidence.append(
            Evidence(
                "faulting instruction",
                case.native_frames[start].pc if case.native_frames else None,
                fault.instruction,
            )
        )
    if fault.operand:
        evidence.append(Evidence(f"its operand {fault.operand.text}", None, fault.operand.address))
    if (through := fill_went_through(case)) is not None:
        evidence.insert(0, through[1])
    where = next((_place(f) for f in case.native_frames[start:] if not f.is_inlined), None)
    yield finding(
        case, "FT404", f"in {where}" if where else "", Confidence.LIKELY, evidence=evidence
    )


def _place(frame: NativeFrame) -> str:
    """The frame's function; without symbols the file that its code is in."""
    return frame.function or (
        f"{os.path.basename(frame.module)} (no symbols)" if frame.module else "code of no file"
    )


def nothing_wrong(case: Case) -> Iterator[Finding]:
    """FT000"""
    if case.fault.signal is not None and case.fault.signal.name in FATAL_SIGNALS:
        return
    yield finding(case, "FT000", "", Confidence.LIKELY, evidence=hang_evidence(case))
