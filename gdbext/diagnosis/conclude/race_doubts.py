"""Whether a race that fits can have done what the process died of.

That two threads work on one object at once does not say that the crash came of it.  What the code
faulted on says more: a number that stands in the code was read from no object, and a word that is
text is not what appending to a list leaves there.  Nor does it say what a method of an extension's
type does that another thread calls, unless that is seen to be in its code.  Such a race is still
said, as possible.

>>> from gdbext.diagnosis.facts.doubts import RaceDoubts
>>> claim = doubt_of(RaceDoubts(written_over=0x1000), 0x1000, other=None)
>>> claim.kind if claim else None
'written-over'
"""

from __future__ import annotations

from collections.abc import Set

from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.conclude import libc
from gdbext.diagnosis.conclude.author import authors_frame
from gdbext.diagnosis.conclude.code_owners import is_others, is_others_type
from gdbext.diagnosis.conclude.effects import keeps_items
from gdbext.diagnosis.conclude.reporters import reporter_module
from gdbext.diagnosis.facts.accesses import Access
from gdbext.diagnosis.facts.cause import Cause, Wrong
from gdbext.diagnosis.facts.doubts import RaceDoubts
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CrashStack, frame_of_signal
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.model import Claim, Verdict
from gdbext.target.values import text_in_word

OBJECT_HEADER = 32
"""Bytes of an object's header, in which its lock lies (Include/object.h)."""
MOST_MODULES = 3
USER_BITS = 47
"""Addresses of x86-64 programs have no more (Documentation/arch/x86/x86_64/mm.rst of Linux)."""


def doubts_of(facts: Facts, held: Set[int] = frozenset()) -> RaceDoubts:
    """What the crash itself says; ``held`` are the addresses of the crashed thread's locks."""
    author = authors_frame(facts.stack)
    return RaceDoubts(
        extension=author.function if author is not None else None,
        of_all=_of_all(facts.fault, facts.stack),
        of_bystanders=_of_bystanders(facts),
        written_over=_written_over(facts),
        still_holds=_still_holds(facts, held),
        is_item_lost=facts.cause.kind in (Wrong.GONE, Wrong.OTHER_OBJECT),
    )


def doubt_of(
    doubts: RaceDoubts, address: int, other: Access | None, mine: Access | None = None
) -> Claim | None:
    """Why the race on an object may not be it; None where nothing speaks against it.

    ``other`` is what the thread does that did not crash, or the one of two that changes the object;
    ``mine`` what the crashed thread does to it, where that is known.
    """
    if doubts.of_all is not None:
        return doubts.of_all
    if doubts.written_over == address:
        return Claim("written-over")
    if other is None:
        return None
    if other.effect is Effect.UNKNOWN and is_others_type(other.type) and not other.is_own:
        return Claim("unknown-effect", operation=other.operation, type=other.type)
    # An operation that takes the object's lock leaves the object whole.
    if not other.is_guarded:
        return None
    is_given = mine is not None and mine.effect is Effect.UNKNOWN and not mine.is_own
    if is_given and doubts.extension is not None and not doubts.is_item_lost:
        # Which may have been given the object for anything. A whole list may have lost an item.
        return Claim("leaves-whole", operation=other.operation, function=doubts.extension)
    if doubts.still_holds == address:
        return Claim("still-there", type=other.type)
    if doubts.is_item_lost and keeps_items(other.operation):
        return Claim("only-adds", operation=other.operation)
    return None


def is_no_pointer(word: int) -> bool:
    """Whether a word cannot be an address of a program: text, or too large.

    >>> is_no_pointer(0x4141414141414140), is_no_pointer(0x7F0012345678), is_no_pointer(0)
    (True, False, False)
    """
    return bool(word >> USER_BITS) or text_in_word(word) is not None


def _of_all(fault: Fault, stack: CrashStack) -> Claim | None:
    if fault.is_fault and not fault.is_trap:
        # A handler, faulthandler's say, sends the signal again after the fault.
        if fault.was_sent and not frame_of_signal(stack.native_frames):
            return Claim("signal-was-sent")
        operand = fault.operand
        is_fixed = operand is not None and operand.base is None and "(" not in operand.text
        return Claim("address-in-code") if is_fixed and fault.jumped_to is None else None
    author = authors_frame(stack)
    if author is None or not is_others(author.module, stack.interpreter_module):
        return None
    if fault.fatal_error and is_others(
        reporter_module(stack.native_frames), stack.interpreter_module
    ):
        return Claim("own-fatal-error", function=author.function or "??")
    if fault.assertion or fault.fatal_error or fault.library_message:
        return None
    return Claim("own-abort", function=author.function or "??")


def _of_bystanders(facts: Facts) -> Claim | None:
    """Who else may have damaged the heap than threads that the crashed one met nowhere."""
    fault, heap = facts.fault, facts.heap
    if libc.is_damage(fault) or libc.is_double_free(fault):
        return Claim("other-heap")
    if fault.is_fault and heap.call is not None and not heap.call.is_cpythons:
        return Claim("other-heap")
    if not heap.other_writers:
        return None
    named = heap.other_writers[:MOST_MODULES]
    return Claim("other-writers", modules=named, count=len(heap.other_writers) - len(named))


def _written_over(facts: Facts) -> int | None:
    """The object that has such a word now, where that is what the code went by."""
    cause = facts.cause
    pointer, origin = cause.pointer, cause.provenance
    if pointer is not None:
        if origin is not None and origin.current and is_no_pointer(pointer.address):
            return origin.holder
        if _is_broken_there(cause, pointer):
            return pointer.address
    through = facts.fault.through
    for load in facts.fault.origin.loads[:1]:
        is_there = load.now == load.value and load.is_certain
        if load.type is not None and is_there and load.value == through:
            return load.base if is_no_pointer(load.value) else None
    return None


def _is_broken_there(cause: Cause, pointer: Pointer) -> bool:
    return (
        cause.kind is Wrong.BROKEN_FIELD
        and pointer.verdict is Verdict.LIVE
        and any(b.value is not None and is_no_pointer(b.value) for b in pointer.violations)
    )


def _still_holds(facts: Facts, held: Set[int]) -> int | None:
    """A container's operations that take its lock leave no dead object behind in it; nobody sees
    the NULLs that they make room with who has the lock.
    """
    origin, item = facts.cause.provenance, facts.fault.origin.item
    if origin is not None and origin.current and origin.is_container and not origin.shrank:
        return origin.holder
    if item is not None and not item.is_behind and item.now == facts.fault.through:
        return item.holder if _is_held(held, item.holder) else None
    for pointer in facts.pointers:
        null = pointer.null_field
        if null is not None and not null.value and not pointer.is_gone:
            return pointer.address if _is_held(held, pointer.address) else None
    return None


def _is_held(held: Set[int], address: int) -> bool:
    return not held.isdisjoint(range(address, address + OBJECT_HEADER))
