"""The pointers that the crashed C code works on, each judged: is there still what the code takes it for?"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Protocol

from gdbext.cpython.allocator.heap import Heap
from gdbext.cpython.allocator.kinds import is_kind_of
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.decoded import BROKEN, Violation
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.traits.types import canonical
from gdbext.diagnosis.expectations import (
    SUBCLASSABLE_BY_FLAG,
    SlotOwner,
    expected_by_dwarf,
    is_object_pointer,
)
from gdbext.model import Confidence, Evidence, Liveness, Verdict
from gdbext.target.protocol import NativeFrame, Variable

MAX_POINTERS = 400
MAX_CALL_HELPERS = 6
ENDING_SLOTS = frozenset({"tp_dealloc", "tp_free", "tp_del"})
# Include/object.h, Objects/object.c, Objects/typeobject.c: what a lost reference leads to, outside of a static type's slot.
ENDING_FUNCTIONS = frozenset(
    {
        "_Py_Dealloc",
        "_Py_MergeZeroLocalRefcount",
        "_Py_DecRefSharedDebug",
        "_Py_DecRefShared",
        "Py_DECREF",
        "subtype_dealloc",
    }
)
FREEING = re.compile(r"[fF]ree|_Del$|[dD]ealloc|^_?mi_")
"""Functions that an object may be given to and be gone when they come to what they do last."""
ANY_OBJECT = "object"


class CFrameLike(Protocol):
    """What is needed of a native frame here (see ``case.CFrame``)."""

    @property
    def frame(self) -> NativeFrame: ...

    @property
    def owner(self) -> SlotOwner | None: ...


@dataclass(frozen=True)
class Use:
    """One variable of one native frame that holds an object's address.

    ``expected`` is the type (tp_name) that the code takes it for, None for "any object"; ``because`` says how that is
    known.  ``passed_on`` is True when the frame that was called next got the same pointer: it was in use, then.
    """

    level: int
    function: str | None
    name: str
    expected: str | None
    because: str
    is_argument: bool
    is_self: bool = False
    passed_on: bool = False
    is_innermost: bool = False
    """Whether the frame is the one that the fault is in (or inlined into that)."""
    is_ending: bool = False
    """The frame is there to end the object: it is freed when all is well, too."""
    is_doubtful: bool = False
    """The object may have died legitimately while this frame had the pointer."""
    is_guess: bool = False
    """Found in the frame's registers and stack without debug information (see ``frame_words``)."""

    @property
    def is_trusted(self) -> bool:
        """Whether the frame's code needs the object alive."""
        return (
            self.is_self or self.passed_on or (self.is_argument and self.is_innermost)
        ) and not self.is_doubtful


@dataclass
class Suspect:
    """An address with all its uses in the crashed thread's C frames, and the verdict on it."""

    address: int
    uses: list[Use]
    liveness: Liveness
    actual_type: str | None = None
    header_problems: list[Evidence] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    @property
    def expected(self) -> str | None:
        """The most specific type that any frame takes it for."""
        typed = [u.expected for u in self.uses if u.expected]
        return typed[0] if typed else None

    @property
    def innermost(self) -> Use:
        return self.uses[0]

    @property
    def outermost(self) -> Use:
        return self.uses[-1]

    @property
    def wrong_type(self) -> bool:
        """A credible object lives there, but of a type that the code does not expect."""
        return bool(self.expected and self.actual_type and not self.type_matches)

    type_matches: bool = True

    @property
    def is_gone(self) -> bool:
        """The object that the code uses no longer exists (freed, queued to be, reused, or never was one)."""
        return self.liveness.verdict.is_dead or self.liveness.verdict is Verdict.INTERIOR

    @property
    def is_corrupt(self) -> bool:
        """The block is there, but what is in it is no object."""
        return (
            not self.is_gone
            and bool(self.header_problems)
            and self.liveness.verdict not in (Verdict.DYING, Verdict.NULL)
        )

    @property
    def is_bad(self) -> bool:
        return self.is_gone or self.is_corrupt or self.wrong_type or bool(self.violations)

    ended_again: bool = False
    """It is being deallocated, although it is gone."""

    @property
    def outermost_level(self) -> int:
        """The level of the outermost function that surely was given it, or gave it on; else of any that has it."""
        given = [
            u.level
            for u in self.uses
            if (u.is_self or u.passed_on or u.is_argument) and not u.is_doubtful
        ]
        return max(given, default=self.outermost.level)

    def given_while_ending(self) -> Iterator[int]:
        """Levels of the functions that the code which ends it gave it to, those left out that may free it themselves."""
        ending = min((u.level for u in self.uses if u.is_ending), default=0)
        for use in self.uses:
            if (
                use.is_argument
                and not use.is_ending
                and use.level < ending
                and not FREEING.search(use.function or "free")
            ):
                yield use.level

    @property
    def is_trusted_use(self) -> bool:
        """Whether the code really works on the pointer now.

        A caller keeps a borrowed argument alive for the whole call, so a dead ``self``, or a dead pointer that was passed
        on to the frame called next, is wrong.  A dead pointer in some local may only be a leftover.
        """
        return any(u.is_trusted for u in self.uses)


