"""What each thread waits for: from the parking lot, and from the futex that it sleeps on."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from gdbext.cpython.locks.graph import Wait
from gdbext.cpython.locks.lock_places import Lock, LockKind, LockNames
from gdbext.cpython.locks.parking_lot import ParkingLot, Waiter, read_buckets, waiter_at_futex
from gdbext.cpython.locks.python_locks import module_lock_of, read_lock
from gdbext.cpython.locks.sources import Sources
from gdbext.cpython.locks.stacks import ThreadStacks
from gdbext.cpython.locks.system_calls import SystemCall, current_call
from gdbext.cpython.locks.with_blocks import WithBlocks
from gdbext.model import Claim, Evidence
from gdbext.target.protocol import MemoryFault

CONDITION_WAIT = "Condition.wait"
MAX_FRAMES = 8
"""A lock that a thread sleeps on is in the hands of one of its innermost Python frames."""
# glibc's struct pthread begins at the thread pointer; its tid, which the kernel clears at exit, is
# in the first 4 KiB.
DESCRIPTOR = 4096


class Waits:
    """Finds every thread's wait, once."""

    def __init__(self, sources: Sources, places: LockNames, blocks: WithBlocks) -> None:
        self._sources = sources
        self._places = places
        self._blocks = blocks
        self._stacks = ThreadStacks(sources.threads, sources.regions, sources.registers)
        self._calls: dict[int, SystemCall | None] = {}

    @cached_property
    def parking_lot(self) -> ParkingLot | None:
        """The table of all waiters; None where no symbol leads to it."""
        return read_buckets(
            self._sources.memory, self._sources.layout, self._sources.symbol("buckets")
        )

    @cached_property
    def by_lwp(self) -> dict[int, Wait]:
        """Every wait that could be found."""
        found: dict[int, Wait] = {}
        for waiter in self.parking_lot.waiters if self.parking_lot else ():
            thread = self._stacks.thread_at(waiter.entry)
            if thread is not None and thread.lwp not in found:
                found[thread.lwp] = self._parked(thread.lwp, waiter)
        for thread in self._sources.threads:
            if thread.lwp not in found:
                wait = self._asleep(thread.lwp)
                if wait is not None:
                    found[thread.lwp] = wait
        return found

    def call(self, lwp: int) -> SystemCall | None:
        """The system call that the thread is in."""
        if lwp not in self._calls:
            self._calls[lwp] = current_call(self._sources.memory, self._sources.registers(lwp))
        return self._calls[lwp]

    def with_timeout(self, wait: Wait) -> Wait:
        """The same wait with what the thread's registers say of its end (which is dear to ask of
        many threads).
        """
        # The requester of a stopped world waits a millisecond at a time, for as long as it takes.
        if wait.has_timeout is not None or wait.lock.kind is LockKind.STOPPING:
            return wait
        call = self.call(wait.lwp)
        return replace(wait, has_timeout=call.has_timeout if call else None)

    def _parked(self, lwp: int, waiter: Waiter) -> Wait:
        place = waiter.entry + self._sources.layout.offset("wait_entry", "addr")
        evidence = Evidence(Claim("parked", lwp=lwp), place, waiter.address)
        lock = self._known_to_python(lwp, self._places.lock_at(waiter.address))
        return Wait(lwp, lock, None, waiter.since, waiter.bucket_busy, (evidence,))

    def _asleep(self, lwp: int) -> Wait | None:
        call = self.call(lwp)
        if call is None or call.futex is None:
            return None
        waiter = waiter_at_futex(self._sources.memory, self._sources.layout, call.futex)
        if waiter is not None:
            return self._parked(lwp, waiter)
        evidence = Evidence(Claim("sleeps-on-futex", lwp=lwp), call.futex)
        lock = (
            self._rlock(lwp, call.futex)
            or self._end_of_thread(call.futex)
            or self._places.lock_at(call.futex)
        )
        if lock.kind is LockKind.UNKNOWN:
            lock = replace(lock, kind=LockKind.NATIVE)
        return Wait(lwp, lock, call.has_timeout, evidence=(evidence,))

    def _known_to_python(self, lwp: int, lock: Lock) -> Lock:
        """A lock that stands for something else in importlib or threading.Condition."""
        if lock.kind is not LockKind.LOCK or lock.object is None:
            return lock
        for frame in self._sources.python_stack(lwp).frames[:MAX_FRAMES]:
            module = module_lock_of(self._sources.objects, frame, lock.address)
            if module is not None:
                return Lock(LockKind.IMPORT, lock.address, module.address, module.name or "")
            if frame.function == CONDITION_WAIT and frame.slots.get("waiter") == lock.object:
                return Lock(LockKind.NOTIFY, lock.address, frame.slots.get("self"))
        return lock

    def _rlock(self, lwp: int, futex: int) -> Lock | None:
        """The RLock with that semaphore (up to 3.13), which must be in the hands of the thread's
        innermost frames.
        """
        for frame in self._sources.python_stack(lwp).frames[:MAX_FRAMES]:
            for value in self._blocks.values(frame):
                for address in (value, self._blocks.bound_to(value)):
                    lock = read_lock(self._sources.objects, address) if address else None
                    if lock is not None and lock.word == futex:
                        return Lock(LockKind.RLOCK, futex, lock.address)
        return None

    def _end_of_thread(self, futex: int) -> Lock | None:
        """A thread's exit, which pthread_join() waits for: the word is that thread's id, in its
        descriptor.
        """
        try:
            value = int.from_bytes(self._sources.memory.read(futex, 4), "little")
        except MemoryFault:
            return None
        for thread in self._sources.threads:
            if (
                thread.lwp == value
                and thread.fs_base
                and thread.fs_base <= futex < thread.fs_base + DESCRIPTOR
            ):
                return Lock(LockKind.JOIN, futex, thread=thread.lwp)
        return None
