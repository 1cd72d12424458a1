"""Finds the freed memory that the code at fault works on and that is not an object: an object's
array, a node of its list, its buffer.
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.conclude.allocator_functions import is_in_allocator
from gdbext.diagnosis.facts.fault import NULL_PAGE, Fault
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.memory import FreedMemory
from gdbext.diagnosis.facts.pointers import MEM_DOMAIN
from gdbext.diagnosis.observe.block_leads import lead_into
from gdbext.model import Confidence, Verdict
from gdbext.session import Session


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
        return FreedMemory(
            place=place,
            start=start,
            size=size,
            evidence=tuple(state.evidence),
            level=level,
            lead=lead_into(session, stack, place),
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
