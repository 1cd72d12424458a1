"""Tells words of memory that are the program's data from addresses, sizes and counts.

A field that was overwritten by a string holds eight characters of that string, and a fault at such
a pointer shows them as its address.  In a redacted report they must not stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gdbext.model import Report

SMALL = 1 << 24
"""Numbers below it, and above its negative, are sizes, counts, positions or small offsets from
NULL.
"""
HALF = 1 << 32
FILLS = (0xCD, 0xDD, 0xFD)
"""Objects/obmalloc.c: the debug allocator's fill bytes."""
STACKS = range(0x7F00_0000_0000, 0x8000_0000_0000)
"""Where Linux maps libraries, thread stacks and the stack; a string in a word is never there, for
0x7F is not a character.
"""
REACH = 1 << 36
"""Bytes around a known address of the process in which other addresses of it are expected."""
NUMBER = re.compile(r"0x(?P<hex>[0-9a-f]+)\b|(?<![\w.])-?(?P<decimal>\d{9,})(?![\w.])")


class Words:
    """One report's.

    What its frames and thread states prove to be addresses tells where the process has its memory.
    """

    def __init__(self, report: Report) -> None:
        self._known = sorted(set(_addresses(report)))

    def is_data(self, word: int) -> bool:
        """Whether the word is neither a number that says how much or where, nor an address that the
        process can have.
        """
        word &= (1 << 64) - 1
        if word < SMALL or word > (1 << 64) - SMALL or _is_fill(word):
            return False
        if (
            any(abs(word - known) < REACH for known in self._known if known >= HALF or word < HALF)
            or word in STACKS
        ):
            return False
        return word >= HALF or all(0x20 <= byte < 0x7F for byte in word.to_bytes(4, "little"))

    def without(self, text: str, mark: str) -> str:
        """The text with ``mark`` for each number in it that is data."""

        def left(found: re.Match[str]) -> str:
            if found["hex"] is not None:
                return f"0x{mark}" if self.is_data(int(found["hex"], 16)) else found[0]
            return mark

        return NUMBER.sub(left, text)


def _is_fill(word: int) -> bool:
    """A fill, or a field's offset from one."""
    return any(word >> 16 == int.from_bytes(bytes([fill] * 6), "little") for fill in FILLS)


def _addresses(report: Report) -> Iterator[int]:
    values: list[Any] = []
    for thread in report.threads:
        # Frame 0 of a wild jump is at the wild address; no module is there.
        values += [frame.pc for frame in thread.native if frame.module]
        values += [thread.tstate, thread.waits_for, *thread.holds]
        for frame in thread.python:
            values += [frame.frame, frame.code]
    values += [page.start for page in report.pages]
    return (value for value in values if isinstance(value, int) and value >= SMALL)
