"""Fields and arrays of a target's structs, each with one read."""

from __future__ import annotations

import struct
from array import array

from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.model import Claim
from gdbext.target.protocol import Memory, MemoryFault

MAX_WORDS = 1 << 26
"""Arrays longer than this (512 MiB) are not read: the size is damaged, or the answer would not help
anybody.
"""
MANY_WORDS = 1 << 20
"""More than this is only read when a second number agrees (8 MiB)."""

FAULTS = (MemoryFault, UnknownLayout)
"""What reading may raise; :class:`gdbext.cpython.objects.objects.Objects` lets neither out."""

# A plan is the first byte to read, the number of bytes, and each field's place therein.
Plan = tuple[int, int, list[tuple[int, int]]]


def signed(value: int, bits: int = 64) -> int:
    """An unsigned word as a two's complement integer.

    >>> signed(0xFFFF_FFFF_FFFF_FFFF)
    -1
    """
    return value - (1 << bits) if value >> (bits - 1) else value


class Damaged(MemoryFault):
    """Memory that can be read, but cannot be what it should be; the claim says why."""

    def __init__(self, address: int, claim: Claim) -> None:
        super().__init__(address, 0)
        self._claim = claim

    @property
    def claim(self) -> Claim:
        """What is wrong with the object."""
        return self._claim

    def __str__(self) -> str:
        return repr(self._claim)


class Reader:
    """Memory seen through a layout."""

    def __init__(self, memory: Memory, layout: Layout) -> None:
        self.memory = memory
        self.layout = layout
        self._plans: dict[tuple[str, tuple[str, ...]], Plan] = {}

    def fields(self, struct_name: str, address: int, *names: str) -> tuple[int, ...]:
        """Some whole-byte fields of a struct as unsigned integers, in the order asked for.

        Only the bytes from the first to the last of them are read.

        Raises:
            UnknownLayout, MemoryFault
        """
        plan = self._plans.get((struct_name, names))
        if plan is None:
            plan = self._plans[struct_name, names] = self._plan(struct_name, names)
        first, size, places = plan
        data = self.memory.read(address + first, size)
        return tuple(int.from_bytes(data[start:end], "little") for start, end in places)

    def field(self, struct_name: str, address: int, name: str) -> int:
        """One field; see :meth:`fields`."""
        return self.fields(struct_name, address, name)[0]

    def _plan(self, struct_name: str, names: tuple[str, ...]) -> Plan:
        found = [self.layout.struct(struct_name).field(name) for name in names]
        first = min(field.offset for field in found)
        end = max(field.offset + field.size for field in found)
        return first, end - first, [(f.offset - first, f.offset - first + f.size) for f in found]

    def word(self, address: int) -> int:
        """The eight bytes there, as an unsigned integer."""
        return int.from_bytes(self.memory.read(address, 8), "little")

    def words(self, address: int, count: int) -> array[int]:
        """An array of pointers, in one read.

        Raises:
            MemoryFault: also when ``count`` cannot be true.
        """
        if not 0 <= count <= MAX_WORDS:
            raise MemoryFault(address, 8 * count)
        found = array("Q")
        if count:
            found.frombytes(self.memory.read(address, 8 * count))
        return found

    def double(self, address: int) -> float:
        """A C double."""
        return float(struct.unpack("<d", self.memory.read(address, 8))[0])
