"""Damage and changes in memory other than the bad pointer's own."""

from __future__ import annotations

from gdbext.frozen import dataclass
from gdbext.model import (
    Claim,
    Confidence,
    Evidence,
    Liveness,
    LockProblemKind,
    Subject,
    ThreadName,
    Verdict,
)


@dataclass(frozen=True, kw_only=True)
class BlockUser:
    """A thread that has a pointer into a block right now.

    It is in ``variable`` of the frame ``level`` (a register, where the code has no variables), or
    in a field of the object there, whose type ``owner`` names.
    """

    lwp: int
    name: ThreadName | None
    block: int
    level: int
    function: str
    """Its file's name, where it has none."""
    variable: str
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class Lead:
    """A live object's pointer into a block: ``field`` is what the object's C struct calls it."""

    holder: int
    type: str
    field: str | None = None


@dataclass(frozen=True, kw_only=True)
class HeapDamage:
    """A damaged list of the allocator, or guard bytes that were written over."""

    title: Claim
    subject: Subject | None
    evidence: tuple[Evidence, ...] = ()
    users: tuple[BlockUser, ...] = ()
    """Of the blocks that may have been written past their ends, or after they were freed."""
    lead: Lead | None = None
    """Whose pointer leads into the damaged block, of what the crashed code has."""


@dataclass(frozen=True, kw_only=True)
class AllocatorCall:
    """The call of an allocator's function that the thread died in."""

    function: str
    """By the name that its caller knows it by: ``free``, ``operator delete[]``, ``PyMem_Free``."""
    is_cpythons: bool
    """Whether it is CPython's allocator, mimalloc if free-threaded; else the C library's."""
    level: int
    """The frame that called it."""
    caller: str | None
    pointer: int | None
    """What it was given back; None for one that allocates, or where that is not known."""
    is_read_again: bool = False
    """The pointer is what memory has now where the caller took it from."""


@dataclass(frozen=True, kw_only=True)
class WrongFree:
    """Memory that was given back to an allocator that had not given it out."""

    call: AllocatorCall
    origin: Claim
    """Where the memory is from."""
    is_block: bool
    """It is a block of the other allocator; else no allocator's."""
    may_have_been_block: bool = False
    """It may have been one that was freed before, and that is a part of a larger one since."""
    confidence: Confidence
    subject: Subject
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FreedChunk:
    """A freed block of the C library's, whose link the code took for its first word.

    The function of the frame ``level`` has the block's ``address``; ``word`` stands there.
    """

    address: int
    word: int
    level: int
    function: str


@dataclass(frozen=True, kw_only=True)
class ExportedMemory:
    """Memory that a live object has exported, and that is not mapped any more: ``size`` bytes at
    ``start``, of which a memoryview has the address.
    """

    view: int
    """The memoryview."""
    start: int
    size: int
    exporter: int
    type: str
    """The exporter's."""
    address: int
    """Where the code read or wrote."""


@dataclass(frozen=True, kw_only=True)
class FreedMemory:
    """A freed block without an object that the code at fault accessed or read from at ``place``."""

    place: int
    start: int
    size: int | None = None
    """In bytes; None where there are only free pages, and not a block."""
    evidence: tuple[Evidence, ...] = ()
    """What shows that it is free."""
    level: int | None = None
    """The frame whose code read from it, where that is not the one at fault."""
    lead: Lead | None = None


@dataclass(frozen=True, kw_only=True)
class HeapState:
    """What the allocator's own data shows, as far as the crash made it worth a look."""

    damages: tuple[HeapDamage, ...] = ()
    operand_is_block: bool = False
    """The faulting operand's base lies in a page of the allocator."""
    was_searched: bool = False
    """The allocator's lists were looked at as the likely cause."""
    call: AllocatorCall | None = None
    """The allocator's function that the thread died in, as far as it was called from outside."""
    wrong_free: WrongFree | None = None
    freed_chunk: FreedChunk | None = None
    other_writers: tuple[str, ...] = ()
    """The extension modules that may have damaged the heap as well as CPython's own code, by name;
    empty where its lists were not looked at."""


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

    ``detail`` completes the title of the rule that has the kind among its traits.
    """

    kind: LockProblemKind
    detail: Claim
    confidence: Confidence
    threads: tuple[int, ...] = ()
    subject: Subject | None = None
    evidence: tuple[Evidence, ...] = ()
    waits_attached: bool = False
    """An attached thread waits for a lock of C code's."""
