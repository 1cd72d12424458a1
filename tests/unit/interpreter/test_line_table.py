"""co_linetable against what the interpreter itself says of the same code (``co_lines``)."""

from __future__ import annotations

import pytest

from gdbext.cpython.interpreter.line_table import line_of, lines
from unit.interpreter.snippets import MINORS, NAMES, snippet


def by_unit(
    parts: list[list[int | None]] | list[tuple[int, int, int | None]],
) -> dict[int, int | None]:
    return {unit: line for start, end, line in parts for unit in range(start or 0, end or 0)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("minor", MINORS)
def test_every_unit_has_the_line_that_the_interpreter_says(minor: int, name: str) -> None:
    code = snippet(minor, name)
    table = bytes.fromhex(code["line_table"])
    expected = by_unit(code["lines"])
    assert by_unit(list(lines(table, code["first_line"]))) == expected
    assert {unit: line_of(table, code["first_line"], unit) for unit in expected} == expected


def test_each_kind_of_entry() -> None:
    table = bytes(
        [
            0x80 | 0 << 3 | 1, 0,  # short: two units of line 10
            0x80 | 11 << 3 | 0, 4, 9,  # one unit, one line further
            0x80 | 15 << 3 | 2,  # three units without a location
            0x80 | 13 << 3 | 0, 0b0000_0111,  # no columns: three lines back
            0x80 | 14 << 3 | 0, 0b0100_0000, 2, 0, 1, 2,  # long: 64 lines on (two groups of bits)
        ]
    )  # fmt: skip
    assert lines(table, 10) == ((0, 2, 10), (2, 3, 11), (3, 6, None), (6, 7, 8), (7, 8, 72))


def test_outside_the_table_there_is_no_line() -> None:
    table = bytes([0x80, 0])
    assert [line_of(table, 5, index) for index in (-1, 0, 1)] == [None, 5, None]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(b"", (), id="empty"),
        pytest.param(bytes([0x80, 0, 0x80 | 14 << 3, 0x40]), ((0, 1, 5),), id="cut in a number"),
        pytest.param(bytes([0x80, 0, 0x05, 0x80]), ((0, 1, 5),), id="no entry where one should be"),
    ],
)
def test_a_damaged_table_ends_at_the_damage(
    table: bytes, expected: tuple[tuple[int, int, int], ...]
) -> None:
    assert lines(table, 5) == expected
