"""Damage for a core: words that triage reads are overwritten, and pages taken away, each time
otherwise.

Random damage to a gigabyte hits nothing that anybody looks at.  So the reads of an undamaged triage
are recorded, and the damage is done to those.  Equal seeds give equal damage.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from gdbext.target.protocol import Debugger, Memory, MemoryFault

PAGE = 4096
WORD = 8
SMALL = (
    0,
    1,
    2,
    3,
    0xFF,
    0x7FFFFFFF,
    0x80000000,
    (1 << 63) - 1,
    1 << 63,
    (1 << 64) - 1,
    0xDDDDDDDDDDDDDDDD,
)


class Recorder:
    """Memory that notes where it was read, once each."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.reads: dict[tuple[int, int], None] = {}

    def read(self, address: int, size: int) -> bytes:
        data = self._memory.read(address, size)
        self.reads[address, min(size, PAGE)] = None
        return data


class Damaged:
    """A debugger whose target's memory has other words at some places, and lacks some pages.

    All else is the debugger's.
    """

    def __init__(self, debugger: Debugger, words: dict[int, int], missing: frozenset[int]) -> None:
        self._debugger = debugger
        self._words = words
        self._pages = {page for word in words for page in (word // PAGE, (word + WORD - 1) // PAGE)}
        self._missing = missing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._debugger, name)

    def read(self, address: int, size: int) -> bytes:
        pages = range(address // PAGE, (address + max(size, 1) - 1) // PAGE + 1)
        if (
            self._missing
            and (gone := next((p for p in pages if p in self._missing), None)) is not None
        ):
            raise MemoryFault(max(address, gone * PAGE), size)
        data = self._debugger.read(address, size)
        if self._pages.isdisjoint(pages):
            return data
        changed = bytearray(data)
        for place, word in self._words.items():
            for i, byte in enumerate(word.to_bytes(WORD, "little")):
                if 0 <= place + i - address < size:
                    changed[place + i - address] = byte
        return bytes(changed)


def damage(
    seed: int, reads: Sequence[tuple[int, int]], is_writable: Callable[[int], bool]
) -> tuple[dict[int, int], frozenset[int]]:
    """(words by address, missing pages) of that seed, among what was read of writable memory."""
    chance = random.Random(seed)
    places = [read for read in reads if is_writable(read[0])]
    words: dict[int, int] = {}
    # From one word, which leads one walk astray, to thousands, after which nothing holds.
    for _ in range(chance.choice((1, 1, 2, 5, 20, 100, 1000, 5000))):
        address, size = chance.choice(places)
        place = address + chance.randrange(max(size // WORD, 1)) * WORD
        words[place] = _word(chance, places, place)
    count = chance.choice((0, 0, 0, 1, 5, 50))
    return words, frozenset(chance.choice(places)[0] // PAGE for _ in range(count))


def _word(chance: random.Random, places: Sequence[tuple[int, int]], place: int) -> int:
    """A pointer to something else, to itself, or one byte off; a small or huge number; anything."""
    kind = chance.randrange(6)
    if kind < 2:
        return chance.choice(places)[0]
    if kind == 2:
        return place + chance.choice((0, -8, 8, -16, -32, 1))
    if kind == 3:
        return chance.choice(SMALL)
    if kind == 4:
        return chance.choice(places)[0] + chance.choice((1, 8, -8, PAGE, -PAGE, 1 << 25))
    return chance.getrandbits(64)
