"""Damage and changes in memory other than the bad pointer's own."""

from __future__ import annotations

from dataclasses import dataclass

from gdbext.model import Claim, Confidence, Evidence, Liveness, Subject, Verdict


@dataclass(frozen=True, kw_only=True)
class HeapDamage:
    """A damaged list of the allocator, or guard bytes that were written over."""

    title: Claim
    subject: Subject | None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HeapState:
    """What the allocator's own data shows, as far as the crash made it worth a look."""

    damages: tuple[HeapDamage, ...] = ()
    operand_is_block: bool = False
    """The faulting operand's base lies in a page of the allocator."""
    was_searched: bool = False
    """The allocator's lists were looked at as the likely cause."""


@dataclass(frozen=True, kw_only=True)
class OldArray:
    """An array that a container's method still walks, and the container no longer owns."""

    level: int
    function: str | None
    variable: str
    address: int
    liveness: Liveness
    """Of the old array's block."""
    owner: int
    """Address of the container."""
    pointer_address: int
    """Where the container has its array's address, ``array``."""
    array: int


@dataclass(frozen=True, kw_only=True)
class UnionInitialisation:
    """A union whose lazily made parameters several threads compute, while nobody holds
    its mutex.
    """

    union: int
    type: str | None
    verdict: Verdict
    threads: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class NamedObject:
    """What lives at an address of which nothing says a type."""

    address: int
    type: str | None
    verdict: Verdict

    @property
    def subject(self) -> Subject:
        """The same as a finding's subject."""
        return Subject(self.address, self.type, None, self.verdict)


@dataclass(frozen=True, kw_only=True)
class LockProblem:
    """What no healthy program shows of its locks even for a moment.

    ``rule`` is the rule that it is a case of; ``detail`` completes that rule's title.
    """

    rule: str
    detail: Claim
    confidence: Confidence
    threads: tuple[int, ...] = ()
    subject: Subject | None = None
    evidence: tuple[Evidence, ...] = ()
