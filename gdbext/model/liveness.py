"""Whether an address is alive: the heap's answer."""

from __future__ import annotations

import enum

from gdbext.frozen import dataclass
from gdbext.model.claims import Claim, Confidence, Evidence


class Verdict(str, enum.Enum):
    """Is this address alive?  The one word that the heap says of an address (see ``heap/``)."""

    LIVE = "live"
    IMMORTAL = "immortal"
    FREED = "freed"
    PENDING_FREE = "pending-free"
    CACHED = "cached"
    DYING = "dying"
    REUSED = "reused"
    POISONED = "poisoned"
    NEVER_ALLOCATED = "never-allocated"
    INTERIOR = "interior"
    MISALIGNED = "misaligned"
    UNMAPPED = "unmapped"
    NULL = "null"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return self.value

    @property
    def is_dead(self) -> bool:
        """Whether an object expected at this address is gone (or never was)."""
        return self in _DEAD


_DEAD = frozenset(
    {
        Verdict.FREED,
        Verdict.PENDING_FREE,
        Verdict.CACHED,
        Verdict.REUSED,
        Verdict.POISONED,
        Verdict.NEVER_ALLOCATED,
        Verdict.UNMAPPED,
    }
)


@dataclass(frozen=True)
class Block:
    """The allocator's block that an address lies in.  Sizes in bytes."""

    start: int
    size: int
    domain: str
    """``mem``, ``object``, ``gc`` or ``gc_pre``: CPython's four mimalloc heaps; ``raw`` for
    PyMem_Raw memory.
    """
    page: int
    """Address of the ``mi_page_t``."""
    owner_tstate: int | None = None
    """Thread state whose heap owns the page; None if the page is abandoned (its thread
    has exited).
    """
    owner_tid: int | None = None
    """The owning segment's ``thread_id`` (0 once abandoned)."""
    freed_by: str | None = None
    """``other thread``, where the list that the block is on shows it: the owner's own lists have
    what others freed, too, once it has collected that.
    """


@dataclass(frozen=True)
class Liveness:
    """The heap's answer for one address."""

    address: int
    verdict: Verdict
    confidence: Confidence
    evidence: tuple[Evidence, ...] = ()
    block: Block | None = None
    reason: Claim | None = None
    """Why, for people."""
