"""The parking lot: a table of all threads that sleep on a mutex or an event (CPython's
Python/parking_lot.c).

A waiter's entry lies on its own C stack.  The table is a static array, ``buckets``, that only a
symbol finds; without one, a sleeping thread's futex is the semaphore inside its entry.
"""

from __future__ import annotations

from gdbext.cpython.layout.layout import Layout, Record, UnknownLayout
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault, Symbol

BUCKETS = 257
MAX_WAITERS = 20_000
TIME_TO_BE_FAIR = 1_000_000
"""Nanoseconds that a mutex's waiter must have waited before the mutex is handed over to it
(Python/lock.c).
"""


@dataclass(frozen=True)
class Waiter:
    """One ``struct wait_entry``: where it lies, and the address that is waited on.

    ``since`` is when the wait for a mutex began, in nanoseconds of CLOCK_MONOTONIC; ``bucket_busy``
    says that a thread was changing the waiter's bucket when the process stopped.
    """

    entry: int
    address: int
    since: int | None = None
    bucket_busy: bool = False


@dataclass(frozen=True)
class ParkingLot:
    """All waiters, in the order that they will be woken for each address.

    ``complete`` is False after damage.
    """

    waiters: tuple[Waiter, ...]
    complete: bool = True


def read_buckets(memory: Memory, layout: Layout, symbol: Symbol | None) -> ParkingLot | None:
    """Every waiter of the table at ``symbol``; None if it is not such a table, or its layout is not
    known.
    """
    if symbol is None:
        return None
    try:
        bucket = layout.struct("Bucket")
        if symbol.size and symbol.size != BUCKETS * bucket.size:
            return None
        table = memory.read(symbol.address, BUCKETS * bucket.size)
        found: list[Waiter] = []
        complete = True
        for i in range(BUCKETS):
            record = Record(
                bucket,
                symbol.address + i * bucket.size,
                table[i * bucket.size : (i + 1) * bucket.size],
            )
            waiters, intact = _walk(memory, layout, record, i, MAX_WAITERS - len(found))
            found += waiters
            complete &= intact
    except (MemoryFault, UnknownLayout):
        return None
    return ParkingLot(tuple(found), complete)


def _walk(
    memory: Memory, layout: Layout, bucket: Record, number: int, limit: int
) -> tuple[list[Waiter], bool]:
    """One bucket's waiters, and whether its list is sound."""
    found: list[Waiter] = []
    root = bucket.address_of("root.next")
    is_busy = bool(bucket["mutex.v"] & 1)
    node = bucket["root.next"]
    if node == 0:
        return [], bucket["num_waiters"] == 0
    seen = {root}
    while node != root:
        if node in seen or len(found) >= limit:
            return found, False
        seen.add(node)
        try:
            entry = layout.record(
                memory, "wait_entry", node - layout.offset("wait_entry", "node.next")
            )
            waiter = _waiter(memory, layout, entry, is_busy)
        except MemoryFault:
            return found, False
        if entry["addr"] % BUCKETS != number:
            return found, False
        found.append(waiter)
        node = entry["node.next"]
    return found, is_busy or len(found) == bucket["num_waiters"]


def _waiter(memory: Memory, layout: Layout, entry: Record, is_busy: bool) -> Waiter:
    """Whoever waits for a mutex keeps the time until which that is fair beside the entry (``struct
    mutex_entry``).
    """
    since = None
    if entry["park_arg"] and layout.has("mutex_entry", "time_to_be_fair"):
        fair = int.from_bytes(
            memory.read(entry["park_arg"] + layout.offset("mutex_entry", "time_to_be_fair"), 8),
            "little",
        )
        since = fair - TIME_TO_BE_FAIR
    return Waiter(entry.address, entry["addr"], since, is_busy)


def waiter_at_futex(memory: Memory, layout: Layout, futex: int) -> Waiter | None:
    """The waiter whose semaphore is at ``futex``; None if there is no such entry.

    What is read there is an entry only if its list node is a sound one: its neighbours point back
    to it.
    """
    try:
        entry = futex - layout.offset("wait_entry", "sema")
        record = layout.record(memory, "wait_entry", entry)
        node = record.address_of("node.next")
        step = layout.offset("wait_entry", "node.prev") - layout.offset("wait_entry", "node.next")
        after = int.from_bytes(memory.read(record["node.next"] + step, 8), "little")
        before = int.from_bytes(memory.read(record["node.prev"], 8), "little")
        return _waiter(memory, layout, record, False) if (after, before) == (node, node) else None
    except (MemoryFault, UnknownLayout):
        return None