def complete_selves(
    found: dict[int, list[Use]], frames: Sequence[CFrameLike], objects: Objects
) -> None:
    """Give slot functions whose ``self`` the compiler left no location for the pointer that their caller passed.

    The function's type is known from the slot, and the caller's frames still have the pointer: the innermost one out there
    to an object of that type is it.
    """
    for position, frame in enumerate(frames):
        owner = frame.owner
        if (
            owner is None
            or not owner.first_is_self
            or any(
                u.is_self for uses in found.values() for u in uses if u.level == frame.frame.level
            )
        ):
            continue
        for outer in frames[position + 1 : position + 1 + MAX_CALL_HELPERS]:
            address = _of_type(found, outer.frame.level, owner, objects)
            if address is not None:
                because = f"{owner.slot} of {owner.type_name}, passed by {outer.frame.function}"
                is_ending = owner.slot in ENDING_SLOTS
                name = frame.frame.function
                use = Use(
                    frame.frame.level,
                    name,
                    "self",
                    owner.type_name,
                    because,
                    True,
                    True,
                    False,
                    is_ending=is_ending,
                )
                found[address] = sorted([*found[address], use], key=lambda u: u.level)
                break
            if outer.owner is not None:
                break


def _of_type(
    found: dict[int, list[Use]], level: int, owner: SlotOwner, objects: Objects
) -> int | None:
    for address, uses in found.items():
        info = objects.type_of(address) if any(u.level == level for u in uses) else None
        if info is not None and matches(objects, info.address, owner.type_name):
            return address
    return None


def collect(
    frames: Sequence[NativeFrame],
    variables: Sequence[Sequence[Variable]],
    owners: Sequence[SlotOwner | None],
    layout: Layout,
    interpreter_module: str | None = None,
) -> dict[int, list[Use]]:
    """Object pointers in the given frames, innermost first, by address."""
    found: dict[int, list[Use]] = {}
    inner_arguments: set[int] = set()
    is_innermost = True
    for frame, known, owner in zip(frames, variables, owners):
        arguments: set[int] = set()
        for position, variable in enumerate(known):
            if (
                variable.value is None
                or variable.is_address
                or not is_object_pointer(variable.type, layout)
            ):
                continue
            is_own = interpreter_module is None or frame.module == interpreter_module
            expected, because = expected_by_dwarf(variable.type, is_own), variable.type
            if owner and owner.takes_either_side:
                expected = None
            is_self = bool(owner and owner.first_is_self and variable.is_argument and position == 0)
            if is_self and owner and not owner.is_shared:
                expected, because = owner.type_name, f"{owner.slot} of {owner.type_name}"
            use = Use(
                frame.level,
                frame.function,
                variable.name,
                expected,
                because,
                variable.is_argument,
                is_self,
                variable.value in inner_arguments,
                is_innermost,
                (is_self and owner is not None and owner.slot in ENDING_SLOTS)
                or frame.function in ENDING_FUNCTIONS,
            )
            if len(found) < MAX_POINTERS:
                found.setdefault(variable.value, []).append(use)
            if variable.is_argument:
                arguments.add(variable.value)
        if frame.function is not None and not frame.is_inlined:
            is_innermost = False
        if not frame.is_inlined or arguments:
            inner_arguments = arguments if not frame.is_inlined else inner_arguments | arguments
    return found


