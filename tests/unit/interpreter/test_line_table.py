"""co_linetable against what the interpreter itself says of the same code (``co_lines``,
``co_positions``).
"""

from __future__ import annotations

import pytest

from gdbext.cpython.interpreter.line_table import Position, line_of, position_of, positions
from unit.interpreter.snippets import MINORS, NAMES, snippet

ONE = Position(5, 5, 0, 0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("minor", MINORS)
def test_every_unit_has_the_line_that_the_interpreter_says(minor: int, name: str) -> None:
    code = snippet(minor, name)
    table = bytes.fromhex(code["line_table"])
    expected = {u: line for start, end, line in code["lines"] for u in range(start, end)}
    assert {unit: line_of(table, code["first_line"], unit) for unit in expected} == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("minor", MINORS)
def test_every_unit_has_the_columns_that_the_interpreter_says(minor: int, name: str) -> None:
    code = snippet(minor, name)
    table = bytes.fromhex(code["line_table"])
    expected = [
        None if line is None else Position(line, end_line, column, end_column)
        for units, line, end_line, column, end_column in code["positions"]
        for _ in range(units)
    ]
    found = [position_of(table, code["first_line"], unit) for unit in range(len(expected))]
    assert found == expected


def test_each_kind_of_entry() -> None:
    table = bytes(
        [
            0x80 | 0 << 3 | 1, 0,  # short: two units of line 10
            0x80 | 11 << 3 | 0, 4, 9,  # one unit, one line further
            0x80 | 15 << 3 | 2,  # three units without a location
            0x80 | 13 << 3 | 0, 0b0000_0111,  # no columns: three lines back
            0x80 | 14 << 3 | 0, 0b0100_0000, 2, 0, 1, 2,  # long: 64 lines on (two groups of bits)
            0x80 | 14 << 3 | 0, 0, 2, 0, 3,  # long: over three lines, its first column not kept
        ]
    )  # fmt: skip
    assert positions(table, 10) == (
        (0, 2, Position(10, 10, 0, 0)),
        (2, 3, Position(11, 11, 4, 9)),
        (3, 6, None),
        (6, 7, Position(8, 8)),
        (7, 8, Position(72, 72, 0, 1)),
        (8, 9, Position(72, 74, None, 2)),
    )


def test_outside_the_table_there_is_no_line() -> None:
    table = bytes([0x80, 0])
    assert [line_of(table, 5, index) for index in (-1, 0, 1)] == [None, 5, None]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(b"", (), id="empty"),
        pytest.param(bytes([0x80, 0, 0x80 | 14 << 3, 0x40]), ((0, 1, ONE),), id="cut in a number"),
        pytest.param(
            bytes([0x80, 0, 0x05, 0x80]), ((0, 1, ONE),), id="no entry where one should be"
        ),
    ],
)
def test_a_damaged_table_ends_at_the_damage(
    table: bytes, expected: tuple[tuple[int, int, Position], ...]
) -> None:
    assert positions(table, 5) == expected
