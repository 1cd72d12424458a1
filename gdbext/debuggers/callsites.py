"""What a function was called with, from DWARF's call sites (DWARF 5, section 3.4.1; gcc's own kind in DWARF 4).

When an argument's register was used for something else, its value at the call may still be known: the compiler describes,
for the calling instruction, by which of the caller's lasting registers each argument could be computed again.
gdb uses this for its ``name@entry``; LLDB looks only at functions that describe every call: the interpreter's loop does not.

Finding a call site takes no walk through the debug information: the return address stands in it as it is.
"""

from __future__ import annotations

import bisect
import functools
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gdbext.debuggers.base import Memory, MemoryFault
from gdbext.debuggers.sections import ElfFile
from gdbext.debuggers.symtab import places

WORD = (1 << 64) - 1
# Tags and attributes, each in DWARF 5 and as GNU's extension of DWARF 4.
CALL_SITES = (0x48, 0x4109)
PARAMETERS = (0x49, 0x410A)
RETURN_PC = (0x7D, 0x11)
ORIGINS = (0x7F, 0x31)
LOCATION = 0x02
CALL_VALUES = (0x7E, 0x2111)
NAME, PRODUCER = 0x03, 0x25
NAME_ELSEWHERE = (0x31, 0x47)
"""DW_AT_abstract_origin and DW_AT_specification: the DIE that has the name."""
FIXED = {
    0x01: 8,
    0x05: 2,
    0x06: 4,
    0x07: 8,
    0x0B: 1,
    0x0C: 1,
    0x0E: 4,
    0x10: 4,
    0x11: 1,
    0x12: 2,
    0x13: 4,
    0x14: 8,
    0x17: 4,
    0x1F: 4,
    0x20: 8,
}
"""Sizes of forms (32-bit DWARF): addresses, data, references, offsets into string sections."""
NOTHING = (0x19, 0x21)
"""DW_FORM_flag_present and implicit_const take no room."""
ADDRESS, STRING, REF4, EXPRLOC = 0x01, 0x08, 0x13, 0x18
STRING_SECTIONS = {0x0E: ".debug_str", 0x1F: ".debug_line_str"}
"""DW_FORM_strp and line_strp."""
LEBS = (0x0D, 0x0F, 0x15, 0x1A, 0x1B, 0x22, 0x23)
BLOCKS = {0x0A: 1, 0x03: 2, 0x04: 4}
MAX_PARAMETERS = 32
MAX_STEPS = 64


class CallSite(NamedTuple):
    """``callee`` is the called function's name, None for a call through a pointer; expressions by DWARF's register numbers."""

    callee: str | None
    values: dict[int, bytes]
    base_is_cfa: bool
    """Whether DW_OP_fbreg counts from the caller's canonical frame address: with gcc always, with others by function."""


class _Abbreviation(NamedTuple):
    tag: int
    has_children: bool
    attributes: tuple[tuple[int, int], ...]


class _Malformed(Exception):
    """Bytes that are no DIE, or one in a form that is not known here."""


