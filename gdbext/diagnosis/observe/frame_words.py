"""The arguments of functions without debug information, from their code and their frames' words.

A function's own instructions say where it keeps its arguments (``binfmt.arguments``).  Where they
do not, and the function is known to be a slot of a type, its ``self`` is among the objects that its
registers and its part of the stack point to, and often the only one of that type.  All that is a
guess, if a good one: nothing that rests on it alone is ever called proven.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from gdbext.binfmt.recovered_arguments import recovered
from gdbext.cpython.allocator.heap import Heap
from gdbext.cpython.allocator.kinds import is_kind_of
from gdbext.cpython.objects.objects import Objects
from gdbext.diagnosis.facts.frames import CFrame, CrashStack, SlotOwner
from gdbext.diagnosis.facts.pointers import MEM_DOMAIN, Use
from gdbext.model import Claim
from gdbext.target.protocol import Debugger, Memory, MemoryFault, NativeFrame

CALLEE_SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
ARGUMENT = "rdi"
MAX_WORDS = 512
# Include/object.h, Include/abstract.h: their first argument is an object, whatever is there now.
TAKES_OBJECT = re.compile(r"_?PyObject_(?!Malloc|Calloc|Realloc|Free|GC_|Init|New|Vectorcall|Call)")
FunctionRanges: TypeAlias = "Callable[[NativeFrame, bool], range | None]"
"""The addresses of a frame's function; the flag: its pc is in that function (see
``stack.Functions``).
"""


def guess_arguments(
    debugger: Debugger,
    objects: Objects,
    heap: Heap,
    functions: FunctionRanges,
    stack: CrashStack,
) -> Iterator[tuple[int, Use]]:
    """(address, use) of the arguments of functions that have no variables.

    They are the ``self`` of each slot function, and the objects that the interpreter's function at
    fault was given, in the frames of all that passed them on.
    """
    memory = objects.memory
    stack_pointers = {f.level: f.sp for f in stack.native_frames}
    passed: set[int] = set()
    for frame in stack.c_frames:
        if frame.frame.is_inlined or frame.variables or stack.lwp is None:
            passed.clear()
            continue
        is_innermost = frame is stack.faulting and stack.is_in_interpreter
        has_self = frame.owner is not None and frame.owner.first_is_self
        if not (has_self or is_innermost or passed):
            continue
        registers = debugger.registers(stack.lwp, frame.level)
        caller_sp = stack_pointers.get(frame.level + 1)
        given = _given(memory, functions, stack, frame.frame, registers, caller_sp)
        if frame.owner is not None and has_self:
            guess = guess_self(
                memory, objects, frame, frame.owner, caller_sp, registers, given.get(0)
            )
            if guess is not None:
                yield guess
        mine = {
            address: position
            for position, address in given.items()
            if not (has_self and position == 0)
            and (
                address in passed
                or (is_innermost and _is_object(objects, heap, address))
                or (is_innermost and position == 0 and TAKES_OBJECT.match(frame.function))
            )
        }
        for address, position in mine.items():
            yield address, _argument_of(frame, position, address in passed, is_innermost)
        passed = set(mine)


def _is_object(objects: Objects, heap: Heap, address: int) -> bool:
    """Whether an object is there, or was: a static one, or a block of those that objects are made
    in.
    """
    if not address or address % 8:
        return False
    block = heap.judge(address).block
    if block is not None:
        return block.domain != MEM_DOMAIN
    return objects.type_of(address) is not None


def _argument_of(frame: CFrame, position: int, passed_on: bool, is_innermost: bool) -> Use:
    return Use(
        level=frame.level,
        function=frame.function,
        name=f"argument {position + 1}",
        expected=None,
        because=Claim("kept-by-code"),
        is_argument=True,
        passed_on=passed_on,
        is_innermost=is_innermost,
        is_guess=True,
    )


def guess_self(
    memory: Memory,
    objects: Objects,
    frame: CFrame,
    owner: SlotOwner,
    caller_sp: int | None,
    registers: Mapping[str, int],
    given: int | None = None,
) -> tuple[int, Use] | None:
    """The frame's ``self``: what the function was ``given``, as its instructions say, where they
    do.

    Else it is the only object of the owner's type in reach; one that was freed counts as long as
    its header still says its type.
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
) -> dict[int, int]:
    """The arguments of a frame's function by position, as far as its instructions say them."""
    is_caller = not stack.is_exact(frame.level)
    function = functions(frame, not is_caller)
    if function is None:
        return {}
    return recovered(memory, function, frame.pc, registers, caller_sp, is_caller=is_caller)


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
