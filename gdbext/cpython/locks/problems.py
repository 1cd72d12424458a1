"""What is wrong with the locks, and what a process that hangs is doing.

One look at a process cannot tell a short wait from a long one.  So a problem is only what no
healthy program shows even for a moment; a stop of the world that is just going on is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.locks import mutex
from gdbext.cpython.locks.graph import Edge, Wait, WaitGraph
from gdbext.cpython.locks.lock_holders import LockHolders
from gdbext.cpython.locks.lock_names import named_lock
from gdbext.cpython.locks.lock_places import Lock, LockKind, LockNames
from gdbext.cpython.locks.sources import Sources
from gdbext.cpython.locks.stop_the_world import StopTheWorld
from gdbext.cpython.locks.tries import livelocks
from gdbext.cpython.locks.waits import Waits
from gdbext.frozen import dataclass
from gdbext.model import Address, Claim, Confidence, Evidence, LockProblemKind
from gdbext.target.protocol import MemoryFault

MUTEXES = {LockKind.OBJECT, LockKind.LOCK, LockKind.IMPORT}
PLAIN_MUTEXES = {LockKind.OBJECT, LockKind.UNKNOWN}
"""What only the thread that locked it ever unlocks."""
WORLD = {LockKind.WORLD, LockKind.STOPPING}
HANGS = {
    LockProblemKind.DEADLOCK: "deadlock",
    LockProblemKind.STOP_THE_WORLD: "stop-the-world",
    LockProblemKind.MUTEX_MISUSE: "lost lock",
}
"""What a process hangs in that has the problem, the first of those it has."""
FOREIGN = {LockKind.NATIVE, LockKind.JOIN}
C_LIBRARY = re.compile(r"/(libc|ld-linux-x86-64)[.-]")
LONG_SLEEP = 1.0
"""Seconds.  A thread that sleeps attached for less holds a stop of the world up, and no more."""
HEAP_ALIGNMENT = 1 << 26
ARENA = 0xA00
# CPython never stays attached around these.
SLEEPS = {
    "accept", "accept4", "clock_nanosleep", "connect", "epoll_pwait", "epoll_wait", "flock",
    "nanosleep", "pause", "poll", "ppoll", "pselect6", "read", "recvfrom", "recvmsg",
    "rt_sigsuspend", "rt_sigtimedwait", "select", "sendmsg", "sendto", "wait4", "waitid", "write",
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: ``detail`` says what, where ``kind`` is known; ``threads`` are LWPs,
    ``subject`` an object or a lock.
    """

    kind: LockProblemKind
    detail: Claim
    confidence: Confidence
    threads: tuple[int, ...] = ()
    subject: int | None = None
    subject_type: str | None = None
    evidence: tuple[Evidence, ...] = ()
    waits_attached: bool = False
    """An attached thread waits for a lock of C code's, so the world cannot stop."""


@dataclass(frozen=True)
class Hang:
    """``kind`` is ``deadlock``, ``stop-the-world``, ``lost lock``, ``livelock``, ``running``
    (busy), ``waiting`` or ``outside Python``.
    """

    kind: str
    detail: Claim
    threads: tuple[int, ...] = ()
    for_unknown: tuple[int, ...] = ()
    """The threads that wait for a lock of which nobody knows who has it."""


def find_problems(
    sources: Sources, places: LockNames, waits: Waits, holders: LockHolders, graph: WaitGraph
) -> list[Problem]:
    """Every problem, the surest first."""
    found: list[Problem] = []
    for search in (
        _contradictions(sources, graph),
        _sections_without_lock(sources, places, holders),
        _orphans(sources, graph),
        _cycles(sources, graph),
        _dead_ends(sources, waits, graph),
        _stuck_worlds(sources, waits, holders.worlds, graph),
    ):
        try:
            found.extend(search)
        except (MemoryFault, UnknownLayout):
            continue
    return sorted(found, key=lambda p: p.confidence.rank)


def _contradictions(sources: Sources, graph: WaitGraph) -> Iterator[Problem]:
    """A mutex that threads are parked on says so; only its bucket's lock holder may see it
    otherwise.
    """
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
            Claim("mutex-is", bits=Address(bits)), address, bits, lock.object, broken=True
        )
        detail = Claim(
            "waiters-forgotten",
            lock=lock.claim,
            bits=Address(bits),
            count=len(by_lock[address]),
        )
        yield _problem(
            LockProblemKind.MUTEX_MISUSE,
            detail,
            Confidence.PROVEN,
            by_lock[address],
            lock,
            [wrong, *parked],
        )


