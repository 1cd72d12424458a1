"""Reads the C++ exception that nobody caught: its type, and what it says.

``throw`` gives ``__cxa_throw`` the exception and its ``type_info`` (Itanium C++ ABI, 2.4); where
nobody catches it, the frame that threw is still on the stack, and its instructions say what it
gave.
"""

from __future__ import annotations

import itertools

from gdbext.binfmt.dataflow import call_arguments
from gdbext.cpython.objects.strings import read_cstring
from gdbext.diagnosis.facts.fault import CppException
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.observe.stack import Functions
from gdbext.session import Session
from gdbext.target.cplusplus import short_function
from gdbext.target.protocol import Memory, MemoryFault

WORD = 8
THROW = "__cxa_throw"
MAX_INNER = 32
MAX_BASES = 16
MAX_NAME, MAX_TEXT = 400, 1000
WITH_TEXT = frozenset(("St13runtime_error", "St11logic_error"))
"""Their text is their first member, a pointer to characters (libstdc++'s <stdexcept>)."""
TYPE_NAME = "_Z"


def read_exception(
    session: Session, functions: Functions, stack: CrashStack
) -> CppException | None:
    """The exception that was thrown on the crashed thread's stack; None where none was."""
    frames = [f for f in stack.from_fault[:MAX_INNER] if not f.is_inlined]
    caller = next((outer for f, outer in itertools.pairwise(frames) if f.function == THROW), None)
    if caller is None or stack.lwp is None:
        return None
    function = functions.addresses(caller, False)
    if function is None:
        return CppException()
    registers = session.debugger.registers(stack.lwp, caller.level)
    given = call_arguments(session.memory, function, caller.pc, registers)
    try:
        return _exception(session.memory, given.get(0), given.get(1))
    except MemoryFault:
        return CppException()


def _exception(memory: Memory, thrown: int | None, info: int | None) -> CppException:
    if not info:
        return CppException()
    name = _name(memory, info)
    if name is None:
        return CppException()
    kind = short_function(TYPE_NAME + name)
    text = None
    for _ in range(MAX_BASES):
        if name in WITH_TEXT and thrown:
            text = read_cstring(memory, _word(memory, thrown + WORD), MAX_TEXT)
            break
        # A class with one base has that behind its name, a class with several has flags there.
        info = _word(memory, info + 2 * WORD)
        name = _name(memory, info) if info > MAX_NAME else None
        if name is None:
            break
    return CppException(type=kind, text=text)


def _name(memory: Memory, info: int) -> str | None:
    """The mangled name in a ``type_info``: it has a vtable and the name."""
    try:
        name = read_cstring(memory, _word(memory, info + WORD), MAX_NAME)
    except MemoryFault:
        return None
    return name.removeprefix("*") if name and name.isascii() and name.isprintable() else None


def _word(memory: Memory, address: int) -> int:
    return int.from_bytes(memory.read(address, WORD), "little")
