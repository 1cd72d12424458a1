"""The ``self`` of slot functions without debug information, from their frames' words.

Where the function is known to be a slot of a type, its ``self`` is among the objects that its registers
and its part of the stack point to, and often the only one of that type.  That is a guess, if a good
one: nothing that rests on it alone is ever called proven.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from gdbext.binfmt.arguments import recovered
from gdbext.cpython.allocator.kinds import is_kind_of
from gdbext.cpython.objects.objects import Objects
from gdbext.diagnosis.facts.frames import CFrame, CrashStack, SlotOwner
from gdbext.diagnosis.facts.pointers import Use
from gdbext.model import Claim
from gdbext.target.protocol import Debugger, Memory, MemoryFault, NativeFrame

CALLEE_SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
ARGUMENT = "rdi"
MAX_WORDS = 512
FunctionRanges: TypeAlias = "Callable[[NativeFrame, bool], range | None]"
"""The addresses of a frame's function; the flag: its pc is in that function (see ``stack.Functions``)."""


def guess_selves(
    debugger: Debugger, objects: Objects, functions: FunctionRanges, stack: CrashStack
) -> Iterator[tuple[int, Use]]:
    """(address, use) of the ``self`` of each slot function that has no variables."""
    memory = objects.memory
    stack_pointers = {f.level: f.sp for f in stack.native_frames}
    for frame in stack.c_frames:
        owner = frame.owner
        if owner is None or not owner.first_is_self or frame.variables or stack.lwp is None:
            continue
        registers = debugger.registers(stack.lwp, frame.level)
        caller_sp = stack_pointers.get(frame.level + 1)
        given = _given(memory, functions, stack, frame.frame, registers, caller_sp)
        guess = guess_self(memory, objects, frame, owner, caller_sp, registers, given)
        if guess is not None:
            yield guess


def guess_self(
    memory: Memory,
    objects: Objects,
    frame: CFrame,
    owner: SlotOwner,
    caller_sp: int | None,
    registers: Mapping[str, int],
    given: int | None = None,
) -> tuple[int, Use] | None:
    """The frame's ``self``: what the function was ``given``, as its instructions say, where they do.

    Else it is the only object of the owner's type in reach; one that was freed counts as long as its
    header still says its type.
    """
    if given:
        because = Claim("first-argument-kept", use=owner.claim)
        return given, _self_of(frame, owner, because)
    found = set()
    for word in _words(memory, frame.frame, caller_sp, registers):
        info = objects.type_of(word) if word and word % 8 == 0 else None
        if info is not None and is_kind_of(objects, info, owner.type_name):
            found.add(word)
    if len(found) != 1:
        return None
    because = Claim("only-such-object", use=owner.claim)
    return found.pop(), _self_of(frame, owner, because)


def _self_of(frame: CFrame, owner: SlotOwner, because: Claim) -> Use:
    return Use(
        level=frame.level,
        function=frame.function,
        name="self",
        expected=owner.type_name,
        because=because,
        is_argument=True,
        is_self=True,
        is_guess=True,
    )


def _given(
    memory: Memory,
    functions: FunctionRanges,
    stack: CrashStack,
    frame: NativeFrame,
    registers: Mapping[str, int],
    caller_sp: int | None,
) -> int | None:
    """The first argument of a frame's function, as its instructions say."""
    is_caller = not stack.is_exact(frame.level)
    function = functions(frame, not is_caller)
    if function is None:
        return None
    found = recovered(memory, function, frame.pc, registers, caller_sp, is_caller=is_caller)
    return found.get(0)


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
