"""Reads the process's thread states, its locks' problems, and what one that hangs is doing."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.cpython.locks.lock_places import Lock
from gdbext.diagnosis.facts.memory import LockProblem, NamedObject
from gdbext.diagnosis.facts.threads import HangEvidence, Process, ThreadStateFacts
from gdbext.diagnosis.observe.gil import read_gil
from gdbext.model import Claim, Evidence, FilePath, LockInfo, Subject, ThreadName
from gdbext.session import Session

MAX_THREADS = 4


def read_process(session: Session) -> Process:
    """The runtime's thread states, and whether the debug hooks are on."""
    offset = session.layout.offset("PyThreadState", "state")
    return Process(
        threads=tuple(
            ThreadStateFacts(
                address=state.address,
                lwp=state.native_thread_id,
                name=session.thread_name(state.native_thread_id),
                state=state.state,
                state_address=state.address + offset,
            )
            for state in session.runtime.threads
        ),
        is_complete=session.runtime.complete,
        has_debug_hooks=session.heap.records.hooks,
        gil=read_gil(session),
    )


def read_lock_problems(session: Session) -> tuple[LockProblem, ...]:
    """What is wrong with the locks."""
    return tuple(
        LockProblem(
            kind=problem.kind,
            detail=problem.detail,
            confidence=problem.confidence,
            threads=problem.threads,
            subject=Subject(problem.subject, problem.subject_type)
            if problem.subject is not None
            else None,
            evidence=problem.evidence,
            waits_attached=problem.waits_attached,
        )
        for problem in session.locks.problems
    )


def read_locks(session: Session) -> tuple[LockInfo, ...]:
    """The locks that threads hold or wait for, by address."""
    found: dict[int, Lock] = {}
    for state in session.runtime.threads:
        locks = session.locks.of_thread(state)
        for lock in (hold.lock for hold in locks.held):
            found.setdefault(lock.key, lock)
        if locks.wait is not None:
            found.setdefault(locks.wait.lock.key, locks.wait.lock)
    return tuple(LockInfo(address, lock.what) for address, lock in sorted(found.items()))


def read_named_object(session: Session, address: int) -> NamedObject:
    """What lives at an address of which nothing says a type."""
    info = session.objects.type_of(address)
    return NamedObject(
        address=address,
        type=info.name if info else None,
        verdict=session.heap.judge(address).verdict,
    )


def read_hang(session: Session) -> HangEvidence:
    """A deadlock, a livelock, a stop of the world, plain waiting, or work; and the
    threads' lines.
    """
    hang = session.locks.hang()
    evidence = [Evidence(Claim("process-as-a-whole", state=hang.kind), None, hang.detail)]
    for lwp in hang.threads[:MAX_THREADS]:
        evidence += _where(session, lwp)
    return HangEvidence(evidence=tuple(evidence), state=hang.detail, for_unknown=hang.for_unknown)


def _where(session: Session, lwp: int) -> Iterator[Evidence]:
    """One thread's line, and who waits for it."""
    name = session.thread_name(lwp)
    frame = next(iter(session.python_stack(lwp).frames), None)
    if frame is not None:
        claim = Claim(
            "thread-is-at",
            thread=Claim(
                "thread", lwp=lwp, name=ThreadName(name) if name else None, in_short=False
            ),
            file=FilePath(frame.file),
            line=frame.line,
            function=frame.function,
        )
        yield Evidence(claim, frame.address)
    waiting = [edge.wait.lwp for edge in session.locks.graph.to_thread(lwp)]
    if waiting:
        waiters = ", ".join(map(str, dict.fromkeys(waiting)))
        yield Evidence(Claim("waiters-for-lock-of", lwp=lwp), None, waiters)
