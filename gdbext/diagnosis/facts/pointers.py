"""The pointers that the crashed C code works on, and what memory has where they lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from gdbext.frozen import dataclass
from gdbext.model import Claim, Evidence, Liveness, Slot, Verdict

ANY_OBJECT = "object"
MEM_DOMAIN = "mem"
"""The domain of blocks in which CPython makes no objects."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """One variable of one native frame that holds an object's address.

    ``expected`` is the type (tp_name) that the code takes it for, None for "any object";
    ``because`` says how that is known.
    """

    level: int
    function: str | None
    name: str
    expected: str | None
    because: Claim
    is_argument: bool
    is_self: bool = False
    passed_on: bool = False
    """The frame that was called next got the same pointer: it was in use, then."""
    is_innermost: bool = False
    """The frame is the one that the fault is in (or inlined into that)."""
    is_ending: bool = False
    """The frame is there to end the object: it is freed when all is well, too."""
    is_doubtful: bool = False
    """The object may have died legitimately while this frame had the pointer."""
    is_guess: bool = False
    """From the frame's registers and stack, without debug information (``observe.frame_words``)."""

    @property
    def is_trusted(self) -> bool:
        """Whether the frame's code needs the object alive."""
        return (
            self.is_self or self.passed_on or (self.is_argument and self.is_innermost)
        ) and not self.is_doubtful


Uses = Mapping[int, tuple[Use, ...]]
"""All uses by address, in the order of the innermost."""


@dataclass(frozen=True, kw_only=True)
class ObjectAt:
    """What an object's header says; ``type`` is None where there is no credible one."""

    address: int
    type: str | None = None
    """Its tp_name, one name over all versions."""
    kinds: frozenset[str] = frozenset()
    """Names of the type, its bases, and those that share its struct."""
    problems: tuple[Evidence, ...] = ()
    """Why there is not an object; empty for a sound one."""

    def is_a(self, expected: str) -> bool:
        """Whether C code that works on that type works on this object."""
        return self.type is not None and (expected == ANY_OBJECT or expected in self.kinds)


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """What has to be read before it can be said which pointers are in use."""

    objects: Mapping[int, ObjectAt] = field(default_factory=dict)
    guesses: tuple[tuple[int, Use], ...] = ()
    """``self`` of slot functions without debug information, with the address."""
    stack: tuple[int, int] | None = None
    """Start and end of the thread's C stack."""
    operand_is_object: bool = False
    """The faulting operand's base register leads to a block that objects are allocated in."""


@dataclass(frozen=True)
class BrokenField:
    """A field of the C struct whose invariant does not hold."""

    slot: Slot | None
    evidence: Evidence

    @property
    def value(self) -> int | None:
        """The word that stands there."""
        return self.evidence.value if isinstance(self.evidence.value, int) else None


@dataclass(frozen=True, kw_only=True)
class UnionArgs:
    """A union's ``args`` that are not an exact tuple."""

    broken: BrokenField
    type: str | None
    """The type of what stands there."""
    was_taken_apart: bool
    """They are what the union's deallocation leaves behind."""


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """An address with all its uses in the crashed thread's C frames, and what memory has there."""

    address: int
    uses: tuple[Use, ...]
    liveness: Liveness
    """The verdict on the block, whoever uses it."""
    liveness_for_use: Liveness
    """The same for this use: weaker where the pointer is a guess, or may be a leftover."""
    object: ObjectAt
    end: int
    """Where the object's memory ends: its block, or just its header where there is no block."""
    header_problems: tuple[Evidence, ...] = ()
    """Why there is not an object; only looked for where the block is not gone."""
    below_zero: tuple[Evidence, ...] = ()
    """What the header says of a count below zero, where nothing else of it is wrong."""
    counted_after_free: tuple[Evidence, ...] = ()
    """What changed its count after it was freed."""
    violations: tuple[BrokenField, ...] = ()
    """Fields of the object itself that are broken; items of a container are judged apart."""
    null_field: BrokenField | None = None
    """A field that must not be NULL and is; only looked for where the fault went through NULL."""
    union_args: UnionArgs | None = None
    size: tuple[int, int] | None = None
    """(address, value) of ``ob_size`` of an object whose items lie elsewhere."""
    is_on_fault_path: bool = False
    """The faulting access is in the object, or through a pointer that it, or what it points to,
    has.
    """
    ob_type: int | None = None
    ended_again: bool = False
    """It is being deallocated, although it is gone."""

    @property
    def verdict(self) -> Verdict:
        """The block's state in a word."""
        return self.liveness.verdict

    @property
    def actual_type(self) -> str | None:
        """What memory says that it is now."""
        return self.object.type

    @property
    def expected(self) -> str | None:
        """The most specific type that any frame takes it for."""
        return next((u.expected for u in self.uses if u.expected), None)

    @property
    def innermost(self) -> Use:
        """The use nearest to the fault."""
        return self.uses[0]

    @property
    def outermost(self) -> Use:
        """The use furthest from the fault."""
        return self.uses[-1]

    @property
    def main_use(self) -> Use:
        """The use as ``self`` where there is one, else the innermost."""
        return next((u for u in self.uses if u.is_self), self.innermost)

    @property
    def wrong_type(self) -> bool:
        """A credible object lives there, but of a type that the code does not expect."""
        expected = self.expected
        return bool(expected and self.actual_type and not self.object.is_a(expected))

    @property
    def is_gone(self) -> bool:
        """The object that the code uses no longer exists, or never did.

        It is freed, queued to be, reused, or the pointer leads into the middle of a block.
        """
        return self.verdict.is_dead or self.verdict is Verdict.INTERIOR

    @property
    def is_corrupt(self) -> bool:
        """The block is there, but what is in it is not an object."""
        return (
            not self.is_gone
            and bool(self.header_problems)
            and self.verdict not in (Verdict.DYING, Verdict.NULL)
        )

    @property
    def is_bad(self) -> bool:
        """Whether anything at all is wrong with it."""
        return self.is_gone or self.is_corrupt or self.wrong_type or bool(self.violations)

    @property
    def is_trusted(self) -> bool:
        """Whether the code really works on the pointer now.

        A caller keeps a borrowed argument alive for the whole call, so a dead ``self``, or a dead
        pointer that was passed on to the frame called next, is wrong.  A dead pointer in some local
        may only be a leftover.
        """
        return any(u.is_trusted for u in self.uses)

    @property
    def outermost_level(self) -> int:
        """The level of the outermost function that surely was given it, or gave it on.

        Where none was, that of the outermost that has it.
        """
        given = [
            u.level
            for u in self.uses
            if (u.is_self or u.passed_on or u.is_argument) and not u.is_doubtful
        ]
        return max(given, default=self.outermost.level)

    @property
    def own_level(self) -> int:
        """The level of the outermost frame that has it as its argument."""
        return max((u.level for u in self.uses if u.is_argument), default=self.outermost.level)

    def at_level(self, level: int) -> Iterator[Use]:
        """Its uses in one frame."""
        return (u for u in self.uses if u.level == level)