class CallSites:
    """The call sites of one ELF file."""

    def __init__(self, file: ElfFile) -> None:
        self._file = file
        self._data = file.data
        self._info = file.names.get(".debug_info")
        self._abbreviations: dict[int, dict[int, _Abbreviation]] = {}

    def find(self, return_address: int) -> CallSite | None:
        """The call that returns to that address (in the file's own terms)."""
        # The call is the last instruction before it, and may be the last of its unit.
        index = bisect.bisect_left(self._ranges, (return_address, 0, 0)) - 1
        if self._info is None or index < 0 or return_address > self._ranges[index][1]:
            return None
        unit = self._info.start + self._ranges[index][2]
        (length,) = struct.unpack_from("<I", self._data, unit)
        for place in places(self._data, struct.pack("<Q", return_address), unit, min(unit + length, self._info.end)):
            try:
                if site := self._site(place, unit):
                    return site
            except (_Malformed, IndexError, struct.error):
                continue
        return None

    @functools.cached_property
    def _ranges(self) -> list[tuple[int, int, int]]:
        """(start, end, offset of the unit) of all code, from ``.debug_aranges``."""
        section = self._file.names.get(".debug_aranges")
        found = []
        at, end = (section.start, section.end) if section else (0, 0)
        while at + 12 < end:
            length, _, unit, _, _ = struct.unpack_from("<IHIBB", self._data, at)
            # Pairs of words up to a pair of zeros, aligned from the set's start.
            pairs = self._data[at + 16 : at + 4 + length]
            found += [(start, start + size, unit) for start, size in struct.iter_unpack("<QQ", pairs[: len(pairs) & ~15]) if size]
            at += 4 + length
        return sorted(found)

    def _site(self, place: int, unit: int) -> CallSite | None:
        """The call site whose first attribute is the address at ``place``."""
        table = self._table(unit)
        for start in (place - 1, place - 2):
            code, after = self._leb(start)
            shape = table.get(code)
            if (
                after != place
                or shape is None
                or shape.tag not in CALL_SITES
                or shape.attributes[0] not in ((a, ADDRESS) for a in RETURN_PC)
            ):
                continue
            attributes, at = self._attributes(shape, place)
            origin = next((self._reference(attributes[a], unit) for a in ORIGINS if a in attributes), None)
            callee = self._string(origin, unit, NAME) if origin is not None else None
            values = dict(self._parameters(table, at, shape))
            producer = self._string(unit + self._header_size(unit), unit, PRODUCER) or ""
            return CallSite(callee, values, producer.startswith("GNU"))
        return None

    def _parameters(self, table: dict[int, _Abbreviation], at: int, parent: _Abbreviation) -> Iterator[tuple[int, bytes]]:
        """(register, expression) of each argument that is passed in a register and can be computed."""
        for _ in range(MAX_PARAMETERS if parent.has_children else 0):
            code, at = self._leb(at)
            if code == 0:
                return
            shape = table.get(code)
            if shape is None or shape.has_children:
                return
            attributes, at = self._attributes(shape, at)
            value = next((attributes[a] for a in CALL_VALUES if a in attributes), None)
            if shape.tag in PARAMETERS and LOCATION in attributes and value:
                place = self._block(attributes[LOCATION])
                if len(place) == 1 and 0x50 <= place[0] < 0x70:  # DW_OP_reg0 … reg31
                    yield place[0] - 0x50, self._block(value)

    # --- DIEs -----------------------------------------------------------------------------------

    @functools.cached_property
    def _units(self) -> list[int]:
        """Where each unit starts."""
        found = []
        if self._info is not None:
            at = self._info.start
            while at + 12 < self._info.end:
                found.append(at)
                (length,) = struct.unpack_from("<I", self._data, at)
                if length >= 0xFFFFFFF0:
                    break  # 64-bit DWARF, which nobody uses
                at += 4 + length
        return found

    def _unit(self, place: int) -> int:
        return self._units[bisect.bisect_right(self._units, place) - 1]

    def _header_size(self, unit: int) -> int:
        """Of DWARF 5's header, or of the older ones."""
        return 12 if self._data[unit + 4] >= 5 else 11

    def _table(self, unit: int) -> dict[int, _Abbreviation]:
        """The unit's abbreviations by code."""
        (offset,) = struct.unpack_from("<I", self._data, unit + (8 if self._header_size(unit) == 12 else 6))
        if offset not in self._abbreviations:
            self._abbreviations[offset] = dict(self._read_abbreviations(self._file.names[".debug_abbrev"].start + offset))
        return self._abbreviations[offset]

    def _read_abbreviations(self, at: int) -> Iterator[tuple[int, _Abbreviation]]:
        while True:
            code, at = self._leb(at)
            if code == 0:
                return
            tag, at = self._leb(at)
            has_children = self._data[at] == 1
            at += 1
            attributes = []
            while True:
                attribute, at = self._leb(at)
                form, at = self._leb(at)
                if form == 0x21:  # DW_FORM_implicit_const has its value here
                    _, at = self._leb(at)
                if not attribute:
                    break
                attributes.append((attribute, form))
            yield code, _Abbreviation(tag, has_children, tuple(attributes))

    def _attributes(self, shape: _Abbreviation, at: int) -> tuple[dict[int, tuple[int, int]], int]:
        """({attribute: (form, offset in the file)}, offset behind the DIE)."""
        found = {}
        for attribute, form in shape.attributes:
            found[attribute] = form, at
            at = self._skip(form, at)
        return found, at

    def _skip(self, form: int, at: int) -> int:
        if form in FIXED:
            return at + FIXED[form]
        if form in NOTHING:
            return at
        if form in LEBS:
            return self._leb(at)[1]
        if form == STRING:
            return self._data.find(b"\0", at) + 1
        if form == EXPRLOC or form == 0x09:  # DW_FORM_block
            length, at = self._leb(at)
            return at + length
        if form in BLOCKS:
            return at + BLOCKS[form] + int.from_bytes(self._data[at : at + BLOCKS[form]], "little")
        raise _Malformed

    def _block(self, attribute: tuple[int, int]) -> bytes:
        """The bytes of an expression."""
        form, at = attribute
        end = self._skip(form, at)
        start = self._leb(at)[1] if form in (EXPRLOC, 0x09) else at + BLOCKS.get(form, 0)
        return bytes(self._data[start:end])

    def _reference(self, attribute: tuple[int, int], unit: int) -> int:
        form, at = attribute
        (value,) = struct.unpack_from("<I", self._data, at)
        if form == REF4:
            return unit + int(value)
        if form == 0x10 and self._info is not None:  # DW_FORM_ref_addr
            return self._info.start + int(value)
        raise _Malformed

    def _string(self, at: int, unit: int, wanted: int, depth: int = 3) -> str | None:
        """An attribute of the DIE at that offset that is a text; of a function's also where it is named elsewhere."""
        unit = self._unit(at)
        code, body = self._leb(at)
        shape = self._table(unit).get(code)
        if shape is None:
            raise _Malformed
        attributes, _ = self._attributes(shape, body)
        if wanted in attributes:
            form, place = attributes[wanted]
            if form == STRING:
                return self._file.text(place)
            if form in STRING_SECTIONS and (section := self._file.names.get(STRING_SECTIONS[form])):
                (offset,) = struct.unpack_from("<I", self._data, place)
                return self._file.text(section.start + int(offset))
        for attribute in NAME_ELSEWHERE:
            if attribute in attributes and depth:
                return self._string(self._reference(attributes[attribute], unit), unit, wanted, depth - 1)
        return None

    def _leb(self, at: int) -> tuple[int, int]:
        """(value, offset behind it) of an unsigned LEB128."""
        return leb(self._data, at)