def _sections_without_lock(
    sources: Sources, places: LockNames, holders: LockHolders
) -> Iterator[Problem]:
    """A section whose mutex is not locked, where its thread is not just leaving it.

    Whoever leaves a section, or gives all of them up to detach, unlocks the newest active one and
    only then says that it is not active any more (Python/critical_section.c): that one's mutex may
    be unlocked at any moment, though never have a value that no mutex has.
    """
    for thread in sources.runtime.threads:
        lwp = thread.native_thread_id
        active = [s for s in holders.sections(lwp)[0] if s.state == "active"]
        for position, section in enumerate(active):
            for address in section.mutexes:
                bits = sources.memory.read(address, 1)[0]
                is_passing = position == 0 and bits in mutex.STATES
                if mutex.is_locked(bits) or is_passing:
                    continue
                lock = places.lock_at(address)
                evidence = Evidence(
                    Claim("mutex-is", bits=Address(bits)), address, bits, lock.object, broken=True
                )
                detail = Claim("section-without-lock", lock=lock.claim, bits=Address(bits))
                yield _problem(
                    LockProblemKind.MUTEX_MISUSE,
                    detail,
                    Confidence.LIKELY,
                    [lwp],
                    lock,
                    [evidence],
                )


def _orphans(sources: Sources, graph: WaitGraph) -> Iterator[Problem]:
    """Threads that wait for a lock whose recorded owner has exited without releasing it, or is on
    the other side of a fork.
    """
    knows_all = all(t.fs_base for t in sources.threads)
    for edge in graph.to_thread(None):
        confidence = (
            Confidence.POSSIBLE
            if edge.wait.has_timeout
            else Confidence.PROVEN
            if knows_all
            else Confidence.LIKELY
        )
        lock = edge.wait.lock
        detail = Claim("owner-exited", lock=lock.claim)
        yield _problem(
            LockProblemKind.MUTEX_MISUSE,
            detail,
            confidence,
            [edge.wait.lwp],
            lock,
            [*edge.hold.evidence, *edge.wait.evidence],
        )


def _cycles(sources: Sources, graph: WaitGraph) -> Iterator[Problem]:
    for cycle in graph.cycles:
        confidence = max((edge.confidence for edge in cycle), key=lambda c: c.rank)
        is_stop = any(edge.wait.lock.kind in WORLD for edge in cycle)
        kind = LockProblemKind.STOP_THE_WORLD if is_stop else LockProblemKind.DEADLOCK
        lwps = [edge.wait.lwp for edge in cycle]
        if len(cycle) == 1:
            detail = Claim(
                "waits-for-own-lock",
                thread=sources.thread_claim(lwps[0]),
                lock=named_lock(sources, cycle[0].wait).claim,
            )
        else:
            steps = tuple(_step(sources, edge) for edge in cycle)
            detail = Claim("wait-cycle", count=len(cycle), steps=steps)
        evidence = [e for edge in cycle for e in (*edge.wait.evidence, *edge.hold.evidence)]
        found = _problem(kind, detail, confidence, lwps, cycle[0].wait.lock, evidence)
        attached = {e.hold.lwp for e in cycle if e.wait.lock.kind is LockKind.STOPPING}
        native = {e.wait.lwp for e in cycle if e.wait.lock.kind is LockKind.NATIVE}
        yield replace(found, waits_attached=bool(attached & native))


