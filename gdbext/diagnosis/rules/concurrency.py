"""FT301 to FT305: locks, and objects shared without one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gdbext.diagnosis.case import EVAL_LOOP, Case
from gdbext.diagnosis.fault import frame_of_signal
from gdbext.diagnosis.rules import plain
from gdbext.diagnosis.rules.build import finding
from gdbext.model import Confidence, Evidence, Finding, Race, Subject
from gdbext.target.protocol import NativeFrame
from gdbext.wording.operations import operation_text


def sharing(case: Case, race: Race) -> Iterator[Finding]:
    """FT301: the race as a finding of its own, where no other finding is about its object."""
    names = " and ".join(operation_text(t.operation) for t in race.threads)
    yield finding(
        case,
        "FT301",
        f"{names} on one {race.object.type}",
        race.confidence,
        Subject(race.object.address, race.object.type),
        evidence=race.evidence,
        threads=[t.lwp for t in race.threads],
    )


def locks(case: Case) -> Iterator[Finding]:
    """FT302, FT303, FT304: what the locks' own state says.

    A healthy process may be stopped between the two steps of an unlock: an odd state alone says nothing unless it crashed.
    """
    for problem in case.session.locks.problems:
        if (
            not case.fault.is_crash
            and problem.rule == "FT302"
            and problem.confidence is Confidence.POSSIBLE
        ):
            continue
        subject = (
            Subject(problem.subject, problem.subject_type) if problem.subject is not None else None
        )
        yield finding(
            case,
            problem.rule,
            problem.detail,
            problem.confidence,
            subject,
            evidence=problem.evidence,
            threads=problem.threads,
        )


# Functions that a detached thread is in on purpose: they attach it, or wait for something without touching an object.
ATTACHING = re.compile(
    r"^_?Py(Eval_(Acquire|Restore|Save|Release)|GILState_|ThreadState_(Attach|Detach|New|Swap|Clear|Delete)|Mutex|ParkingLot|Semaphore|Event|Thread_)"
)
ATTACHED_ONLY = re.compile(
    r"^_?Py(?!Mem_Raw|Thread_|Time_|Deadline_|Status_|(Pre)?Config_|OS_(v?snprintf|mystrn?icmp|strtou?l$))[A-Z]\w+_\w+"
)


def detached(case: Case) -> Iterator[Finding]:
    """FT305: a function of the C API that works on objects was running in a thread that is not attached."""
    if case.lwp is None or not case.fault.is_crash:
        return
    state = case.session.runtime.by_lwp(case.lwp)
    if state is not None and state.state != "detached":
        return
    inner = _in_interpreter(case)
    api = next(
        (
            f
            for f in inner
            if ATTACHED_ONLY.match(f.function or "") and not ATTACHING.match(f.function or "")
        ),
        None,
    )
    if api is None or any(ATTACHING.match(f.function or "") for f in inner):
        return
    what = f"its thread state {state.address:#x} is detached" if state else "it has no thread state"
    place = state.address + case.session.layout.offset("PyThreadState", "state") if state else None
    evidence = [
        Evidence(f"{api.function} is running in LWP {case.lwp}", api.pc),
        Evidence(what, place, 0 if state else None),
    ]
    yield finding(case, "FT305", f"{api.function} was called", Confidence.LIKELY, evidence=evidence)


def _in_interpreter(case: Case) -> list[NativeFrame]:
    """The interpreter's frames that the fault is in, up to the first caller that is another's code.

    Whoever called the interpreter from outside did so detached; that it was attached when it was called itself is fine.  The
    C library's functions that the interpreter called for its work may lie further in.
    """
    home = case.interpreter_module
    found: list[NativeFrame] = []
    if home is None:
        return found
    for frame in case.native_frames[frame_of_signal(case.native_frames) :][:MAX_INNER]:
        name = frame.function or ""
        if frame.module == home and not name.startswith((*FOREIGN_CALLS, EVAL_LOOP)):
            found.append(frame)
        elif found or not (C_LIBRARY.search(frame.module or "") or plain.is_abort_machinery(name)):
            break
    return found


FOREIGN_CALLS = ("ffi_call",)
"""libffi, which an interpreter may have linked in: beyond it is what calls foreign code, detached on purpose."""
C_LIBRARY = re.compile(r"/lib(c|m|pthread)[.-]")
MAX_INNER = 16