DWARF_REGISTERS = (
    "rax",
    "rdx",
    "rcx",
    "rbx",
    "rsi",
    "rdi",
    "rbp",
    "rsp",
    "r8",
    "r9",
    "r10",
    "r11",
    "r12",
    "r13",
    "r14",
    "r15",
    "rip",
)
"""By DWARF's numbers (System V ABI, figure 3.36)."""
CONSTANTS = {0x03: "<Q", 0x08: "<B", 0x09: "<b", 0x0A: "<H", 0x0B: "<h", 0x0C: "<I", 0x0D: "<i", 0x0E: "<Q", 0x0F: "<q"}
"""DW_OP_addr and DW_OP_const1u … const8s."""
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


def compute(
    expression: bytes,
    register: Callable[[str], int | None],
    frame_base: int | None,
    on_entry: Callable[[int], int | None],
    memory: Memory,
) -> int | None:
    """The value of a DWARF expression; None when it needs what is not known, or an operation that call sites do not use.

    ``register`` gives one of the frame's registers, ``on_entry`` what a register (by DWARF's number) held when the frame's
    function was called.
    """
    stack: list[int] = []
    at = 0
    try:
        while at < len(expression):
            op = expression[at]
            at += 1
            value: int | None
            if 0x30 <= op < 0x50:  # DW_OP_lit0 … lit31
                value = op - 0x30
            elif 0x70 <= op < 0x90:  # DW_OP_breg0 … breg31
                offset, at = signed_leb(expression, at)
                base = register(DWARF_REGISTERS[op - 0x70])
                value = base + offset if base is not None else None
            elif op == 0x91:  # DW_OP_fbreg
                offset, at = signed_leb(expression, at)
                value = frame_base + offset if frame_base is not None else None
            elif op == 0x94:  # DW_OP_deref_size
                value = int.from_bytes(memory.read(stack.pop(), expression[at]), "little")
                at += 1
            elif op in CONSTANTS:
                (value,) = struct.unpack_from(CONSTANTS[op], expression, at)
                at += struct.calcsize(CONSTANTS[op])
            elif op == 0x10:  # DW_OP_constu
                value, at = leb(expression, at)
            elif op == 0x11:  # DW_OP_consts
                value, at = signed_leb(expression, at)
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
                value = on_entry(inner[0] - 0x50) if length == 1 and 0x50 <= inner[0] < 0x70 else None
            elif op == 0x9F:  # DW_OP_stack_value
                continue
            else:
                return None
            if value is None:
                return None
            stack.append(value & WORD)
    except (IndexError, struct.error, MemoryFault, _Malformed):
        return None
    return stack[-1] if stack else None


def leb(data: bytes | object, at: int) -> tuple[int, int]:
    """(value, offset behind it) of an unsigned LEB128 number."""
    value = shift = 0
    while True:
        byte = data[at]  # type: ignore[index]  # bytes or mmap: both give an int
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise _Malformed


def signed_leb(data: bytes, at: int) -> tuple[int, int]:
    """(value, offset behind it) of a signed LEB128 number."""
    value, after = leb(data, at)
    sign = 1 << 7 * (after - at) - 1
    return (value & sign - 1) - (value & sign), after
