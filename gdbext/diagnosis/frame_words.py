"""What a frame without debug information works on: the objects that its registers and its part of the stack point to.

Where the function is known to be a slot of a type, its ``self`` is among them, and often the only one of that type.  That
is a guess, if a good one: nothing that rests on it alone is ever called proven.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from gdbext.cpython.objects.objects import Objects
from gdbext.diagnosis.expectations import SlotOwner
from gdbext.diagnosis.suspects import Use, matches
from gdbext.target.protocol import Memory, MemoryFault, NativeFrame

CALLEE_SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
ARGUMENT = "rdi"
MAX_WORDS = 512


def guess_self(
    memory: Memory,
    objects: Objects,
    frame: NativeFrame,
    name: str,
    caller_sp: int | None,
    registers: Mapping[str, int],
    owner: SlotOwner,
    given: int | None = None,
) -> tuple[int, Use] | None:
    """(address, use) of the frame's ``self``: what the function was ``given``, as its instructions say, where they do.

    Else it is the only object of the owner's type in reach; one that was freed counts as long as its header still says
    its type.
    """
    if given:
        because = (
            f"{owner.slot} of {owner.type_name}; the function's code keeps its first argument there"
        )
        return given, Use(
            frame.level,
            name,
            "self",
            owner.type_name,
            because,
            True,
            True,
            False,
            False,
            is_guess=True,
        )
    found = set()
    for word in _words(memory, frame, caller_sp, registers):
        info = objects.type_of(word) if word and word % 8 == 0 else None
        if info is not None and matches(objects, info.address, owner.type_name):
            found.add(word)
    if len(found) != 1:
        return None
    because = f"{owner.slot} of {owner.type_name}; the only such object in the frame's registers and stack"
    return found.pop(), Use(
        frame.level, name, "self", owner.type_name, because, True, True, False, False, is_guess=True
    )


def _words(
    memory: Memory, frame: NativeFrame, caller_sp: int | None, registers: Mapping[str, int]
) -> Iterator[int]:
    names = CALLEE_SAVED if frame.level else (*CALLEE_SAVED, ARGUMENT)
    yield from (registers[name] for name in names if name in registers)
    if caller_sp is None or caller_sp <= frame.sp:
        return
    count = min((caller_sp - frame.sp) // 8, MAX_WORDS)
    try:
        yield from struct.unpack(f"<{count}Q", memory.read(frame.sp, 8 * count))
    except MemoryFault:
        return
