"""Millions of words compared with a map of the heap at once, where numpy is at hand.

It is an extra of the engine's: inside gdb and LLDB nothing but the standard library is imported,
and the same is asked word by word.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

DEBUGGERS = ("gdb", "lldb")
"""Modules that only these programs have."""
WORTHWHILE = 2048
"""Slices of a heap for which numpy is loaded: 128 MiB."""
LONGEST = 1 << 22
"""Slices from a heap's first to its last: 256 GiB."""


def numpy() -> Any | None:
    """The module; None where there is none, or in a debugger's own Python."""
    if any(name in sys.modules for name in DEBUGGERS):
        return None
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None


class Vectors:
    """The tables of :class:`gdbext.cpython.allocator.living.Living` for look-ups of many words."""

    def __init__(self, np: Any, slices: Mapping[int, bytes], nothing_known: bytes) -> None:
        self._np = np
        self._first = min(slices)
        rows = {nothing_known: 0}
        places = np.zeros(max(slices) - self._first + 2, dtype=np.uint32)
        for number, table in slices.items():
            places[number - self._first] = rows.setdefault(table, len(rows))
        # Behind the last slice, and before the first, nothing is known.
        self._places = places
        self._tables = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), -1)

    @classmethod
    def of(cls, slices: Mapping[int, bytes], nothing_known: bytes) -> Vectors | None:
        """None where the words are better looked at one by one."""
        if len(slices) < WORTHWHILE or max(slices) - min(slices) > LONGEST:
            return None
        np = numpy()
        return cls(np, slices, nothing_known) if np else None

    def missing(self, words: memoryview, slice_shift: int, grain_shift: int) -> list[int]:
        """See :meth:`gdbext.cpython.allocator.living.Living.missing`."""
        np = self._np
        all_words = np.asarray(words)
        # A slice before the first wraps around to a very large number.
        numbers = (all_words >> np.uint64(slice_shift)) - np.uint64(self._first)
        rows = self._places[np.minimum(numbers, np.uint64(len(self._places) - 1))]
        inside = all_words >> np.uint64(grain_shift) & np.uint64(self._tables.shape[1] - 1)
        found: list[int] = all_words[self._tables[rows, inside] != 0].tolist()
        return found