def _dead_ends(sources: Sources, waits: Waits, graph: WaitGraph) -> Iterator[Problem]:
    """Mutexes whose holder is not recorded, for which every thread of the process waits, or waits
    for one that does: whoever has such a mutex will not unlock it.

    A ``PyMutex`` that C code locks without a critical section leaves no trace of who did.  One
    thread that does anything else may be the holder, or wake it: then this says nothing.
    """
    parked: dict[int, list[Wait]] = {}
    for wait in graph.waits.values():
        if _is_for_unknown(graph, wait) and waits.with_timeout(wait).has_timeout is False:
            parked.setdefault(wait.lock.address, []).append(wait)
    for address, waiting in parked.items():
        bits = sources.memory.read(address, 1)[0]
        behind = _behind(waits, graph, [wait.lwp for wait in waiting])
        lwps = [wait.lwp for wait in waiting]
        if bits != mutex.LOCKED | mutex.HAS_PARKED or {t.lwp for t in sources.threads} != {
            *lwps,
            *behind,
        }:
            continue
        # A lock that a waiter has says most; the end of a thread is waited for in any case.
        nearest = sorted(
            (edge for edge in behind.values() if edge.hold.lwp in lwps),
            key=lambda edge: edge.wait.lock.kind is LockKind.JOIN,
        )
        closing = next((e for e in nearest if e.wait.lock.kind is not LockKind.JOIN), None)
        first = next((w for w in waiting if closing and w.lwp == closing.hold.lwp), waiting[0])
        lock = named_lock(sources, first).claim
        thread = sources.thread_claim(first.lwp)
        if closing is None:
            detail = Claim("dead-end", thread=thread, lock=lock)
        else:
            detail = Claim(
                "cycle-but-for-one",
                thread=thread,
                lock=lock,
                step=_step(sources, closing),
                waiter=sources.thread_claim(closing.wait.lwp, again=True),
            )
        is_mutex = Evidence(Claim("mutex-is", bits=Address(bits)), address, bits)
        evidence = [*first.evidence, is_mutex]
        if closing is not None:
            evidence += [*closing.wait.evidence, *closing.hold.evidence]
        at_fault = [first.lwp, *([closing.wait.lwp] if closing else [])]
        yield _problem(
            LockProblemKind.DEADLOCK, detail, Confidence.POSSIBLE, at_fault, first.lock, evidence
        )


def _behind(waits: Waits, graph: WaitGraph, lwps: Sequence[int]) -> dict[int, Edge]:
    """The threads that cannot go on before those of ``lwps`` do, each with the edge that says so.

    Whoever waits with a timeout can.
    """
    found: dict[int, Edge] = {}
    ahead = set(lwps)
    while True:
        new = {
            edge.wait.lwp: edge
            for edge in graph.edges
            if edge.hold.lwp in ahead
            and edge.wait.lwp not in ahead
            and waits.with_timeout(edge.wait).has_timeout is False
        }
        if not new:
            return found
        found |= new
        ahead |= new.keys()


def _is_for_unknown(graph: WaitGraph, wait: Wait) -> bool:
    """Whether a thread is parked on a mutex (not on an event) that nobody is recorded to have."""
    is_mutex = wait.since is not None and wait.lock.kind in PLAIN_MUTEXES
    return is_mutex and not wait.in_transit and not graph.holds.get(wait.lock.address)


def _step(sources: Sources, edge: Edge, *, is_trying: bool = False) -> Claim:
    """One edge of a cycle.  Each thread has its LWP once, as the one that waits."""
    return Claim(
        "tries-for-holder" if is_trying else "waits-for-holder",
        waiter=sources.thread_claim(edge.wait.lwp),
        lock=named_lock(sources, edge.wait).claim,
        holder=sources.thread_claim(edge.hold.lwp, again=True),
        how=edge.hold.how,
    )


def _stuck_worlds(
    sources: Sources, waits: Waits, worlds: Sequence[StopTheWorld], graph: WaitGraph
) -> Iterator[Problem]:
    for world in worlds:
        if world.is_idle or not world.is_sound:
            continue
        requester = sources.lwp_of_state(world.requester) if world.requester else None
        at_fault = [requester] if requester is not None else []
        asked = Evidence(
            Claim("stop-requested"),
            world.address + sources.layout.offset("_stoptheworld_state", "requested"),
            1,
        )
        if world.stopped:
            wait = graph.waits.get(requester) if requester is not None else None
            if (
                wait is not None
                and wait.lock.kind not in WORLD | {LockKind.NATIVE}
                and not wait.has_timeout
            ):
                confidence = Confidence.LIKELY if wait.lock.kind in MUTEXES else Confidence.POSSIBLE
                detail = Claim("stopper-waits", lock=wait.lock.claim)
                yield _problem(
                    LockProblemKind.STOP_THE_WORLD,
                    detail,
                    confidence,
                    at_fault,
                    wait.lock,
                    [asked, *wait.evidence],
                )
            continue
        # Whoever computes may stop at the next moment, and so may whoever sleeps for one; whoever
        # sleeps attached for longer will not.
        for thread in world.not_stopped:
            lwp = thread.native_thread_id
            sleep = _sleep(sources, waits, graph, lwp)
            if sleep is not None and not _is_short(waits, lwp):
                place = thread.address + sources.layout.offset("PyThreadState", "state")
                still = Evidence(Claim("still-attached", lwp=lwp), place, 1)
                yield Problem(
                    LockProblemKind.STOP_THE_WORLD,
                    sleep[0],
                    Confidence.LIKELY,
                    (lwp, *at_fault),
                    None,
                    None,
                    (asked, still, *sleep[1]),
                    waits_attached=lwp in graph.waits
                    and graph.waits[lwp].lock.kind is LockKind.NATIVE,
                )


