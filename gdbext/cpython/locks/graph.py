"""Who waits for whom, and the cycles therein."""

from __future__ import annotations

from dataclasses import field
from functools import cached_property

from gdbext.cpython.locks.lock_places import Lock
from gdbext.frozen import dataclass
from gdbext.model import Confidence, Evidence


@dataclass(frozen=True)
class Hold:
    """A thread has a lock.  ``lwp`` is None when the holder is known to have exited.

    ``how`` is a phrase for how that is known: ``critical section``, ``recorded owner``, ``with
    block`` …
    """

    lwp: int | None
    lock: Lock
    confidence: Confidence
    how: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Wait:
    """A thread sleeps until it gets a lock (or until something happens).

    ``has_timeout`` None: not known.

    ``since`` is in nanoseconds of CLOCK_MONOTONIC, known for mutexes; ``in_transit``: the wait was
    just beginning or ending.
    """

    lwp: int
    lock: Lock
    has_timeout: bool | None = None
    since: int | None = None
    in_transit: bool = False
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Edge:
    """``wait`` cannot end before ``hold`` does."""

    wait: Wait
    hold: Hold

    @property
    def confidence(self) -> Confidence:
        """A wait with a timeout ends by itself."""
        return Confidence.POSSIBLE if self.wait.has_timeout else self.hold.confidence


@dataclass(frozen=True)
class WaitGraph:
    """``waits`` by LWP; ``holds`` by the waited lock's address; a lock that is missing there has no
    known holder.
    """

    waits: dict[int, Wait] = field(default_factory=dict)
    holds: dict[int, tuple[Hold, ...]] = field(default_factory=dict)

    @property
    def edges(self) -> list[Edge]:
        """All edges; several holders of one lock are alternatives, or (stopping the world) are all
        waited for.
        """
        return [edge for edges in self._edges.values() for edge in edges]

    def from_thread(self, lwp: int) -> list[Edge]:
        """The edges of what the thread waits for, to each thread that may have it."""
        return self._edges.get(lwp, [])

    def to_thread(self, lwp: int | None) -> list[Edge]:
        """The edges of who waits for what the thread has; for None, for what an exited one has."""
        return [
            Edge(wait, hold)
            for wait in self.waits.values()
            for hold in self.holds.get(wait.lock.address, ())
            if hold.lwp == lwp
        ]

    @cached_property
    def _edges(self) -> dict[int, list[Edge]]:
        return {
            lwp: [Edge(wait, hold) for hold in self.holds.get(wait.lock.address, ())]
            for lwp, wait in self.waits.items()
        }

    @cached_property
    def _holders(self) -> dict[int, dict[int, Hold]]:
        """Of each lock the waiting threads that may have it: where many wait for one lock, each
        may, on ten lines.
        """
        holders: dict[int, dict[int, Hold]] = {}
        for lock, holds in self.holds.items():
            for hold in holds:
                if hold.lwp is not None and hold.lwp in self.waits:
                    holders.setdefault(lock, {}).setdefault(hold.lwp, hold)
        return holders

    def _ahead(self, lwp: int) -> dict[int, Hold]:
        """The waiting threads that one waits for."""
        return self._holders.get(self.waits[lwp].lock.address, {})

    @cached_property
    def cycles(self) -> list[tuple[Edge, ...]]:
        """Cycles of threads that wait for each other, each once, from its lowest LWP on."""
        found: dict[tuple[int, ...], tuple[Edge, ...]] = {}
        for start in sorted(self.knot):
            cycle = self._cycle_through(start)
            if cycle:
                lwps = [edge.wait.lwp for edge in cycle]
                first = lwps.index(min(lwps))
                found.setdefault(tuple(lwps[first:] + lwps[:first]), cycle[first:] + cycle[:first])
        return list(found.values())

    @cached_property
    def knot(self) -> set[int]:
        """The threads whose waiting never leads to one that does not wait: those in cycles, and
        those behind them.
        """
        behind: dict[int, list[int]] = {}
        ahead = dict.fromkeys(self.waits, 0)
        for lwp in self.waits:
            for holder in self._ahead(lwp):
                ahead[lwp] += 1
                behind.setdefault(holder, []).append(lwp)
        free = [lwp for lwp, count in ahead.items() if count == 0]
        knot = set(ahead)
        while free:
            lwp = free.pop()
            knot.discard(lwp)
            for waiter in behind.get(lwp, ()):
                ahead[waiter] -= 1
                if ahead[waiter] == 0:
                    free.append(waiter)
        return knot

    def _cycle_through(self, start: int) -> tuple[Edge, ...] | None:
        """A shortest cycle that ``start`` is part of."""
        reached: dict[int, Edge | None] = {start: None}
        frontier = [start]
        while frontier:
            following: list[int] = []
            for lwp in frontier:
                for holder, hold in self._ahead(lwp).items():
                    if holder == start:
                        return self._way_to(Edge(self.waits[lwp], hold), reached)
                    if holder in self.knot and holder not in reached:
                        reached[holder] = Edge(self.waits[lwp], hold)
                        following.append(holder)
            frontier = following
        return None

    @staticmethod
    def _way_to(last: Edge, reached: dict[int, Edge | None]) -> tuple[Edge, ...]:
        """The edges that led to ``last``, and it."""
        way = [last]
        while (before := reached[way[-1].wait.lwp]) is not None:
            way.append(before)
        return tuple(reversed(way))
