"""Finds the freed memory that the code at fault works on where no object is: an object's array, a
node of its list, its buffer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gdbext.cpython.traits.types import canonical
from gdbext.diagnosis.conclude.allocator_functions import is_in_allocator
from gdbext.diagnosis.facts.fault import NULL_PAGE, Fault
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.memory import FreedMemory
from gdbext.diagnosis.facts.pointers import MEM_DOMAIN
from gdbext.diagnosis.observe.c_fields import field_at
from gdbext.model import Confidence, Verdict
from gdbext.session import Session
from gdbext.target.protocol import MemoryFault

MAX_STRUCT = 1024
WORD = 8


def find_freed_memory(session: Session, stack: CrashStack, fault: Fault) -> FreedMemory | None:
    """The block of ``PyMem_Malloc()`` that the fault is in, or that the code read the bad pointer
    from, where it is free; None in the allocator, which works on such blocks.

    What the code may have read before it called something is left out: that may have freed it by
    right.
    """
    if not fault.is_fault or fault.jumped_to is not None or is_in_allocator(stack):
        return None
    for place, level in _places(fault):
        state = session.heap.judge_block(place)
        block = state.block
        is_free = state.verdict is Verdict.FREED and state.confidence is Confidence.PROVEN
        if not is_free or (block is not None and block.domain != MEM_DOMAIN):
            continue
        # A page of which all blocks are free has none any more.
        start, size = (block.start, block.size) if block is not None else (place, None)
        holder, slot, kind = _holder(session, stack, start, start + (size or 1))
        return FreedMemory(
            place=place,
            start=start,
            size=size,
            evidence=tuple(state.evidence),
            level=level,
            holder=holder,
            type=kind,
            slot=slot,
        )
    return None


def _places(fault: Fault) -> Iterator[tuple[int, int | None]]:
    """The address that the instruction accessed, then those that the pointer was read from, the
    last one first, each with the level of the caller that did.
    """
    if fault.operand is not None and fault.operand.address >= NULL_PAGE:
        yield fault.operand.address, None
    for load in fault.origin.loads:
        if load.is_certain and load.is_fresh and not load.is_local and not load.is_object:
            yield load.place, load.level


def _holder(
    session: Session, stack: CrashStack, start: int, end: int
) -> tuple[int | None, str | None, str | None]:
    """The object that the code at fault has as an argument and that leads into the block, with the
    field that does and the object's type.
    """
    objects = session.objects
    header = session.layout.size("PyObject")
    for frame in stack.c_frames:
        if not stack.same_call(0, frame.level):
            break
        for variable in frame.variables:
            address = variable.value if variable.is_argument and variable.is_object else None
            info = objects.type_of(address) if address else None
            if address is None or info is None:
                continue
            size = min(info.basicsize or 0, MAX_STRUCT) & ~(WORD - 1)
            try:
                words = session.memory.read(address + header, max(size - header, 0))
            except MemoryFault:
                continue
            for number, (word,) in enumerate(struct.iter_unpack("<Q", words)):
                if start <= word < end:
                    slot = field_at(session, stack, address, header + number * WORD)
                    return address, slot, canonical(info.name) or info.name
    return None, None, None
