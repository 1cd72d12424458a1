"""Reads what memory has where the crashed code's pointers lead."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator

from gdbext.cpython.allocator.evidence import AFTER_FREE
from gdbext.cpython.allocator.heap import Heap
from gdbext.cpython.allocator.kinds import kinds_of
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.decoded import BROKEN, Violation
from gdbext.cpython.objects.header import BELOW_ZERO, WRONG_COUNTS
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.traits.types import canonical
from gdbext.diagnosis.facts.fault import NULL_PAGE, Fault
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.pointers import (
    ANY_OBJECT,
    MEM_DOMAIN,
    BrokenField,
    Candidates,
    ObjectAt,
    Pointer,
    UnionArgs,
    Use,
    Uses,
)
from gdbext.diagnosis.facts.types import RESIZABLE, UNION
from gdbext.diagnosis.observe.frame_words import FunctionRanges, guess_arguments
from gdbext.model import Claim, Confidence, Evidence, Verdict, hexaddr, kind_of
from gdbext.target.protocol import Debugger, Memory, MemoryFault

OBJECT_WORDS = 16
HEADER_FIELDS = ("header", "ob_type")


def read_candidates(
    debugger: Debugger,
    objects: Objects,
    heap: Heap,
    functions: FunctionRanges,
    stack: CrashStack,
    fault: Fault,
) -> Candidates:
    """What memory has at every address that the frames' variables, or their words, hold."""
    guesses = tuple(guess_arguments(debugger, objects, heap, functions, stack))
    values = {
        v.value: None
        for f in stack.c_frames
        for v in f.variables
        if v.value is not None and v.is_object and not v.is_address
    }
    values.update({address: None for address, _ in guesses})
    return Candidates(
        objects={address: read_object(objects, address) for address in values},
        guesses=guesses,
        stack=_stack(debugger, stack),
        operand_is_object=_operand_is_object(heap, fault),
    )


def read_object(objects: Objects, address: int) -> ObjectAt:
    """What the object's header says."""
    info = objects.type_of(address)
    problems = tuple(objects.why_not_object(address))
    if info is None:
        return ObjectAt(address=address, problems=problems)
    kinds = kinds_of(objects, info)
    return ObjectAt(address=address, type=canonical(info.name), kinds=kinds, problems=problems)


def _stack(debugger: Debugger, stack: CrashStack) -> tuple[int, int] | None:
    pointer = stack.native_frames[0].sp if stack.native_frames else 0
    return next(((r.start, r.end) for r in debugger.regions() if r.start <= pointer < r.end), None)


def _operand_is_object(heap: Heap, fault: Fault) -> bool:
    if fault.operand is None or not fault.operand.base_value:
        return False
    block = heap.judge(fault.operand.base_value).block
    return block is not None and block.domain != MEM_DOMAIN


def read_pointers(
    found: Uses, candidates: Candidates, fault: Fault, objects: Objects, heap: Heap
) -> Iterator[Pointer]:
    """Each address with what memory has there, in the order of its innermost use."""
    for address, uses in found.items():
        known = candidates.objects.get(address) or read_object(objects, address)
        yield _pointer(known, uses, fault, objects, heap)


def _pointer(
    known: ObjectAt, uses: tuple[Use, ...], fault: Fault, objects: Objects, heap: Heap
) -> Pointer:
    address = known.address
    expected = next((u.expected for u in uses if u.expected), None)
    liveness = heap.judge(address, expected or ANY_OBJECT)
    for_use = liveness
    if all(u.is_guess for u in uses) and liveness.confidence is Confidence.PROVEN:
        # The block's state is certain, that this is the pointer in use is not.
        for_use = dataclasses.replace(liveness, confidence=Confidence.LIKELY)
    block = liveness.block
    pointer = Pointer(
        address=address,
        uses=uses,
        liveness=liveness,
        liveness_for_use=for_use,
        object=known,
        end=block.start + block.size if block else address + objects.layout.size("PyObject"),
        ob_type=_ob_type(objects, address),
    )
    if not pointer.is_gone and pointer.verdict is not Verdict.NULL:
        pointer = dataclasses.replace(pointer, header_problems=known.problems)
        if not pointer.wrong_type and pointer.verdict is not Verdict.DYING:
            broken = tuple(own_violations(objects, address, expected))
            pointer = dataclasses.replace(pointer, violations=broken)
    return dataclasses.replace(
        pointer,
        is_on_fault_path=pointer.is_bad
        and fault.is_fault
        and goes_through(objects.memory, objects.layout, fault, address),
        below_zero=_below_zero(pointer),
        counted_after_free=tuple(e for e in liveness.evidence if kind_of(e.claim) in AFTER_FREE),
        null_field=_null_field(objects, pointer, fault) if fault.is_through_null else None,
        union_args=_union_args(objects, heap, pointer),
        size=_size(objects, pointer),
    )


def _ob_type(objects: Objects, address: int) -> int | None:
    try:
        return objects.header(address).ob_type
    except MemoryFault:
        return None


def broken_field(violation: Violation, about: int | None = None) -> BrokenField:
    """A violation as a value of the diagnosis."""
    return BrokenField(violation.slot, violation.evidence(about))


