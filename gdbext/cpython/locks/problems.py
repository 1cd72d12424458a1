"""What is wrong with the locks (FT302, FT303, FT304), and what a process that hangs is doing.

One look at a process cannot tell a short wait from a long one.  So a problem is only what no healthy program shows even for
a moment; a stop of the world that is just going on is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.locks import mutex
from gdbext.cpython.locks.graph import Edge, WaitGraph
from gdbext.cpython.locks.holders import Holders
from gdbext.cpython.locks.lock_names import named_lock
from gdbext.cpython.locks.places import Kind, Lock, Places
from gdbext.cpython.locks.sources import Sources
from gdbext.cpython.locks.stop_the_world import StopTheWorld
from gdbext.cpython.locks.tries import livelocks
from gdbext.cpython.locks.waits import Waits
from gdbext.model import Confidence, Evidence
from gdbext.target.protocol import MemoryFault

MUTEXES = {Kind.OBJECT, Kind.LOCK, Kind.IMPORT}
WORLD = {Kind.WORLD, Kind.STOPPING}
# CPython never stays attached around these.
SLEEPS = {
    "accept", "accept4", "clock_nanosleep", "connect", "epoll_pwait", "epoll_wait", "flock", "nanosleep", "pause",
    "poll", "ppoll", "pselect6", "read", "recvfrom", "recvmsg", "rt_sigsuspend", "rt_sigtimedwait", "select",
    "sendmsg", "sendto", "wait4", "waitid", "write",
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """One rule's result: ``detail`` completes the rule's title; ``threads`` are LWPs, ``subject`` an object or a lock."""

    rule: str
    detail: str
    confidence: Confidence
    threads: tuple[int, ...] = ()
    subject: int | None = None
    subject_type: str | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Hang:
    """``kind`` is ``deadlock``, ``stop-the-world``, ``lost lock``, ``livelock``, ``running`` (busy) or ``waiting``."""

    kind: str
    detail: str
    threads: tuple[int, ...] = ()


def find_problems(
    sources: Sources, places: Places, waits: Waits, holders: Holders, graph: WaitGraph
) -> list[Problem]:
    """Every problem, the surest first."""
    found: list[Problem] = []
    for search in (
        _contradictions(sources, graph),
        _sections_without_lock(sources, places, holders),
        _orphans(sources, graph),
        _circles(sources, graph),
        _stuck_worlds(sources, waits, holders.worlds, graph),
    ):
        try:
            found.extend(search)
        except (MemoryFault, UnknownLayout):
            continue
    return sorted(found, key=lambda p: (p.confidence.rank, p.rule))


def _contradictions(sources: Sources, graph: WaitGraph) -> Iterator[Problem]:
    """A mutex that threads are parked on says so; only its bucket's lock holder may see it otherwise."""
    by_lock: dict[int, list[int]] = {}
    locks: dict[int, Lock] = {}
    for wait in graph.waits.values():
        if wait.lock.kind in MUTEXES and not wait.in_transit:
            locks[wait.lock.address] = wait.lock
            by_lock.setdefault(wait.lock.address, []).append(wait.lwp)
    for address, lock in locks.items():
        bits = sources.memory.read(address, 1)[0]
        if bits in mutex.STATES and bits & mutex.HAS_PARKED:
            continue
        parked = [e for lwp in by_lock[address] for e in graph.waits[lwp].evidence]
        wrong = Evidence(
            f"the mutex is {mutex.describe(bits)}", address, bits, lock.object, broken=True
        )
        detail = f"the {lock} is {mutex.describe(bits)}, but {_threads(len(by_lock[address]))} parked on it: nothing will wake them"
        yield _problem("FT302", detail, Confidence.PROVEN, by_lock[address], lock, [wrong, *parked])


def _sections_without_lock(sources: Sources, places: Places, holders: Holders) -> Iterator[Problem]:
    """A thread unlocks just before it leaves a section, so an unlocked mutex alone is weak; an impossible one is not."""
    for thread in sources.runtime.threads:
        lwp = thread.native_thread_id
        for section in holders.sections(lwp)[0]:
            for address in section.mutexes if section.state == "active" else ():
                bits = sources.memory.read(address, 1)[0]
                if mutex.is_locked(bits):
                    continue
                confidence = Confidence.POSSIBLE if bits in mutex.STATES else Confidence.LIKELY
                lock = places.lock_at(address)
                evidence = Evidence(
                    f"the mutex is {mutex.describe(bits)}", address, bits, lock.object, broken=True
                )
                detail = f"a thread is in a critical section of the {lock}, which is {mutex.describe(bits)}"
                yield _problem("FT302", detail, confidence, [lwp], lock, [evidence])


def _orphans(sources: Sources, graph: WaitGraph) -> Iterator[Problem]:
    """Threads that wait for a lock whose recorded owner has exited without releasing it, or is on the other side of a fork."""
    knows_all = all(t.fs_base for t in sources.threads)
    for edge in graph.edges:
        if edge.hold.lwp is None:
            confidence = (
                Confidence.POSSIBLE
                if edge.wait.has_timeout
                else Confidence.PROVEN
                if knows_all
                else Confidence.LIKELY
            )
            lock = edge.wait.lock
            detail = f"the owner of {lock} has exited without releasing it"
            yield _problem(
                "FT302",
                detail,
                confidence,
                [edge.wait.lwp],
                lock,
                [*edge.hold.evidence, *edge.wait.evidence],
            )


