"""FT301 to FT305: locks, and objects shared without one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gdbext.model import Confidence, Evidence, Finding, Race, Subject
from gdbext.triage.case import Case
from gdbext.triage.rules import plain
from gdbext.triage.rules.build import finding


def sharing(case: Case, race: Race) -> Iterator[Finding]:
    """FT301: the race as a finding of its own, where no other finding is about its object."""
    names = " and ".join(f"{t.operation}" for t in race.threads)
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
    """FT302, FT303, FT304: what the locks' own state says."""
    for problem in case.session.locks.problems:
        subject = Subject(problem.subject, problem.subject_type) if problem.subject is not None else None
        yield finding(
            case, problem.rule, problem.detail, problem.confidence, subject, evidence=problem.evidence, threads=problem.threads
        )


# Functions that a detached thread is in on purpose: they attach it, or wait for something without touching an object.
ATTACHING = re.compile(
    r"^_?Py(Eval_(Acquire|Restore|Save|Release)|GILState_|ThreadState_(Attach|Detach|New|Swap|Clear|Delete)|Mutex|ParkingLot|Semaphore|Event|Thread_)"
)
ATTACHED_ONLY = re.compile(r"^_?Py(?!Mem_Raw|Thread_)[A-Z]\w+_\w+")


def detached(case: Case) -> Iterator[Finding]:
    """FT305: a function of the C API that works on objects was running in a thread that is not attached."""
    if case.lwp is None or case.fault.signal is None:
        return
    state = case.session.runtime.by_lwp(case.lwp)
    if state is not None and state.state != "detached":
        return
    inner = [f for f in case.native_frames if f.function and not plain.is_abort_machinery(f.function)]
    end = next((i for i, f in enumerate(inner) if f.function in ATTACH_POINTS), len(inner))
    api = next(
        (
            f
            for f in inner[: min(end, MAX_INNER)]
            if ATTACHED_ONLY.match(f.function or "") and not ATTACHING.match(f.function or "")
        ),
        None,
    )
    if api is None or any(ATTACHING.match(f.function or "") for f in inner[: inner.index(api)]):
        return
    what = f"its thread state {state.address:#x} is detached" if state else "it has no thread state"
    place = state.address + case.session.layout.offset("PyThreadState", "state") if state else None
    evidence = [Evidence(f"{api.function} is running in LWP {case.lwp}", api.pc), Evidence(what, place, 0 if state else None)]
    yield finding(case, "FT305", f"{api.function} was called", Confidence.LIKELY, evidence=evidence)


ATTACH_POINTS = frozenset({"_PyEval_EvalFrameDefault"})
MAX_INNER = 12