def own_violations(objects: Objects, address: int, expected: str | None) -> Iterator[BrokenField]:
    """What is broken about the object itself.

    A container that holds a pointer to something dead is in order; it is what it points to that is
    not: only fields of the C struct count here.  Header and type are judged apart.
    """
    for violation in objects.invariants(address, expected):
        if (
            violation.severity == BROKEN
            and isinstance(violation.slot, str)
            and violation.slot not in HEADER_FIELDS
        ):
            yield broken_field(violation, address)


def _below_zero(pointer: Pointer) -> tuple[Evidence, ...]:
    problems = pointer.header_problems
    if not all(kind_of(e.claim) in WRONG_COUNTS for e in problems):
        return ()
    return tuple(e for e in problems if kind_of(e.claim) in BELOW_ZERO)


def _null_field(objects: Objects, pointer: Pointer, fault: Fault) -> BrokenField | None:
    if pointer.is_gone:
        return None
    if (read := _read_null(objects, pointer, fault)) is not None:
        return read
    for violation in objects.invariants(pointer.address):
        if violation.value == 0 and violation.slot not in (None, *HEADER_FIELDS):
            return broken_field(violation, pointer.address)
    return None


def _read_null(objects: Objects, pointer: Pointer, fault: Fault) -> BrokenField | None:
    """The object's field that the code at fault read the NULL from; that of an empty container's
    array is not a defect.
    """
    origin = fault.origin
    last = origin.loads[0] if origin.loads else None
    if last is None or last.value or last.base != pointer.address or origin.item is not None:
        return None
    if pointer.actual_type is None or pointer.header_problems:
        return None
    if pointer.actual_type in RESIZABLE and not (_size(objects, pointer) or (0, 0))[1]:
        return None
    slot = last.slot if last.slot is not None else f"the field at {hexaddr(last.offset)}"
    return BrokenField(slot, Evidence(Claim("null", slot=slot), last.place, last.now, last.base))


def _union_args(objects: Objects, heap: Heap, pointer: Pointer) -> UnionArgs | None:
    if UNION not in (pointer.expected, pointer.actual_type):
        return None
    broken = next((v for v in pointer.violations if v.slot == "args"), None)
    if broken is None:
        # Where the union's memory is another object by now, its args are read from that all the
        # same.
        broken = next(
            (
                broken_field(v, pointer.address)
                for v in objects.invariants(pointer.address, UNION)
                if v.slot == "args"
            ),
            None,
        )
    if broken is None:
        return None
    kind = objects.type_of(broken.value) if broken.value is not None else None
    return UnionArgs(
        broken=broken,
        type=kind.name if kind else None,
        was_taken_apart=_was_taken_apart(heap, broken.value),
    )


def _was_taken_apart(heap: Heap, args: int | None) -> bool:
    """Whether args are what a union's deallocation leaves: a tuple that died before it,
    or with it.
    """
    if not args:
        return True
    verdict = heap.judge(args, "tuple").verdict
    return verdict is not Verdict.REUSED and (verdict.is_dead or verdict is Verdict.DYING)


def _size(objects: Objects, pointer: Pointer) -> tuple[int, int] | None:
    if pointer.actual_type not in RESIZABLE:
        return None
    place = pointer.address + objects.layout.offset("PyVarObject", "ob_size")
    try:
        return place, int.from_bytes(objects.memory.read(place, 8), "little")
    except MemoryFault:
        return None


def goes_through(memory: Memory, layout: Layout, fault: Fault, address: int) -> bool:
    """Whether the faulting access can come of an object.

    It is in the object, or through a pointer that the object, or what the object points to, has.  A
    NULL may have come from anywhere, and so proves nothing, but for a NULL ``ob_type`` whose slot
    was read.
    """
    if any(load.base == address and load.is_fresh for load in fault.origin.loads):
        return True
    operand = fault.operand
    reached = {
        w
        for w in (fault.jumped_to, operand.base_value if operand else None)
        if w and w >= NULL_PAGE
    }
    if operand is not None:
        if address <= operand.address < address + 8 * OBJECT_WORDS:
            return True
        of_type = layout.size("PyVarObject") <= operand.displacement < layout.size("PyTypeObject")
        if of_type and operand.base_value == 0 and _has_no_type(memory, layout, address):
            return True
    words = _words(memory, address)
    return bool(reached) and (
        address in reached
        or not reached.isdisjoint(words)
        or any(not reached.isdisjoint(_words(memory, w)) for w in words)
    )


def _has_no_type(memory: Memory, layout: Layout, address: int) -> bool:
    try:
        return not any(memory.read(address + layout.offset("PyObject", "ob_type"), 8))
    except MemoryFault:
        return False


def _words(memory: Memory, address: int) -> set[int]:
    """The pointers at the beginning of an object."""
    try:
        found = struct.unpack(f"<{OBJECT_WORDS}Q", memory.read(address, 8 * OBJECT_WORDS))
    except MemoryFault:
        return set()
    return {w for w in found if w >= NULL_PAGE}


__all__ = ["goes_through", "own_violations", "read_candidates", "read_pointers"]
