"""The parts of a race that every way to one has: a thread with its operation and place, and the
words for it.
"""

from __future__ import annotations

from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity
from gdbext.model import (
    Claim,
    Race,
    RaceThread,
    ThreadName,
)

MUTEXES = ("_thread.lock", "_thread.RLock")


def race_thread(accesses: Accesses, access: Access) -> RaceThread:
    """One side of a race, as the access tells it."""
    thread = accesses.of(access.lwp)
    return RaceThread(
        access.lwp,
        thread.name if thread else None,
        access.operation,
        access.file,
        access.line,
        access.function,
        access.operation_line if access.operation_line != access.line else None,
        access.effect.changes,
        access.frame,
    )


def thread_claim(accesses: Accesses, access: Access) -> Claim:
    """The access's thread as an argument of claims."""
    thread = accesses.of(access.lwp)
    name = ThreadName(thread.name) if thread and thread.name else None
    return Claim("thread-by-name", lwp=access.lwp, name=name)


def takes_part(accesses: Accesses, race: Race) -> bool:
    """Whether the thread that died is one of the two."""
    return any(thread.lwp == accesses.crashed for thread in race.threads)


def take_turns(accesses: Accesses, first: int, second: int) -> bool:
    """Whether one of two threads is at a lock that the other one's code takes as well: what is done
    between is done by one at a time, as far as can be seen.
    """
    threads = [thread for lwp in (first, second) if (thread := accesses.of(lwp)) is not None]
    taken = [{a.address for a in t.by_code if a.type in MUTEXES} for t in threads]
    at = [
        {a.address for a in t.by_code if a.type in MUTEXES and a.proximity <= Proximity.AT}
        for t in threads
    ]
    return len(threads) > 1 and not (at[0].isdisjoint(taken[1]) and at[1].isdisjoint(taken[0]))
