"""``co_linetable``: which line and columns each code unit is of (CPython's Objects/codeobject.c,
Objects/locations.md and Include/internal/pycore_code.h).

The table is a run of entries.  An entry's first byte has bit 7 set, its kind in bits 3 to 6 and the
number of code units that it covers, less one, in bits 0 to 2; how many bytes follow depends on the
kind.  The format is the same from 3.11 to 3.15.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

NO_LOCATION = 15
LONG = 14
NO_COLUMNS = 13
ONE_LINE = range(10, 13)
"""Kinds whose number says how far the line moves: 0, 1 or 2."""


class Position(NamedTuple):
    """What of the source one instruction was compiled from; lines count from 1.

    Columns count from 0, in bytes of the line's UTF-8, ``end_column`` excluded, as ``co_positions``
    has them; None where the compiler kept none (``-X no_debug_ranges``).
    """

    line: int
    end_line: int
    column: int | None = None
    end_column: int | None = None


def line_of(table: bytes, first_line: int, index: int) -> int | None:
    """The line of the instruction at ``index`` (in code units).

    None where the compiler gave none, where the table does not reach, and where the table is
    damaged.

    Example:
        >>> line_of(bytes([0b1_0000_000, 0, 0b1_1011_001, 4, 9]), 7, 2)
        8
    """
    position = position_of(table, first_line, index)
    return position.line if position is not None else None


def position_of(table: bytes, first_line: int, index: int) -> Position | None:
    """As :func:`line_of`, with the columns: of a call those of the whole call expression.

    Example:
        >>> position_of(bytes([0b1_0000_000, 0, 0b1_1011_001, 4, 9]), 7, 2)
        Position(line=8, end_line=8, column=4, end_column=9)
    """
    found = positions(table, first_line)
    at = bisect_right(found, index, key=lambda part: part[0]) - 1
    if at < 0 or index >= found[at][1]:
        return None
    return found[at][2]


@lru_cache(maxsize=512)
def positions(table: bytes, first_line: int) -> tuple[tuple[int, int, Position | None], ...]:
    """(start, end, position) of each entry, in code units, ``end`` excluded.

    A damaged table ends at the damage.

    ``first_line`` is ``co_firstlineno``; a position is None for code that no source stands for.
    """
    found: list[tuple[int, int, Position | None]] = []
    line, start, at = first_line, 0, 0
    try:
        while at < len(table):
            head = table[at]
            if not head & 0x80:
                break
            kind, at = head >> 3 & 15, at + 1
            position = None
            if kind == LONG:
                delta, at = _signed(table, at)
                line += delta
                lines, at = _number(table, at)
                column, at = _number(table, at)
                end_column, at = _number(table, at)
                position = Position(line, line + lines, _known(column), _known(end_column))
            elif kind == NO_COLUMNS:
                delta, at = _signed(table, at)
                line += delta
                position = Position(line, line)
            elif kind in ONE_LINE:
                line += kind - ONE_LINE.start
                position = Position(line, line, table[at], table[at + 1])
                at += 2
            elif kind != NO_LOCATION:
                # The column's higher bits are the kind; the second byte has its lower ones, and
                # how many columns there are.
                column = kind << 3 | table[at] >> 4
                position = Position(line, line, column, column + (table[at] & 15))
                at += 1
            end = start + (head & 7) + 1
            found.append((start, end, position))
            start = end
    except IndexError:
        pass
    return tuple(found)


def _known(column: int) -> int | None:
    """A column that is stored with one added: 0 says that there is none."""
    return column - 1 if column else None


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
