"""Locks that running threads try to get without sleeping on them: ``lock.acquire(False)`` and
``lock.acquire(timeout=…)``.

Threads that hold what the others try, and try again for ever, are in a livelock.  One look at a
process cannot tell whether they will go on so; it can tell that they are in such a cycle now.
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.cpython.interpreter.names import resolve
from gdbext.cpython.locks.graph import Edge, Hold, Wait, WaitGraph
from gdbext.cpython.locks.lock_holders import LockHolders
from gdbext.cpython.locks.lock_places import Lock, LockKind
from gdbext.cpython.locks.python_locks import read_lock
from gdbext.cpython.locks.sources import Sources
from gdbext.model import Claim, Evidence

TRYING = ("acquire", "acquire_lock")
MAX_FRAMES = 2


def livelocks(sources: Sources, holders: LockHolders, graph: WaitGraph) -> list[tuple[Edge, ...]]:
    """Cycles of threads that each try, or wait with a timeout, for a lock of the next one."""
    waits = {lwp: wait for lwp, wait in graph.waits.items() if wait.has_timeout}
    holds = dict(graph.holds)
    for state in sources.runtime.threads:
        lwp = state.native_thread_id
        found = next(_tried(sources, holders, lwp), None) if lwp not in graph.waits else None
        if found is not None:
            waits[lwp], holds[found[0].lock.address] = found[0], (found[1],)
    return WaitGraph(waits, holds).cycles


def _tried(sources: Sources, holders: LockHolders, lwp: int) -> Iterator[tuple[Wait, Hold]]:
    """The locks in other threads' hands that the thread's innermost code asks for with arguments,
    so not to the bitter end.
    """
    for frame in sources.python_stack(lwp).frames[:MAX_FRAMES]:
        for operation in sources.operations(frame.code):
            if (
                operation.kind != "call-method"
                or operation.name not in TRYING
                or not operation.arguments
            ):
                continue
            address = resolve(sources.objects, frame, operation.receiver)
            found = read_lock(sources.objects, address) if address else None
            if found is None:
                continue
            lock = Lock(LockKind(found.kind), found.word, address)
            evidence = Evidence(
                Claim("tries-to-acquire", function=frame.function, lwp=lwp), address
            )
            for hold in holders.of(lock):
                if hold.lwp not in (None, lwp):
                    yield Wait(lwp, lock, has_timeout=True, evidence=(evidence,)), hold