def _circles(sources: Sources, graph: WaitGraph) -> Iterator[Problem]:
    for cycle in graph.cycles:
        confidence = max((edge.confidence for edge in cycle), key=lambda c: c.rank)
        rule = "FT304" if any(edge.wait.lock.kind in WORLD for edge in cycle) else "FT303"
        lwps = [edge.wait.lwp for edge in cycle]
        if len(cycle) == 1:
            name = sources.called(lwps[0])
            detail = f"{name} waits for {named_lock(sources, cycle[0].wait)}, which it has itself"
        else:
            detail = f"{_threads(len(cycle))} in a circle: " + "; ".join(
                _step(sources, edge) for edge in cycle
            )
        evidence = [e for edge in cycle for e in (*edge.wait.evidence, *edge.hold.evidence)]
        yield _problem(rule, detail, confidence, lwps, cycle[0].wait.lock, evidence)


def _step(sources: Sources, edge: Edge, does: str = "waits for") -> str:
    """In a circle each thread is told once as the one that waits, with its LWP."""
    waiter, holder = sources.called(edge.wait.lwp), sources.called(edge.hold.lwp, again=True)
    return f"{waiter} {does} {named_lock(sources, edge.wait)}, held by {holder} ({edge.hold.how})"


def _stuck_worlds(
    sources: Sources, waits: Waits, worlds: Sequence[StopTheWorld], graph: WaitGraph
) -> Iterator[Problem]:
    for world in worlds:
        if world.is_idle or not world.is_sound:
            continue
        requester = sources.lwp_of_state(world.requester) if world.requester else None
        at_fault = [requester] if requester is not None else []
        asked = Evidence(
            "a stop of the world is requested",
            world.address + sources.layout.offset("_stoptheworld_state", "requested"),
            1,
        )
        if world.stopped:
            wait = graph.waits.get(requester) if requester is not None else None
            if (
                wait is not None
                and wait.lock.kind not in WORLD | {Kind.NATIVE}
                and not wait.has_timeout
            ):
                confidence = Confidence.LIKELY if wait.lock.kind in MUTEXES else Confidence.POSSIBLE
                detail = f"the thread that stopped the world waits for {wait.lock}, and whoever could release it is stopped"
                yield _problem(
                    "FT304", detail, confidence, at_fault, wait.lock, [asked, *wait.evidence]
                )
            continue
        # Whoever computes may stop at the next moment; whoever sleeps attached will not.
        for thread in world.not_stopped:
            lwp = thread.native_thread_id
            call = waits.call(lwp)
            if call is not None and call.name in SLEEPS:
                place = thread.address + sources.layout.offset("PyThreadState", "state")
                evidence = (asked, Evidence(f"LWP {lwp} is still attached", place, 1))
                detail = f"{sources.called(lwp)} sleeps in {call.name}() without having detached"
                yield Problem(
                    "FT304", detail, Confidence.LIKELY, (lwp, *at_fault), None, None, evidence
                )


def judge_hang(
    sources: Sources,
    waits: Waits,
    holders: Holders,
    graph: WaitGraph,
    problems: Sequence[Problem],
    worlds: Sequence[StopTheWorld],
) -> Hang:
    """In words, with the threads that it is about."""
    sure = [p for p in problems if p.confidence is not Confidence.POSSIBLE]
    for rule, kind in (("FT303", "deadlock"), ("FT304", "stop-the-world"), ("FT302", "lost lock")):
        for problem in sure:
            if problem.rule == rule:
                return Hang(kind, problem.detail, problem.threads)
    for cycle in livelocks(sources, holders, graph):
        detail = f"{_threads(len(cycle))} trying for each other's locks: " + "; ".join(
            _step(sources, edge, "tries for") for edge in cycle
        )
        return Hang("livelock", detail, tuple(edge.wait.lwp for edge in cycle))
    running = [
        t.native_thread_id
        for t in sources.runtime.threads
        if t.state == "attached" and not waits.call(t.native_thread_id)
    ]
    if any(world.requested and not world.stopped for world in worlds):
        late = tuple(
            t.native_thread_id for world in worlds if world.requested for t in world.not_stopped
        )
        return Hang(
            "stop-the-world",
            f"the world is being stopped; {_threads(len(late))} still attached",
            late,
        )
    if running:
        return Hang("running", f"{_threads(len(running))} running", tuple(running))
    blockers = tuple(
        dict.fromkeys(
            e.hold.lwp
            for e in graph.edges
            if e.hold.lwp is not None and e.hold.lwp not in graph.waits
        )
    )
    held = {edge.wait.lwp for edge in graph.edges}
    lost = [
        w
        for w in graph.waits.values()
        if w.lock.kind in MUTEXES and w.lwp not in held and not w.in_transit
    ]
    detail = f"no circle; {_threads(len(graph.waits))} waiting for locks or events"
    if lost:
        # C code that locks a PyMutex leaves no trace of who did.
        detail = f"{_threads(len(graph.waits))} waiting; who has {lost[0].lock} is not known, so there may be a circle"
    return Hang("waiting", detail, blockers)


def _threads(count: int) -> str:
    return "1 thread is" if count == 1 else f"{count} threads are"


def _problem(
    rule: str,
    detail: str,
    confidence: Confidence,
    lwps: Sequence[int],
    lock: Lock,
    evidence: Sequence[Evidence],
) -> Problem:
    kinds = {
        Kind.LOCK: "_thread.lock",
        Kind.RLOCK: "_thread.RLock",
        Kind.OBJECT: lock.name,
        Kind.IMPORT: "_ModuleLock",
    }
    kind = kinds.get(lock.kind) if lock.object is not None else None
    return Problem(rule, detail, confidence, tuple(lwps), lock.key, kind, tuple(evidence))
