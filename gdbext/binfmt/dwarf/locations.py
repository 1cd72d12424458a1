"""Variables, straight from the debug information: arguments of an inlined function that gdb has
lost (see ``inlines.py``), places.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence

from gdbext.binfmt.dwarf.callsites import compute
from gdbext.binfmt.dwarf.entries import (
    FIXED,
    IMPLICIT_CONST,
    LOW_PC,
    NAME,
    SDATA,
    DebugEntry,
    Dwarf,
    Malformed,
    leb,
)
from gdbext.target.expressions import tidy_type
from gdbext.target.protocol import Memory, MemoryFault, Variable

FORMAL_PARAMETER, VARIABLE = 0x05, 0x34
VARIABLES = (FORMAL_PARAMETER, VARIABLE)
LOCATION, CONST_VALUE, TYPE, BYTE_SIZE = 0x02, 0x1C, 0x49, 0x0B
ORIGIN = 0x31
SEC_OFFSET = 0x17
POINTER, TYPEDEF, CONST, VOLATILE = 0x0F, 0x16, 0x26, 0x35
NAMED = (0x24, 0x13, 0x17, 0x04)
"""Base types, structs, unions, enums."""
STACK_VALUE = 0x9F
MAX_TYPES = 16
LOST, NO_INTEGER = "optimized out", "not an integer"
FLOATS = ("float", "double", "long double")


def arguments(
    dwarf: Dwarf,
    function: DebugEntry,
    address: int,
    registers: Mapping[str, int],
    memory: Memory,
    bias: int = 0,
) -> list[Variable]:
    """The inlined function's arguments at an address (in the file's own terms), by the registers of
    its frame.

    ``bias`` is what is to be added to the file's addresses.
    """
    found = []
    try:
        for entry in dwarf.children(function):
            if entry.shape.tag != FORMAL_PARAMETER:
                continue
            origin = dwarf.referred(entry, ORIGIN) if ORIGIN in entry.attributes else entry
            kind, size = _type(dwarf, origin) if origin else ("?", 0)
            is_integer = 0 < size <= 8 and kind not in FLOATS
            value = (
                _value(dwarf, entry, address, size, registers, memory, bias) if is_integer else None
            )
            missing = None if value is not None else LOST if is_integer else NO_INTEGER
            found.append(
                Variable(
                    dwarf.text(entry, NAME) or "?",
                    tidy_type(kind),
                    value,
                    missing,
                    is_argument=True,
                )
            )
    except (Malformed, KeyError, IndexError, struct.error):
        pass
    return found


def place(dwarf: Dwarf, scopes: Sequence[DebugEntry], name: str, address: int) -> bytes | None:
    """The DWARF expression of where a variable of these scopes is at an address (in the file's own
    terms).

    None where the variable does not exist, or has no place there.
    """
    try:
        for scope in scopes:
            for entry in dwarf.children(scope):
                if entry.shape.tag in VARIABLES and dwarf.text(entry, NAME) == name:
                    return (
                        _expression(dwarf, entry, address) if LOCATION in entry.attributes else None
                    )
    except (Malformed, KeyError, IndexError, struct.error):
        pass
    return None


def is_value(expression: bytes | None) -> bool:
    """Whether a variable has no place any more, but a value that can be computed."""
    return expression is not None and expression[-1:] == bytes((STACK_VALUE,))


def register(expression: bytes | None) -> int | None:
    """The register that the variable is in (DW_OP_reg0 … reg31), by DWARF's number.

    >>> register(bytes((0x55,)))
    5
    """
    if expression is not None and len(expression) == 1 and 0x50 <= expression[0] < 0x70:
        return expression[0] - 0x50
    return None


def _value(
    dwarf: Dwarf,
    entry: DebugEntry,
    address: int,
    size: int,
    registers: Mapping[str, int],
    memory: Memory,
    bias: int,
) -> int | None:
    mask = (1 << 8 * size) - 1
    if CONST_VALUE in entry.attributes and entry.attributes[CONST_VALUE][0] in (
        *FIXED,
        SDATA,
        IMPLICIT_CONST,
    ):
        return dwarf.number(entry, CONST_VALUE) & mask
    expression = _expression(dwarf, entry, address) if LOCATION in entry.attributes else None
    if not expression:
        return None
    found = compute(expression, registers.get, None, lambda _register: None, memory, bias)
    is_value = expression[-1] == STACK_VALUE or 0x50 <= expression[0] < 0x70
    if found is None or is_value:
        return None if found is None else found & mask
    try:
        return int.from_bytes(memory.read(found, size), "little")
    except MemoryFault:
        return None


def _expression(dwarf: Dwarf, entry: DebugEntry, address: int) -> bytes | None:
    """What DW_AT_location says of that address."""
    if entry.attributes[LOCATION][0] != SEC_OFFSET:
        return dwarf.expression(entry, LOCATION)
    if dwarf.version(entry.unit) < 5:
        return None
    at = dwarf.file.names[".debug_loclists"].start + dwarf.number(entry, LOCATION)
    top = dwarf.top(entry.unit)
    base = dwarf.number(top, LOW_PC) if LOW_PC in top.attributes else 0
    return next(
        (
            expression
            for low, high, expression in _location_list(dwarf, at, base)
            if low <= address < high
        ),
        None,
    )


def _location_list(dwarf: Dwarf, at: int, base: int) -> Iterator[tuple[int, int, bytes]]:
    """(start, end, expression) of each entry (DWARF 5, section 7.7.3)."""
    while (kind := dwarf.data[at]) != 0x00:  # DW_LLE_end_of_list
        at += 1
        if kind == 0x06:  # base_address
            (base,) = struct.unpack_from("<Q", dwarf.data, at)
            at += 8
            continue
        if kind == 0x04:  # offset_pair
            low, at = leb(dwarf.data, at)
            high, at = leb(dwarf.data, at)
            low, high = base + low, base + high
        elif kind == 0x07:  # start_end
            low, high = struct.unpack_from("<QQ", dwarf.data, at)
            at += 16
        elif kind == 0x08:  # start_length
            (low,) = struct.unpack_from("<Q", dwarf.data, at)
            length, at = leb(dwarf.data, at + 8)
            high = low + length
        else:
            raise Malformed
        size, at = leb(dwarf.data, at)
        yield low, high, bytes(dwarf.data[at : at + size])
        at += size


def _type(dwarf: Dwarf, entry: DebugEntry | None) -> tuple[str, int]:
    """(the type of an entry as C has it, its size); size 0 where it is none that fits a
    register.
    """
    suffixes: list[str] = []
    size = 0
    for _ in range(MAX_TYPES):
        if entry is None or TYPE not in entry.attributes:
            return _declared("void", suffixes), size
        entry = dwarf.referred(entry, TYPE)
        if entry is None:
            raise Malformed
        if BYTE_SIZE in entry.attributes:
            size = size or dwarf.number(entry, BYTE_SIZE)
        if entry.shape.tag in NAMED or (entry.shape.tag == TYPEDEF and (size or not suffixes)):
            return _declared(dwarf.text(entry, NAME) or "?", suffixes), size or _size(dwarf, entry)
        suffixes.append(
            {POINTER: "*", CONST: "const", VOLATILE: "volatile"}.get(entry.shape.tag, "")
        )
    raise Malformed


def _size(dwarf: Dwarf, entry: DebugEntry | None) -> int:
    """Of what a typedef stands for."""
    for _ in range(MAX_TYPES):
        if entry is None or BYTE_SIZE in entry.attributes or TYPE not in entry.attributes:
            break
        entry = dwarf.referred(entry, TYPE)
    return (
        dwarf.number(entry, BYTE_SIZE) if entry is not None and BYTE_SIZE in entry.attributes else 0
    )


def _declared(name: str, suffixes: list[str]) -> str:
    """``PyObject *const *`` of the name and what stands around it, the outermost first."""
    text = name
    for suffix in reversed(suffixes):
        if suffix == "*":
            text += "*" if text.endswith("*") else " *"
        elif suffix:
            text = f"{text}{suffix}" if text.endswith("*") else f"{suffix} {text}"
    return text
