"""The bits of a ``PyMutex`` and of its relatives (CPython's Include/internal/pycore_lock.h and
Python/lock.c).

A mutex does not say who holds it.  After a wait of a millisecond it is handed over while it stays
locked, so that for a moment it may be locked by a thread that has not run yet.
"""

from __future__ import annotations

LOCKED = 1
HAS_PARKED = 2
STATES = frozenset({0, LOCKED, HAS_PARKED, LOCKED | HAS_PARKED})
"""All values that a ``PyMutex`` byte can have."""


def is_locked(bits: int) -> bool:
    """Whether the byte of a ``PyMutex`` says that it is held."""
    return bits in STATES and bool(bits & LOCKED)
