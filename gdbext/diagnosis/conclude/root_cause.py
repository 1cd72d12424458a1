"""What kind of wrong the root pointer is: decided here, and nowhere else."""

from __future__ import annotations

from gdbext.cpython.fills import GUARD, UNINITIALISED
from gdbext.diagnosis.conclude.code_owners import is_others, is_standard
from gdbext.diagnosis.facts.cause import Cause, NotAnObject, Surroundings, Wrong
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.pointers import MEM_DOMAIN, Pointer
from gdbext.diagnosis.facts.provenance import FieldHolder, Holders, Provenance
from gdbext.model import Address, Claim, Confidence, Evidence, Verdict

READ_FROM = {
    GUARD: Claim("guard-bytes"),
    UNINITIALISED: Claim("unwritten-memory"),
}


def root_cause(
    pointer: Pointer | None,
    stack: CrashStack,
    provenance: Provenance | None = None,
    surroundings: Surroundings | None = None,
    holders: Holders | None = None,
    field_holder: FieldHolder | None = None,
) -> Cause:
    """The root pointer with what kind of wrong it is."""
    surroundings, holders = surroundings or Surroundings(), holders or Holders()
    instead = not_an_object(pointer, stack, provenance, surroundings) if pointer else None
    return Cause(
        kind=_kind(pointer, instead),
        pointer=pointer,
        provenance=provenance,
        holders=holders,
        not_an_object=instead,
        surroundings=surroundings,
        field_holder=field_holder,
    )


def _kind(pointer: Pointer | None, instead: NotAnObject | None) -> Wrong:
    """The first that applies, the most specific first."""
    if pointer is None:
        return Wrong.NOTHING
    if instead is not None:
        return Wrong.NOT_AN_OBJECT
    if pointer.actual_type is not None and (
        pointer.verdict is Verdict.REUSED or pointer.wrong_type
    ):
        return Wrong.OTHER_OBJECT
    if pointer.is_gone:
        return Wrong.GONE
    if pointer.is_corrupt:
        return Wrong.CORRUPT_HEADER
    return Wrong.BROKEN_FIELD if pointer.violations else Wrong.NOTHING


def not_an_object(
    pointer: Pointer,
    stack: CrashStack,
    provenance: Provenance | None,
    surroundings: Surroundings,
) -> NotAnObject | None:
    """What the pointer is, or leads to; None where an object may have been there.

    What such a pointer says is where it was read: past the end of an array, from memory that nobody
    had written, or from a field that something wrote over.  Nothing need have been freed.
    """
    if surroundings.fill in READ_FROM:
        # Others may write such bytes, too.
        return NotAnObject(READ_FROM[surroundings.fill], Confidence.LIKELY)
    was_object = provenance is not None and provenance.gave_it_away
    what = _word(surroundings) or (None if was_object else _memory(pointer, surroundings))
    if what:
        return NotAnObject(what, Confidence.LIKELY)
    return None if was_object else _argument(pointer, stack, surroundings)


def _word(surroundings: Surroundings) -> Claim | None:
    """What a word is that is not an address."""
    if surroundings.thread is not None:
        return Claim("other-blocks-ob-tid", lwp=surroundings.thread)
    return Claim("pointer-is-text") if surroundings.is_text else None


def _memory(pointer: Pointer, surroundings: Surroundings) -> Claim | None:
    """What memory in use it leads to that has no room for an object at that place."""
    block = pointer.liveness.block
    if pointer.verdict not in (Verdict.REUSED, Verdict.INTERIOR) or block is None:
        return None
    if block.domain == MEM_DOMAIN:
        # A page is for one kind of memory; it changes only when all of its blocks were free.
        return Claim("pymem-block", size=block.size)
    if surroundings.characters_of is None:
        return None
    kind, address = surroundings.characters_of
    return Claim("characters-of", type=kind, address=Address(address))


def _argument(
    pointer: Pointer, stack: CrashStack, surroundings: Surroundings
) -> NotAnObject | None:
    """An object of another type where only an extension says what it should be: by its C types, by
    whom it calls with it, by what it has put into a type's slots.

    C casts whatever it is given.
    """
    if pointer.header_problems or not pointer.wrong_type:
        return None
    if surroundings.own_slot is not None:
        claim = Claim("own-type-has-function", slot=surroundings.own_slot)
        what = Claim("a-type", type=pointer.actual_type or "?")
        return NotAnObject(what, Confidence.LIKELY, Evidence(claim, None, pointer.address))
    if not _is_extensions_word(pointer, stack):
        return None
    because = Claim(
        "passed-or-reused",
        function=pointer.innermost.function,
        expected=pointer.expected or "object",
    )
    return NotAnObject(
        Claim("a-type", type=pointer.actual_type or "?"),
        Confidence.LIKELY,
        Evidence(because, None, pointer.address),
    )


def _is_extensions_word(pointer: Pointer, stack: CrashStack) -> bool:
    """Whether the type that is expected rests on code that is neither of Python nor of the system:
    its own functions take the pointer for that, or one of them called the function that does.
    """
    typed = [use for use in pointer.uses if use.expected]
    if any(use.is_self for use in typed):
        return False
    modules = {stack.module_at(use.level) for use in typed}
    is_pythons = any(m == stack.interpreter_module or is_standard(m) for m in modules)
    return not is_pythons or is_given_by_extension(pointer, stack)


def is_given_by_extension(pointer: Pointer, stack: CrashStack) -> bool:
    """Whether an extension's code called the outermost function that takes the pointer for a type:
    it may have passed it something else, where the interpreter goes by the object's own type.
    """
    typed = (use.level for use in pointer.uses if use.expected and use.is_argument)
    outermost = max(typed, default=None)
    if outermost is None:
        return False
    outward = (f for f in stack.native_frames if f.level > outermost and not f.is_inlined)
    caller = next(outward, None)
    return caller is not None and is_others(caller.module, stack.interpreter_module)


def needs_holders(pointer: Pointer, provenance: Provenance | None) -> bool:
    """Whether the heap has to be searched for who still has the pointer."""
    return pointer.is_gone and not (provenance is not None and provenance.is_item)


def needs_field_holder(pointer: Pointer, provenance: Provenance | None) -> bool:
    """Whether the pointer may have been a field of a live object that has another one now."""
    return (
        provenance is not None
        and not provenance.is_container
        and not provenance.current
        and provenance.adjacent
        and (pointer.is_gone or pointer.wrong_type)
    )
