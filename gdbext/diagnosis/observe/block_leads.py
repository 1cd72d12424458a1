"""Finds the object that leads into a block: whose array, node or buffer it is."""

from __future__ import annotations

import struct

from gdbext.cpython.traits.types import canonical
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.memory import Lead
from gdbext.diagnosis.observe.c_fields import field_at
from gdbext.session import Session
from gdbext.target.protocol import MemoryFault

MAX_STRUCT = 1024
WORD = 8


def lead_into(session: Session, stack: CrashStack, address: int) -> Lead | None:
    """The object that the crashed code has as an argument and that has a pointer into the block at
    an address in its own struct, the innermost function's first.
    """
    block = session.heap.judge_block(address).block
    start, size = (block.start, block.size) if block is not None else (address, 1)
    objects = session.objects
    header = session.layout.size("PyObject")
    for frame in stack.c_frames:
        if not stack.same_call(0, frame.level):
            break
        for variable in frame.variables:
            holder = variable.value if variable.is_argument and variable.is_object else None
            info = objects.type_of(holder) if holder else None
            if holder is None or info is None:
                continue
            end = min(info.basicsize or 0, MAX_STRUCT) & ~(WORD - 1)
            try:
                words = session.memory.read(holder + header, max(end - header, 0))
            except MemoryFault:
                continue
            for number, (word,) in enumerate(struct.iter_unpack("<Q", words)):
                if start <= word < start + size:
                    field = field_at(session, stack, holder, header + number * WORD)
                    kind = canonical(info.name) or info.name
                    return Lead(holder=holder, type=kind, field=field)
    return None
