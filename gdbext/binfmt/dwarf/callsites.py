"""What a function was called with, from DWARF's call sites (DWARF 5, section 3.4.1; gcc's own kind
in DWARF 4).

When an argument's register was used for something else, its value at the call may still be known:
the compiler describes, for the calling instruction, by which of the caller's lasting registers each
argument could be computed again. gdb uses this for its ``name@entry``; LLDB looks only at functions
that describe every call: the interpreter's loop does not.

Finding a call site takes no walk through the debug information: the return address stands in it as
it is.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gdbext.binfmt.dwarf.entries import (
    ADDRESS,
    NAME,
    PRODUCER,
    DebugEntry,
    Dwarf,
    Malformed,
    leb,
    signed_leb,
)
from gdbext.binfmt.symtab import places
from gdbext.target.protocol import Memory, MemoryFault
from gdbext.target.registers import GENERAL

WORD = (1 << 64) - 1
# Tags and attributes, each in DWARF 5 and as GNU's extension of DWARF 4.
CALL_SITES = (0x48, 0x4109)
PARAMETERS = (0x49, 0x410A)
RETURN_PC = (0x7D, 0x11)
ORIGINS = (0x7F, 0x31)
CALL_VALUES = (0x7E, 0x2111)
TARGETS = (0x83, 0x2113)
LOCATION = 0x02


class CallSite(NamedTuple):
    """``callee`` is the called function's name, None for a call through a pointer; expressions by
    DWARF's register numbers.

    ``target`` is the expression of that pointer, where the compiler can tell it.
    """

    callee: str | None
    target: bytes | None
    values: dict[int, bytes]
    base_is_cfa: bool
    """Whether DW_OP_fbreg counts from the caller's canonical frame address: with gcc always, with
    others by function.
    """


def find(dwarf: Dwarf, return_address: int) -> CallSite | None:
    """The call that returns to that address (in the file's own terms)."""
    try:
        # The call is the last instruction before it, and may be the last of its unit.
        unit = dwarf.unit_at(return_address - 1)
        if unit is None:
            return None
        for place in places(dwarf.data, struct.pack("<Q", return_address), *unit):
            if entry := _entry_with(dwarf, unit[0], place):
                return _describe(dwarf, entry)
    except (Malformed, KeyError, IndexError, struct.error):
        pass
    return None


def _entry_with(dwarf: Dwarf, unit: int, place: int) -> DebugEntry | None:
    """The call site whose first attribute is the address at ``place``: its code stands before that,
    in one or two bytes.
    """
    for start in (place - 1, place - 2):
        code, after = leb(dwarf.data, start)
        shape = dwarf.shapes(unit).find(code)
        if (
            after == place
            and shape is not None
            and shape.tag in CALL_SITES
            and shape.attributes[0] in [(a, ADDRESS) for a in RETURN_PC]
        ):
            return dwarf.entry(start, unit)
    return None


def _describe(dwarf: Dwarf, site: DebugEntry) -> CallSite:
    origin = next((a for a in ORIGINS if a in site.attributes), None)
    called = dwarf.referred(site, origin) if origin else None
    target = next((a for a in TARGETS if a in site.attributes), None)
    producer = dwarf.text(dwarf.top(site.unit), PRODUCER) or ""
    return CallSite(
        dwarf.text(called, NAME) if called else None,
        dwarf.expression(site, target) if target else None,
        dict(_parameters(dwarf, site)),
        producer.startswith("GNU"),
    )


def _parameters(dwarf: Dwarf, site: DebugEntry) -> Iterator[tuple[int, bytes]]:
    """(register, expression) of each argument that is passed in a register and can be computed."""
    for child in dwarf.children(site):
        value = next((a for a in CALL_VALUES if a in child.attributes), None)
        if child.shape.tag in PARAMETERS and LOCATION in child.attributes and value:
            place = dwarf.expression(child, LOCATION)
            if len(place) == 1 and 0x50 <= place[0] < 0x70:  # DW_OP_reg0 … reg31
                yield place[0] - 0x50, dwarf.expression(child, value)


CONSTANTS = {
    0x08: "<B",
    0x09: "<b",
    0x0A: "<H",
    0x0B: "<h",
    0x0C: "<I",
    0x0D: "<i",
    0x0E: "<Q",
    0x0F: "<q",
}
"""DW_OP_const1u … const8s."""
BINARY: dict[int, Callable[[int, int], int]] = {
    0x1A: lambda a, b: a & b,
    0x1C: lambda a, b: a - b,
    0x1E: lambda a, b: a * b,
    0x21: lambda a, b: a | b,
    0x22: lambda a, b: a + b,
    0x24: lambda a, b: a << min(b, 64),
    0x25: lambda a, b: a >> min(b, 64),
    0x27: lambda a, b: a ^ b,
}


def _constant(op: int, expression: bytes, at: int, bias: int) -> tuple[int, int]:
    """(what an operation pushes that is in the expression itself, where the next one begins)."""
    if op == 0x10:  # DW_OP_constu
        return leb(expression, at)
    if op == 0x11:  # DW_OP_consts
        return signed_leb(expression, at)
    if op == 0x03:  # DW_OP_addr
        return struct.unpack_from("<Q", expression, at)[0] + bias, at + 8
    if op in CONSTANTS:
        (value,) = struct.unpack_from(CONSTANTS[op], expression, at)
        return value, at + struct.calcsize(CONSTANTS[op])
    return op - 0x30, at  # DW_OP_lit0 … lit31


def compute(
    expression: bytes,
    register: Callable[[str], int | None],
    frame_base: int | None,
    on_entry: Callable[[int], int | None],
    memory: Memory,
    bias: int = 0,
) -> int | None:
    """The value of a DWARF expression; None when it needs what is not known, or an operation that
    call sites do not use.

    ``bias`` is to be added to addresses in the file's own terms; ``register`` gives one of the
    frame's registers, ``on_entry`` what a register (by DWARF's number) held when the frame's
    function was called.
    """
    stack: list[int] = []
    at = 0
    try:
        while at < len(expression):
            op = expression[at]
            at += 1
            value: int | None
            if 0x30 <= op < 0x50 or op in CONSTANTS or op in (0x03, 0x10, 0x11):
                value, at = _constant(op, expression, at, bias)
            elif 0x50 <= op < 0x70:  # DW_OP_reg0 … reg31: what is in it is the value
                value = register(GENERAL[op - 0x50])
            elif 0x70 <= op < 0x90:  # DW_OP_breg0 … breg31
                offset, at = signed_leb(expression, at)
                base = register(GENERAL[op - 0x70])
                value = base + offset if base is not None else None
            elif op == 0x91:  # DW_OP_fbreg
                offset, at = signed_leb(expression, at)
                value = frame_base + offset if frame_base is not None else None
            elif op == 0x94:  # DW_OP_deref_size
                value = int.from_bytes(memory.read(stack.pop(), expression[at]), "little")
                at += 1
            elif op == 0x23:  # DW_OP_plus_uconst
                offset, at = leb(expression, at)
                value = stack.pop() + offset
            elif op == 0x06:  # DW_OP_deref
                value = int.from_bytes(memory.read(stack.pop(), 8), "little")
            elif op in BINARY:
                second = stack.pop()
                value = BINARY[op](stack.pop(), second)
            elif op in (0xA3, 0xF3):  # DW_OP_entry_value and its GNU ancestor
                length, at = leb(expression, at)
                inner = expression[at : at + length]
                at += length
                value = (
                    on_entry(inner[0] - 0x50) if length == 1 and 0x50 <= inner[0] < 0x70 else None
                )
            elif op == 0x9F:  # DW_OP_stack_value
                continue
            else:
                return None
            if value is None:
                return None
            stack.append(value & WORD)
    except (IndexError, struct.error, MemoryFault, Malformed):
        return None
    return stack[-1] if stack else None
