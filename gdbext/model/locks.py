"""Locks, and what may be wrong with them."""

from __future__ import annotations

import enum

from gdbext.frozen import dataclass
from gdbext.model.claims import Claim


@dataclass(frozen=True)
class LockInfo:
    """A lock that a thread holds or waits for, by the address that the thread has it by, and what
    it is.
    """

    address: int
    name: Claim | str


class LockProblemKind(str, enum.Enum):
    """What may be wrong with the locks of a process."""

    MUTEX_MISUSE = "mutex-misuse"
    """A lock's state is impossible, or contradicts who waits for it or says to have it."""
    DEADLOCK = "deadlock"
    """Threads wait for each other's locks in a cycle."""
    STOP_THE_WORLD = "stop-the-world"
    """A thread that stops all others waits for what only they can give, or they do not stop."""

    def __str__(self) -> str:
        return self.value
