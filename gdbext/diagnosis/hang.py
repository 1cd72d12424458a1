"""What a process that did not crash is doing: a deadlock, a livelock, a stop of the world, plain waiting, or work."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.case import Case
from gdbext.model import Evidence

MAX_THREADS = 4


def hang_evidence(case: Case) -> list[Evidence]:
    """The process as a whole in a sentence, and where the threads are that it hangs on."""
    hang = case.session.locks.hang()
    shown = [Evidence(f"the process as a whole: {hang.kind}", None, hang.detail)]
    return shown + [e for lwp in hang.threads[:MAX_THREADS] for e in _where(case, lwp)]


def _where(case: Case, lwp: int) -> Iterator[Evidence]:
    """One thread's line, and who waits for it."""
    name = case.thread_name(lwp)
    frame = case.current_frame(lwp)
    if frame is not None:
        who = f'"{name}" (LWP {lwp})' if name else f"LWP {lwp}"
        yield Evidence(f"{who} is at {frame.file}:{frame.line} in {frame.function}", frame.address)
    waiting = [edge.wait.lwp for edge in case.session.locks.graph.edges if edge.hold.lwp == lwp]
    if waiting:
        yield Evidence(
            f"threads that wait for a lock of LWP {lwp}",
            None,
            ", ".join(map(str, dict.fromkeys(waiting))),
        )
