"""``co_linetable``: which line each code unit is of (CPython's Objects/codeobject.c and
Include/internal/pycore_code.h).

The table is a run of entries.  An entry's first byte has bit 7 set, its kind in bits 3 to 6 and the
number of code units that it covers, less one, in bits 0 to 2; how many bytes follow depends on the
kind.  The format is the same from 3.11 to 3.15.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

NO_LOCATION = 15
LONG = 14
NO_COLUMNS = 13
ONE_LINE = range(10, 13)
"""Kinds whose number says how far the line moves: 0, 1 or 2."""


def line_of(table: bytes, first_line: int, index: int) -> int | None:
    """The line of the instruction at ``index`` (in code units).

    None where the compiler gave none, where the table does not reach, and where the table is
    damaged.

    Example:
        >>> line_of(bytes([0b1_0000_000, 0, 0b1_1011_001, 4, 9]), 7, 2)
        8
    """
    found = lines(table, first_line)
    at = bisect_right(found, index, key=lambda part: part[0]) - 1
    if at < 0 or index >= found[at][1]:
        return None
    return found[at][2]


@lru_cache(maxsize=512)
def lines(table: bytes, first_line: int) -> tuple[tuple[int, int, int | None], ...]:
    """(start, end, line) of each entry, in code units, ``end`` excluded.

    A damaged table ends at the damage.

    ``first_line`` is ``co_firstlineno``; a line is None for code that no source line stands for.
    """
    found = []
    line, start, at = first_line, 0, 0
    try:
        while at < len(table):
            head = table[at]
            if not head & 0x80:
                break
            kind, at = head >> 3 & 15, at + 1
            if kind == LONG:
                delta, at = _signed(table, at)
                line += delta
                for _end_line_column_end_column in range(3):
                    _, at = _number(table, at)
            elif kind == NO_COLUMNS:
                delta, at = _signed(table, at)
                line += delta
            elif kind in ONE_LINE:
                line += kind - ONE_LINE.start
                at += 2
            elif kind != NO_LOCATION:
                at += 1
            end = start + (head & 7) + 1
            found.append((start, end, None if kind == NO_LOCATION else line))
            start = end
    except IndexError:
        pass
    return tuple(found)


def _number(table: bytes, at: int) -> tuple[int, int]:
    """(value, where the next thing starts) of groups of six bits, the lowest first; bit 6 says that
    another follows.
    """
    value = shift = 0
    while True:
        byte = table[at]
        at += 1
        value |= (byte & 63) << shift
        shift += 6
        if not byte & 64:
            return value, at


def _signed(table: bytes, at: int) -> tuple[int, int]:
    """As :func:`_number`, with the sign in the lowest bit."""
    value, at = _number(table, at)
    return (-(value >> 1) if value & 1 else value >> 1), at
