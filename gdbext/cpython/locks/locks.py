"""Every question about locks, answered from a stopped process's memory.

>>> locks.of_thread(thread).waits_for          # doctest: +SKIP
2199024304144
>>> [hold.lwp for hold in locks.holders(2199024304144)]          # doctest: +SKIP
[18452]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from gdbext.cpython.interpreter.code_facts import CodeFacts
from gdbext.cpython.interpreter.frames import Frame, PythonStack
from gdbext.cpython.interpreter.runtime import Runtime, ThreadState
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.cpython.locks.critical_sections import CriticalSection
from gdbext.cpython.locks.graph import Hold, Wait, WaitGraph
from gdbext.cpython.locks.lock_holders import LockHolders
from gdbext.cpython.locks.lock_places import Lock, LockKind, LockNames
from gdbext.cpython.locks.problems import Hang, Problem, find_problems, judge_hang
from gdbext.cpython.locks.python_locks import read_lock, read_module_lock
from gdbext.cpython.locks.sources import Sources
from gdbext.cpython.locks.stop_the_world import StopTheWorld
from gdbext.cpython.locks.system_calls import SystemCall
from gdbext.cpython.locks.waits import Waits
from gdbext.cpython.locks.with_blocks import WithBlocks
from gdbext.cpython.objects.objects import Objects
from gdbext.frozen import dataclass
from gdbext.model import Confidence
from gdbext.target.protocol import Memory, MemoryFault, NativeThread, Region, Symbol


@dataclass(frozen=True)
class ThreadLocks:
    """What one thread has and wants; ``held`` and ``wait`` have the details and the evidence."""

    held: tuple[Hold, ...] = ()
    wait: Wait | None = None
    critical_sections: tuple[CriticalSection, ...] = ()
    """Newest first."""
    call: SystemCall | None = None
    """The system call that the thread is in."""

    @property
    def holds(self) -> tuple[int, ...]:
        """Addresses for a report, of the objects that are locked or are locks; what is only
        ``possible`` is left out.
        """
        return tuple(
            dict.fromkeys(h.lock.key for h in self.held if h.confidence is not Confidence.POSSIBLE)
        )

    @property
    def waits_for(self) -> int | None:
        """The address of the object whose mutex, or which lock, is waited for."""
        return self.wait.lock.key if self.wait else None


class Locks:
    """All locks of one stop.

    Nothing here raises: what cannot be read is left out, and an unknown holder is left out, too.
    """

    def __init__(
        self,
        memory: Memory,
        layout: Layout,
        runtime: Runtime,
        objects: Objects,
        threads: Sequence[NativeThread],
        symbol: Callable[[str], Symbol | None],
        regions: Callable[[], Sequence[Region]],
        registers: Callable[[int], Mapping[str, int]],
        python_stack: Callable[[int], PythonStack],
        frame_at: Callable[[int], Frame | None],
        code_facts: Callable[[int], CodeFacts | None],
        thread_name: Callable[[int], str | None],
        variable_at: Callable[[int], str | None],
    ) -> None:
        self._sources = Sources(
            memory,
            layout,
            runtime,
            objects,
            threads,
            symbol,
            regions,
            registers,
            python_stack,
            frame_at,
            code_facts,
            thread_name,
            variable_at,
        )
        blocks = WithBlocks(memory, layout, objects, code_facts)
        self._places = LockNames(self._sources)
        self._waits = Waits(self._sources, self._places, blocks)
        self._holders = LockHolders(self._sources, self._places, blocks)

    def holders(self, address: int) -> list[Hold]:
        """Who has the lock at ``address``: of an object its mutex, of a lock object the lock.

        Empty: unknown, or nobody.
        """
        return [hold for lock in self.locks_of(address) for hold in self._holders.of(lock)]

    def waiters(self, address: int) -> list[Wait]:
        """Who waits for the lock at ``address`` (as for :meth:`holders`), in the order that they
        will get it.
        """
        words = {lock.address for lock in self.locks_of(address)}
        return [
            wait
            for wait in self._waits.by_lwp.values()
            if wait.lock.address in words or wait.lock.key == address
        ]

    def locks_of(self, address: int) -> list[Lock]:
        """The locks that an address stands for: the object's mutex, and the lock that it is; else
        the lock word there.
        """
        objects = self._sources.objects
        native = next((lock for lock in self._native_holds if lock.address == address), None)
        if native is not None:
            return [native]
        try:
            if objects.type_info(objects.field("PyObject", address, "ob_type")) is None:
                return [self._places.lock_at(address)]
            found = [self._places.lock_at(self._places.mutex_of(address))]
            lock = read_lock(objects, address) or read_module_lock(objects, address)
            if lock is not None:
                found.append(Lock(LockKind(lock.kind), lock.word, address, lock.name or ""))
            return found
        except (MemoryFault, UnknownLayout):
            return []

    def of_thread(self, thread: ThreadState | int) -> ThreadLocks:
        """What a thread (its thread state, or its LWP) holds and waits for."""
        lwp = thread if isinstance(thread, int) else thread.native_thread_id
        wait = self._waits.by_lwp.get(lwp)
        native = [h for holds in self._native_holds.values() for h in holds if h.lwp == lwp]
        return ThreadLocks(
            (*self._holders.by_thread(lwp), *native),
            self._waits.with_timeout(wait) if wait else None,
            self._holders.sections(lwp)[0],
            self._waits.call(lwp),
        )

    @cached_property
    def _native_holds(self) -> dict[Lock, tuple[Hold, ...]]:
        """Who has the locks of C libraries that threads wait for: only a waiter shows where one
        is.
        """
        waits = self._waits.by_lwp.values()
        locks = dict.fromkeys(w.lock for w in waits if w.lock.kind is LockKind.NATIVE)
        return {lock: self._holders.of(lock) for lock in locks}

    @cached_property
    def graph(self) -> WaitGraph:
        """Who waits for whom."""
        waits = dict(self._waits.by_lwp)
        for world in self.worlds:
            # Between two looks at its event the requester is not asleep, but waits all the same.
            lwp = (
                self._sources.lwp_of_state(world.requester)
                if world.requester and world.requested and not world.stopped
                else None
            )
            if lwp is not None and lwp not in waits:
                waits[lwp] = Wait(lwp, self._places.lock_at(world.address + self._event_offset))
        locks = dict.fromkeys(wait.lock for wait in waits.values())
        holds = {lock.address: self._holders.of(lock) for lock in locks}
        # Only a cycle may break by a timeout.
        knot = {lwp: self._waits.with_timeout(waits[lwp]) for lwp in WaitGraph(waits, holds).knot}
        return WaitGraph(waits | knot, holds)

    @property
    def worlds(self) -> list[StopTheWorld]:
        """The states of stopping the world: the runtime's, then each interpreter's."""
        return self._holders.worlds

    @property
    def _event_offset(self) -> int:
        return self._sources.layout.offset("_stoptheworld_state", "stop_event")

    @cached_property
    def problems(self) -> list[Problem]:
        """What is wrong with the locks, the surest first."""
        return find_problems(self._sources, self._places, self._waits, self._holders, self.graph)

    def hang(self) -> Hang:
        """What a process that does nothing any more is doing."""
        return judge_hang(
            self._sources, self._waits, self._holders, self.graph, self.problems, self.worlds
        )
