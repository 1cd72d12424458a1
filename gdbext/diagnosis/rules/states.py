"""How rules say what became of an object."""

from __future__ import annotations

from gdbext.model import Verdict

STATES = {
    Verdict.FREED: "was freed",
    Verdict.PENDING_FREE: "is queued to be freed",
    Verdict.CACHED: "is dead, on a freelist",
    Verdict.REUSED: "was freed, its memory reused",
    Verdict.POISONED: "was freed",
    Verdict.NEVER_ALLOCATED: "never was an object",
    Verdict.UNMAPPED: "lies in unmapped memory",
    Verdict.INTERIOR: "is no more: the pointer leads into another block",
}


def state_of(verdict: Verdict) -> str:
    """The verdict as the end of ``an object that …``."""
    return STATES.get(verdict, "is gone")