def forget_reassigned(found: dict[int, list[Use]], objects: Objects) -> None:
    """A C function may assign to its first parameter: then what stands there is no longer the ``self`` that it was called with.

    Weak references' proxies go on with the object referred to, say.  Such a pointer comes from no caller, is a sound object of
    another type, and the fault lies further in.
    """
    for address, uses in found.items():
        last = uses[-1]
        if not last.is_self or last.expected is None or last.is_innermost or last.is_guess:
            continue
        info = objects.type_of(address)
        if (
            info is None
            or objects.why_not_object(address)
            or matches(objects, info.address, last.expected)
        ):
            continue
        uses[-1] = dataclasses.replace(
            last, expected=None, is_self=False, because="its parameter, assigned to since"
        )


def judge(found: dict[int, list[Use]], objects: Objects, heap: Heap) -> list[Suspect]:
    """Each address with its verdict, in the order of its innermost use."""
    return [_judge(address, uses, objects, heap) for address, uses in found.items()]


def _judge(address: int, uses: list[Use], objects: Objects, heap: Heap) -> Suspect:
    expected = next((u.expected for u in uses if u.expected), None)
    liveness = heap.judge(address, expected or ANY_OBJECT)
    if all(u.is_guess for u in uses) and liveness.confidence is Confidence.PROVEN:
        # The block's state is certain, that this is the pointer in use is not.
        liveness = dataclasses.replace(liveness, confidence=Confidence.LIKELY)
    suspect = Suspect(address, uses, liveness)
    info = objects.type_of(address)
    suspect.actual_type = canonical(info.name) if info else None
    if expected and info:
        suspect.type_matches = matches(objects, info.address, expected)
    if not suspect.is_gone and liveness.verdict is not Verdict.NULL:
        suspect.header_problems = objects.why_not_object(address)
        if not suspect.wrong_type and liveness.verdict is not Verdict.DYING:
            suspect.violations = own_violations(objects, address, expected)
    return suspect


def own_violations(objects: Objects, address: int, expected: str | None) -> list[Violation]:
    """What is broken about the object itself.

    A container that holds a pointer to something dead is in order; it is what it points to that is
    not: only fields of the C struct count here.  Header and type are judged apart.
    """
    found = objects.invariants(address, expected)
    return [
        v
        for v in found
        if v.severity == BROKEN and isinstance(v.slot, str) and v.slot not in ("header", "ob_type")
    ]


def matches(objects: Objects, type_address: int, expected: str) -> bool:
    """Whether a type is, or derives from, the type of that tp_name, or shares its struct."""
    info = objects.type_info(type_address)
    return info is not None and is_kind_of(objects, info, expected)


def root(suspects: Sequence[Suspect]) -> Suspect | None:
    """The bad pointer that the others derive from: the one that comes in from furthest outside.

    What a freed object's fields hold is garbage, and so are the pointers read from them: frames further in show those.
    """
    gone = {s.address for s in suspects if s.is_gone}
    bad = [
        s
        for s in suspects
        if s.is_bad and s.address and s.is_trusted_use and not _only_refers_to(s, gone)
    ]
    return max(bad, key=lambda s: (s.outermost_level, s.is_gone), default=None)


def _only_refers_to(suspect: Suspect, gone: Set[int]) -> bool:
    """Whether nothing is wrong with an object but that its fields point to what is gone: that one is the bad pointer."""
    if suspect.is_gone or suspect.is_corrupt or suspect.wrong_type:
        return False
    return all(violation.value in gone for violation in suspect.violations)


__all__ = [
    "Confidence",
    "SUBCLASSABLE_BY_FLAG",
    "Suspect",
    "Use",
    "collect",
    "judge",
    "matches",
    "root",
]
