"""Finds the freed block of malloc() that the code at fault had a pointer from.

glibc keeps freed blocks in lists, and writes the link over a block's first word: the next block's
address, xor the place's own shifted by 12 bits (malloc/malloc.c, PROTECT_PTR, since 2.32).  Of the
last block in its list that is the place shifted, which nothing else has there.
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.diagnosis.facts.fault import NULL_PAGE, Fault
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.memory import AllocatorCall, FreedChunk
from gdbext.target.cplusplus import is_library_code
from gdbext.target.protocol import Debugger, MemoryFault

WORD = 8
ALIGNED = 16
"""Bytes that blocks of malloc() are aligned to."""
NEAR = 1 << 27
"""Blocks of one list lie in one arena: that of a thread is at most 64 MiB."""
MAX_FRAMES = 16
SHIFT = 12


def find_freed_chunk(
    debugger: Debugger, stack: CrashStack, fault: Fault, call: AllocatorCall | None
) -> FreedChunk | None:
    """The block whose first word is the pointer that the code faulted through, or gave back."""
    operand = fault.operand
    pointers = {
        pointer
        for pointer in (call.pointer if call else None, operand.base_value if operand else None)
        if pointer is not None and pointer >= NULL_PAGE
    }
    for place, level, function in _places(stack, fault) if pointers else ():
        try:
            word = int.from_bytes(debugger.read(place, WORD), "little")
        except MemoryFault:
            continue
        if word in pointers and _is_link(debugger, place, word):
            return FreedChunk(address=place, word=word, level=level, function=function)
    return None


def _places(stack: CrashStack, fault: Fault) -> Iterator[tuple[int, int, str]]:
    """Where the pointer may have been read from: as the code says, else by any variable."""
    frame = stack.faulting
    for load in fault.origin.loads[:1] if frame is not None else ():
        if frame is not None and not load.place % ALIGNED:
            reader = frame if load.level is None else stack.frame_at(load.level) or frame
            yield load.place, reader.level, reader.function
    inner = [f for f in stack.c_frames[:MAX_FRAMES] if stack.same_call(0, f.level)]
    # The author's own function tells more than what the C++ library does for it.
    for each in sorted(inner, key=lambda f: is_library_code(f.function, f.frame.file)):
        for variable in each.variables:
            is_block = variable.value and not variable.value % ALIGNED and "*" in variable.type
            if is_block and not variable.is_object and variable.value is not None:
                yield variable.value, each.level, each.function


def _is_link(debugger: Debugger, place: int, word: int) -> bool:
    following = word ^ (place >> SHIFT)
    if not following:
        return True
    if following % ALIGNED or abs(following - place) > NEAR:
        return False
    try:
        debugger.read(following, WORD)
    except MemoryFault:
        return False
    return True
