"""FT201 and FT202: a union whose args are no tuple, and parameters that two threads fill in at once."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from gdbext.cpython.traits.types import canonical
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.rules.build import container_of, evidence_of, finding, subject_of
from gdbext.model import Confidence, Evidence, Finding, Subject, Verdict

UNION = "types.UnionType"
MAX_FRAMES = 160
LAZY_PARAMETERS = "union_init_parameters"
"""Objects/unionobject.c: fills in ``parameters`` when they are first asked for."""
LOCKING = re.compile("CriticalSection|Mutex")


def union_args(case: Case) -> Iterator[Finding]:
    """FT201: code that works on a union finds args that is no exact tuple."""
    for suspect in case.suspects:
        if UNION not in (suspect.expected, suspect.actual_type) or not suspect.is_trusted_use:
            continue
        broken = next((v for v in suspect.violations if v.slot == "args"), None)
        if broken is None:
            # Where the union's memory is another object by now, its args are read from that all the same.
            broken = next(
                (
                    v
                    for v in case.session.objects.invariants(suspect.address, UNION)
                    if v.slot == "args"
                ),
                None,
            )
        if broken is None or (
            suspect.liveness.verdict is Verdict.DYING and _was_taken_apart(case, broken.value)
        ):
            continue
        kind = case.session.objects.type_of(broken.value) if isinstance(broken.value, int) else None
        there = (
            f"a {kind.name}"
            if kind
            else "NULL"
            if broken.value == 0
            else f"{broken.value:#x}"
            if isinstance(broken.value, int)
            else "?"
        )
        confidence = suspect.liveness.confidence if suspect.is_gone else Confidence.PROVEN
        state = (
            "freed union"
            if suspect.is_gone
            else "live union"
            if suspect.liveness.verdict is Verdict.LIVE
            else "union"
        )
        yield finding(
            case,
            "FT201",
            f"args of the {state} is {there}",
            confidence,
            subject_of(suspect),
            container_of(case.origin) if suspect is case.root else None,
            [
                Evidence(broken.claim, broken.address, broken.value, suspect.address, broken=True),
                *evidence_of(case, suspect),
            ],
        )
        return


def _was_taken_apart(case: Case, args: object) -> bool:
    """Whether a dying union's args are what its deallocation leaves: a tuple that died before it, or died with it."""
    if not isinstance(args, int) or args == 0:
        return True
    verdict = case.session.heap.judge(args, "tuple").verdict
    return verdict is not Verdict.REUSED and (verdict.is_dead or verdict is Verdict.DYING)


def union_parameters(case: Case) -> Iterator[Finding]:
    """FT202: two threads are inside the lazy initialisation of one union's parameters.

    A thread counts once it computes them: one that is about to take the union's lock, or gives it back, is still in order.
    """
    inside: dict[int, list[int]] = {}
    for thread in case.native_threads:
        frames = case.session.debugger.frames(thread.lwp, MAX_FRAMES)
        for callee, frame in itertools.pairwise(frames):
            if frame.function != LAZY_PARAMETERS or LOCKING.search(callee.function or ""):
                continue
            for variable in case.session.debugger.variables(thread.lwp, frame.level):
                if variable.is_argument and variable.value:
                    inside.setdefault(variable.value, []).append(thread.lwp)
    for union, threads in inside.items():
        if len(threads) > 1 and not case.session.locks.holders(union):
            info = case.session.objects.type_of(union)
            subject = Subject(
                union,
                canonical(info.name) if info else None,
                UNION,
                case.session.heap.judge(union).verdict,
            )
            yield finding(
                case,
                "FT202",
                f"{len(threads)} threads fill in the parameters of one union",
                # A fault elsewhere has a cause of its own.
                Confidence.PROVEN
                if not case.fault.is_fault or _works_on(case, union, threads)
                else Confidence.POSSIBLE,
                subject,
                evidence=[
                    Evidence(
                        "threads that compute the parameters inside union_init_parameters, while nobody holds its mutex",
                        union,
                        ", ".join(map(str, threads)),
                    )
                ],
                threads=threads,
            )


def _works_on(case: Case, union: int, threads: Sequence[int]) -> bool:
    """Whether the thread that died is one of those, or uses the union."""
    return case.lwp in threads or any(s.address == union for s in case.suspects)
