"""The bytes that CPython's debug hooks fill memory with (Include/internal/pycore_pymem.h)."""

from __future__ import annotations

UNINITIALISED, FREED, GUARD = 0xCD, 0xDD, 0xFD
FILLS = frozenset({UNINITIALISED, FREED, GUARD})


def fill_of(word: int) -> int | None:
    """The fill byte that all 8 bytes of a word are, if they are one.

    >>> hex(fill_of(0xDDDDDDDDDDDDDDDD))
    '0xdd'
    """
    byte = word & 0xFF
    return byte if byte in FILLS and word == byte * 0x0101010101010101 else None
