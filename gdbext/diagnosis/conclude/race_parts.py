"""The parts of a race that every way to one has: a thread with its operation and place, and the
words for it.
"""

from __future__ import annotations

from gdbext.diagnosis.facts.accesses import Access, Accesses
from gdbext.model import (
    Claim,
    Race,
    RaceThread,
    ThreadName,
)


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
