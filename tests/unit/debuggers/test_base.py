"""Errors say what a pointer looks like."""

from __future__ import annotations

import pytest

from gdbext.target.protocol import MemoryFault, text_in_word


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (0x7878787878787878, "xxxxxxxx"),
        (0x0000_6F6C_6C65_6820, " hello"),
        (0x6F6C_6C65, None),  # too short to tell from a number
        (0x7FF30BCE86C0, None),
        (0, None),
        (0xDDDDDDDDDDDDDDDD, None),
        (-1, None),
    ],
)
def test_text_in_a_word(word: int, text: str | None) -> None:
    assert text_in_word(word) == text


def test_a_fault_at_a_pointer_that_is_text_says_so() -> None:
    assert str(MemoryFault(0x10, 8)) == "cannot read 8 bytes at 0x10"
    assert str(MemoryFault(0x7878787878787878, 80)) == (
        "cannot read 80 bytes at 0x7878787878787878, a pointer that looks like the text "
        '"xxxxxxxx": something was written over it'
    )
