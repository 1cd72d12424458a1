"""Damage for a core: words that triage reads are overwritten, and pages taken away, each time
otherwise.

Random damage to a gigabyte hits nothing that anybody looks at.  So the reads of an undamaged triage
are recorded, and the damage is done to those.  Equal seeds give equal damage.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gdbext.target.protocol import Debugger, Memory, MemoryFault

PAGE = 4096
WORD = 8
HEAP_PAGE = 1 << 16
"""mimalloc's small page: what is said of a block rests on words of all of it."""
FRAMES = 1 << 16
"""Bytes of a stack above the stack pointer that count as the thread's present work."""
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
ADDRESS = re.compile(r"0x[0-9a-f]{5,}")
Reads = Sequence[tuple[int, int]]


class Recorder:
    """Memory that notes where it was read, once each."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.reads: dict[tuple[int, int], None] = {}

    def read(self, address: int, size: int) -> bytes:
        data = self._memory.read(address, size)
        self.reads[address, min(size, PAGE)] = None
        return data


@dataclass(frozen=True, kw_only=True)
class Related:
    """What the undamaged report rests on: heap pages that it names, and the frames and registers of
    the threads that it is about.
    """

    pages: frozenset[int]
    stacks: tuple[tuple[int, int], ...]

    @classmethod
    def to(cls, report: Mapping[str, Any], debugger: Debugger) -> Related:
        """What an undamaged target's report is about."""
        about = {report["crash"]["thread"]} if report["crash"] else set()
        for part in (*report["findings"], report["race"] or {}):
            for thread in part.get("threads", ()):
                about.add(thread["lwp"] if isinstance(thread, dict) else thread)
        named = {int(word, 16) for word in ADDRESS.findall(json.dumps(report))}
        stacks = []
        for lwp in about - {None}:
            registers = debugger.registers(lwp)
            named |= set(registers.values())
            stacks.append((registers["rsp"] - PAGE, registers["rsp"] + FRAMES))
        return cls(pages=frozenset(a // HEAP_PAGE for a in named), stacks=tuple(stacks))

    def has(self, address: int) -> bool:
        """Whether the report may rest on what is there."""
        return address // HEAP_PAGE in self.pages or any(
            start <= address < end for start, end in self.stacks
        )


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Other words at some addresses, other bits, words copied from elsewhere (place: source), and
    pages (by number) that are gone.
    """

    words: Mapping[int, int] = field(default_factory=dict)
    flips: Mapping[int, int] = field(default_factory=dict)
    copies: Mapping[int, int] = field(default_factory=dict)
    missing: frozenset[int] = field(default=frozenset())
    is_unrelated: bool = False
    """Only memory was changed on which the undamaged report does not rest."""

    def not_so(self, said: Mapping[str, Any], undamaged: Mapping[str, Any]) -> list[Any]:
        """The findings that are proven only since the damage, and are not about what was damaged.

        A list that was damaged may be told, and as proven: that is true.
        """
        known = {_key(f) for f in undamaged["findings"] if f["confidence"] == "proven"}
        return [
            finding
            for finding in said["findings"]
            if finding["confidence"] == "proven"
            and _key(finding) not in known
            and not self._is_about(finding)
        ]

    def _is_about(self, finding: Mapping[str, Any]) -> bool:
        """Whether it names memory beside a damaged word, or where such a word leads now."""
        named = {int(word, 16) for word in ADDRESS.findall(json.dumps(finding))}
        beside = {address // HEAP_PAGE for address in named}
        led_to = {address // PAGE for address in named}
        return any(
            place // HEAP_PAGE in beside or word // PAGE in led_to
            for place, word in self.words.items()
        )


def _key(finding: Mapping[str, Any]) -> tuple[str, str | None]:
    subject = finding["subject"]
    return finding["rule"], subject and subject["address"]


class Damaged:
    """A debugger whose target's memory is damaged.

    All else is the debugger's.
    """

    def __init__(self, debugger: Debugger, damage: Damage) -> None:
        self._debugger = debugger
        self._words = {**damage.words, **dict(_copied(debugger, damage.copies))}
        self._flips = damage.flips
        self._pages = {
            page
            for place in (*self._words, *damage.flips)
            for page in (place // PAGE, (place + WORD - 1) // PAGE)
        }
        self._missing = damage.missing

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
        for place, mask in self._flips.items():
            for i, byte in enumerate(mask.to_bytes(WORD, "little")):
                if 0 <= place + i - address < size:
                    changed[place + i - address] ^= byte
        return bytes(changed)


def _copied(memory: Memory, copies: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    for place, source in copies.items():
        with contextlib.suppress(MemoryFault):
            yield place, int.from_bytes(memory.read(source, WORD), "little")


def anything(seed: int, reads: Reads, _related: Related) -> Damage:
    """Whatever was read of writable memory: heap, stacks, thread states."""
    chance = random.Random(seed)
    # From one word, which leads one walk astray, to thousands, after which nothing holds.
    count = chance.choice((1, 1, 2, 5, 20, 100, 1000, 5000))
    places = [_place(chance, reads) for _ in range(count)]
    words = {place: _word(chance, reads, place) for place in places}
    gone = chance.choice((0, 0, 0, 1, 5, 50))
    missing = frozenset(chance.choice(reads)[0] // PAGE for _ in range(gone))
    return Damage(words=words, missing=missing)


def bits(seed: int, reads: Reads, _related: Related) -> Damage:
    """One bit of one word to a hundred: pointers that still look like pointers."""
    chance = random.Random(seed)
    count = chance.choice((1, 1, 3, 10, 100))
    flips = {_place(chance, reads): 1 << chance.randrange(64) for _ in range(count)}
    return Damage(flips=flips)


def swapped(seed: int, reads: Reads, _related: Related) -> Damage:
    """Words of one place copied over those of another: objects and frames that are elsewhere."""
    chance = random.Random(seed)
    pairs = [
        (_place(chance, reads), _place(chance, reads)) for _ in range(chance.choice((1, 4, 16, 64)))
    ]
    return Damage(copies=dict(pairs) | {b: a for a, b in pairs})


def unrelated(seed: int, reads: Reads, related: Related) -> Damage:
    """Words that triage read and that the report does not rest on."""
    chance = random.Random(seed)
    words: dict[int, int] = {}
    for place in _unrelated_places(chance, reads, related, chance.choice((1, 1, 2, 5, 20, 100))):
        words[place] = _word(chance, reads, place)
    return Damage(words=words, is_unrelated=True)


def _unrelated_places(
    chance: random.Random, reads: Reads, related: Related, count: int
) -> Iterator[int]:
    for _ in range(count * 20):
        place = _place(chance, reads)
        if not related.has(place):
            yield place
            count -= 1
        if not count:
            return


def _place(chance: random.Random, reads: Reads) -> int:
    address, size = chance.choice(reads)
    return address + chance.randrange(max(size // WORD, 1)) * WORD


def _word(chance: random.Random, reads: Reads, place: int) -> int:
    """A pointer to something else, to itself, or one byte off; a small or huge number; anything."""
    kind = chance.randrange(6)
    if kind < 2:
        return chance.choice(reads)[0]
    if kind == 2:
        return place + chance.choice((0, -8, 8, -16, -32, 1))
    if kind == 3:
        return chance.choice(SMALL)
    if kind == 4:
        return chance.choice(reads)[0] + chance.choice((1, 8, -8, PAGE, -PAGE, 1 << 25))
    return chance.getrandbits(64)


KINDS: Mapping[str, Callable[[int, Reads, Related], Damage]] = {
    "words": anything,
    "bits": bits,
    "swapped": swapped,
    "unrelated": unrelated,
}