def _sleep(
    sources: Sources, waits: Waits, graph: WaitGraph, lwp: int
) -> tuple[Claim, Sequence[Evidence]] | None:
    """What an attached thread sleeps in, that may take any time: a system call, or a lock of a
    library's that is not CPython's own.

    Of a mutex that another thread has, the graph of waits says more; the C library's own locks,
    such as malloc's, are only held for moments.
    """
    call = waits.call(lwp)
    if call is None:
        return None
    thread = sources.thread_claim(lwp)
    if call.name in SLEEPS:
        return Claim("sleeps-attached", thread=thread, call=call.name), ()
    wait = graph.waits.get(lwp)
    if wait is None or wait.lock.kind not in FOREIGN or wait.has_timeout:
        return None
    is_held = bool(graph.from_thread(lwp))
    if is_held and wait.lock.kind is LockKind.NATIVE:
        return None
    if _is_c_librarys(sources, wait.lock.address):
        return None
    return Claim("waits-attached", thread=thread, lock=wait.lock.claim), wait.evidence


def _is_short(waits: Waits, lwp: int) -> bool:
    call = waits.call(lwp)
    return call is not None and call.seconds is not None and call.seconds < LONG_SLEEP


def _is_c_librarys(sources: Sources, address: int) -> bool:
    """Whether the word that is waited on lies in the C library's data, or in an arena of malloc's
    (malloc/arena.c: one begins with the ``heap_info`` of its heap).
    """
    region = next((r for r in sources.regions() if r.start <= address < r.end), None)
    if region is None:
        return True
    in_arena = region.start % HEAP_ALIGNMENT == 0 and address - region.start < ARENA
    return in_arena or C_LIBRARY.search(region.path or "") is not None


def judge_hang(
    sources: Sources,
    waits: Waits,
    holders: LockHolders,
    graph: WaitGraph,
    problems: Sequence[Problem],
    worlds: Sequence[StopTheWorld],
) -> Hang:
    """The process as a whole, and the threads that it hangs on."""
    sure = [p for p in problems if p.confidence is not Confidence.POSSIBLE]
    for kind, name in HANGS.items():
        for problem in sure:
            if problem.kind is kind:
                return Hang(name, problem.detail, problem.threads)
    for cycle in livelocks(sources, holders, graph):
        steps = tuple(_step(sources, edge, is_trying=True) for edge in cycle)
        detail = Claim("livelock", count=len(cycle), steps=steps)
        return Hang("livelock", detail, tuple(edge.wait.lwp for edge in cycle))
    running = [
        t.native_thread_id
        for t in sources.runtime.threads
        if t.state == "attached"
        and ((call := waits.call(t.native_thread_id)) is None or call.is_work)
    ]
    if any(world.requested and not world.stopped for world in worlds):
        late = tuple(
            t.native_thread_id for world in worlds if world.requested for t in world.not_stopped
        )
        return Hang(
            "stop-the-world",
            Claim("stopping", count=len(late)),
            late,
        )
    if running:
        return Hang("running", Claim("threads-running", count=len(running)), tuple(running))
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
        if (w.lock.kind in MUTEXES and w.lwp not in held and not w.in_transit)
        or _is_for_unknown(graph, w)
    ]
    if not graph.waits:
        return Hang("outside Python", Claim("none-waits"))
    detail = Claim("waiting", count=len(graph.waits))
    if lost:
        # C code that locks a PyMutex leaves no trace of who did.
        detail = Claim("waiting-for-unknown", count=len(graph.waits), lock=lost[0].lock.claim)
    return Hang("waiting", detail, blockers, tuple(wait.lwp for wait in lost))


def _problem(
    kind: LockProblemKind,
    detail: Claim,
    confidence: Confidence,
    lwps: Sequence[int],
    lock: Lock,
    evidence: Sequence[Evidence],
) -> Problem:
    types = {
        LockKind.LOCK: "_thread.lock",
        LockKind.RLOCK: "_thread.RLock",
        LockKind.OBJECT: lock.name,
        LockKind.IMPORT: "_ModuleLock",
    }
    type_name = types.get(lock.kind) if lock.object is not None else None
    return Problem(kind, detail, confidence, tuple(lwps), lock.key, type_name, tuple(evidence))
