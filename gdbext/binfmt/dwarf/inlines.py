"""Which inlined functions an instruction belongs to, straight from the debug information.

gdb 16 and later are not sure at a function's first instruction and at inlined functions of one or
two instructions: they widen blocks and nest them by their first address, and lose or add functions
at the very place of a fault (``mov 0x18(%rdi),%rbp`` is all that is left of ``Py_TYPE(ob)``).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from gdbext.binfmt.dwarf.entries import (
    ADDRESS,
    HIGH_PC,
    LOW_PC,
    NAME,
    RANGES,
    DebugEntry,
    Dwarf,
    Malformed,
    leb,
)

SUBPROGRAM, LEXICAL_BLOCK, INLINED = 0x2E, 0x0B, 0x1D
CALL_FILE, CALL_LINE = 0x58, 0x59


class Inlined(NamedTuple):
    """An inlined function, and the line of its caller that calls it; the file by its number in the
    unit's line table.
    """

    name: str
    call_file: int | None
    call_line: int | None
    entry: DebugEntry


def at(dwarf: Dwarf, address: int) -> list[Inlined] | None:
    """The inlined functions at an address (in the file's own terms), innermost first; None if
    nothing is known of it.
    """
    try:
        places = _nest(dwarf, address)
        return (
            [_inlined(dwarf, place) for place in places[::-1] if place.shape.tag == INLINED]
            if places
            else None
        )
    except (Malformed, KeyError, IndexError, struct.error, RecursionError):
        return None


def scopes(dwarf: Dwarf, address: int) -> list[list[DebugEntry]]:
    """The functions at an address, inlined ones first, each with its blocks: from the innermost one
    to the function's own entry.
    """
    try:
        places = _nest(dwarf, address)
    except (Malformed, KeyError, IndexError, struct.error, RecursionError):
        return []
    found: list[list[DebugEntry]] = [[]]
    for place in places[::-1]:
        found[-1].append(place)
        if place.shape.tag == INLINED:
            found.append([])
    return found if places else []


def _nest(dwarf: Dwarf, address: int) -> list[DebugEntry]:
    """The function that has the address, and the blocks and inlined functions in it that do,
    outermost first.
    """
    unit = dwarf.unit_at(address)
    if unit is None:
        return []
    top = dwarf.top(unit[0])
    base = dwarf.number(top, LOW_PC) if LOW_PC in top.attributes else 0
    found: list[DebugEntry] = []
    place: DebugEntry | None = top
    wanted: tuple[int, ...] = (SUBPROGRAM,)
    while place is not None:
        inner = dwarf.tagged(place, wanted, address)
        place = next((e for e in inner if _covers(dwarf, e, base, address)), None)
        found += [place] if place is not None else []
        wanted = (LEXICAL_BLOCK, INLINED)
    return found


def _inlined(dwarf: Dwarf, place: DebugEntry) -> Inlined:
    file, line = (
        dwarf.number(place, a) if a in place.attributes else None for a in (CALL_FILE, CALL_LINE)
    )
    return Inlined(dwarf.text(place, NAME) or "?", file, line, place)


def _covers(dwarf: Dwarf, entry: DebugEntry, base: int, address: int) -> bool:
    if LOW_PC in entry.attributes and HIGH_PC in entry.attributes:
        low, high = dwarf.number(entry, LOW_PC), dwarf.number(entry, HIGH_PC)
        return low <= address < (high if entry.attributes[HIGH_PC][0] == ADDRESS else low + high)
    if RANGES not in entry.attributes:
        return False
    offset = dwarf.number(entry, RANGES)
    if dwarf.version(entry.unit) >= 5:
        return _in_range_list(
            dwarf, dwarf.file.names[".debug_rnglists"].start + offset, base, address
        )
    return _in_old_ranges(dwarf, dwarf.file.names[".debug_ranges"].start + offset, base, address)


def _in_range_list(dwarf: Dwarf, at: int, base: int, address: int) -> bool:
    """DWARF 5, section 2.17.3."""
    while True:
        kind = dwarf.data[at]
        at += 1
        if kind == 0x00:  # DW_RLE_end_of_list
            return False
        if kind == 0x04:  # offset_pair
            low, at = leb(dwarf.data, at)
            high, at = leb(dwarf.data, at)
            low, high = base + low, base + high
        elif kind == 0x05:  # base_address
            (base,) = struct.unpack_from("<Q", dwarf.data, at)
            at += 8
            continue
        elif kind == 0x06:  # start_end
            low, high = struct.unpack_from("<QQ", dwarf.data, at)
            at += 16
        elif kind == 0x07:  # start_length
            (low,) = struct.unpack_from("<Q", dwarf.data, at)
            length, at = leb(dwarf.data, at + 8)
            high = low + length
        else:
            raise Malformed
        if low <= address < high:
            return True


def _in_old_ranges(dwarf: Dwarf, at: int, base: int, address: int) -> bool:
    """DWARF 4, section 2.17.3."""
    while True:
        low, high = struct.unpack_from("<QQ", dwarf.data, at)
        at += 16
        if low == high == 0:
            return False
        if low == (1 << 64) - 1:
            base = high
        elif base + low <= address < base + high:
            return True
