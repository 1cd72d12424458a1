"""Where living objects start: a map of the heap that very many words can be compared with.

The map has a byte for every 16 of a 64 KiB slice.  Most slices of a heap look alike (full of living
objects of one size), and equal ones are kept once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Set
from functools import cached_property

from gdbext.cpython.allocator.pages import SLICE_SIZE, Page
from gdbext.cpython.allocator.vectors import Vectors

SLICE_SHIFT = SLICE_SIZE.bit_length() - 1
GRAIN = 16
"""What objects' addresses are multiples of."""
GRAIN_SHIFT = GRAIN.bit_length() - 1
PER_SLICE = SLICE_SIZE // GRAIN
NOTHING = b"\1" * PER_SLICE
"""A slice in which no object lives."""
LOWEST_NONE = 1 << 48
"""No address of a program has a higher bit."""
SEGMENT_SLICES = 512
"""More slices than a segment has are one huge block's, or damage."""
LONG = 64
"""Words that are compared at once, where that can be done."""
MAX_SLICES = 1 << 18
"""Of one page or empty span: 16 GiB."""


class Living:
    """Slices with the starts of what lives in them.

    >>> Living().missing([0x2000000_0000])  # no slice that it knows
    []
    """

    def __init__(self) -> None:
        self._slices: dict[int, bytes] = {}
        """Slice → for each place in it 0 where a living object starts, else 1."""
        self._first: dict[int, int] = {}
        """Slice → where the page begins, for its first: what is before is mimalloc's."""
        self._equal: dict[bytes, bytes] = {NOTHING: NOTHING}

    @property
    def slices(self) -> Set[int]:
        """The slices that are known: bits 16 and up of the addresses in them."""
        return self._slices.keys()

    def add(self, page: Page, before: int, dead: Iterable[int]) -> None:
        """A page in whose blocks objects start ``before`` bytes after the block, but for those at
        the addresses ``dead``.
        """
        vars(self).pop("_vectors", None)
        first = page.start >> SLICE_SHIFT
        base = first << SLICE_SHIFT
        last = min(page.area_end - 1 >> SLICE_SHIFT, first + MAX_SLICES)
        self._first[first] = page.start
        step, offset = page.block_size, page.start + before - base
        if last - first > SEGMENT_SLICES or step % GRAIN or offset % GRAIN:
            self._one_by_one(first, last, range(base + offset, page.end, step), set(dead))
            return
        table = bytearray(NOTHING) * (last - first + 1)
        starts = slice(offset >> GRAIN_SHIFT, (page.end - base) >> GRAIN_SHIFT, step >> GRAIN_SHIFT)
        table[starts] = bytes(len(range(*starts.indices(len(table)))))
        for address in dead:
            table[address - base >> GRAIN_SHIFT] = 1
        for number in range(first, last + 1):
            at = (number - first) * PER_SLICE
            self._keep(number, bytes(table[at : at + PER_SLICE]))

    def _one_by_one(self, first: int, last: int, starts: range, dead: set[int]) -> None:
        """A page of huge blocks, of which there are few, or one with objects at odd places."""
        for number in range(first, last + 1):
            self._slices[number] = NOTHING
        for start in starts:
            number = start >> SLICE_SHIFT
            if start % GRAIN == 0 and start not in dead and number <= last:
                table = bytearray(self._slices[number])
                table[start >> GRAIN_SHIFT & PER_SLICE - 1] = 0
                self._keep(number, bytes(table))

    def _keep(self, number: int, table: bytes) -> None:
        self._slices[number] = self._equal.setdefault(table, table)

    def add_empty(self, first: int, slices: int) -> None:
        """Slices that are in no page."""
        vars(self).pop("_vectors", None)
        self._slices.update(dict.fromkeys(range(first, first + min(slices, MAX_SLICES)), NOTHING))

    def missing(self, words: Iterable[int]) -> list[int]:
        """The words that point into the slices and to no place where a living object may start;
        with some that :meth:`is_missing` denies.
        """
        if isinstance(words, memoryview) and len(words) >= LONG and self._vectors is not None:
            return self._vectors.missing(words, SLICE_SHIFT, GRAIN_SHIFT)
        table = self._slices.get
        return [
            word
            for word in words
            if (places := table(word >> SLICE_SHIFT)) is not None
            and places[word >> GRAIN_SHIFT & PER_SLICE - 1]
        ]

    @cached_property
    def _vectors(self) -> Vectors | None:
        """For long columns of words; asked once all pages are known."""
        return Vectors.of(self._slices, bytes(PER_SLICE))

    def outside(self, words: array[int], slices: set[int]) -> list[int]:
        """The words that point into none of the slices; ``slices`` are :func:`slices_of` them."""
        if words and max(words) < LOWEST_NONE and slices <= self._slices.keys():
            return []
        return [word for word in words if word >> SLICE_SHIFT not in self._slices]

    def is_missing(self, word: int) -> bool:
        """Whether an object that should be at this address has gone: no living one starts there."""
        number = word >> SLICE_SHIFT
        return (
            word % GRAIN == 0
            and number in self._slices
            and word >= self._first.get(number, 0)
            and self._slices[number][word >> GRAIN_SHIFT & PER_SLICE - 1] == 1
        )


def slices_of(addresses: array[int]) -> set[int]:
    """The 64 KiB slices that addresses lie in: bits 16 to 47 of each, taken without a step of
    Python for every one.
    """
    data = addresses.tobytes() + b"\0\0"
    return set(memoryview(data)[2 : 2 + 8 * len(addresses)].cast("I")[::2])
