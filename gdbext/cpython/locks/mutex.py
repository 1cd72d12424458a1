"""The bits of a ``PyMutex`` and of its relatives (CPython's Include/internal/pycore_lock.h and Python/lock.c).

A mutex does not say who holds it.  After a wait of a millisecond it is handed over while it stays locked, so that for a
moment it may be locked by a thread that has not run yet.
"""

from __future__ import annotations

LOCKED = 1
HAS_PARKED = 2
STATES = {
    0: "unlocked",
    LOCKED: "locked",
    HAS_PARKED: "unlocked, with parked waiters",
    LOCKED | HAS_PARKED: "locked, with parked waiters",
}
"""All values that a ``PyMutex`` byte can have."""


def describe(bits: int) -> str:
    """A mutex byte in words.

    >>> describe(3), describe(0xDD)
    ('locked, with parked waiters', 'impossible value 0xdd')
    """
    return STATES.get(bits, f"impossible value {bits:#x}")


def is_locked(bits: int) -> bool:
    return bits in STATES and bool(bits & LOCKED)
