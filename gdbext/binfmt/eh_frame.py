"""Where a function starts, in a binary without symbols: from ``.eh_frame_hdr``, which ``strip``
leaves.

Every function compiled for x86-64 Linux has unwind information, and the loader maps a sorted table
of it (Linux Standard Base, "Exception Frames").  Compilers split a function's cold part off as an
entry of its own.
"""

from __future__ import annotations

import struct
from bisect import bisect_right

from gdbext.binfmt.elf import PT_GNU_EH_FRAME, image_headers
from gdbext.target.protocol import Memory, MemoryFault

SDATA4_DATAREL = 0x3B
SDATA4_PCREL = 0x1B
UDATA4 = 0x03
MAX_ENTRIES = 1 << 20


class FunctionTable:
    """The functions of one mapped ELF image, by start address."""

    def __init__(self, memory: Memory, base: int) -> None:
        self._memory = memory
        self._starts: list[int] = []
        self._entries: list[int] = []
        try:
            self._read(base)
        except (MemoryFault, struct.error):
            self._starts, self._entries = [], []

    def _read(self, base: int) -> None:
        header = next(
            (s for s in image_headers(self._memory, base) if s.type == PT_GNU_EH_FRAME), None
        )
        if header is None:
            return
        at = header.vaddr
        version, pointer_encoding, count_encoding, table_encoding = self._memory.read(at, 4)
        # Linkers write nothing else; another form means "no table", not a guess.
        if (version, pointer_encoding, count_encoding, table_encoding) != (
            1,
            SDATA4_PCREL,
            UDATA4,
            SDATA4_DATAREL,
        ):
            return
        (count,) = struct.unpack("<I", self._memory.read(at + 8, 4))
        if count > MAX_ENTRIES:
            return
        numbers = struct.unpack(f"<{2 * count}i", self._memory.read(at + 12, 8 * count))
        self._starts = [at + n for n in numbers[::2]]
        self._entries = [at + n for n in numbers[1::2]]

    def start(self, pc: int) -> int | None:
        """The start of the function that ``pc`` is in; None where no function is."""
        function = self.function(pc)
        return function.start if function is not None else None

    def function(self, pc: int) -> range | None:
        """The addresses of the function that ``pc`` is in; None where no function is."""
        position = bisect_right(self._starts, pc) - 1
        if position < 0:
            return None
        try:
            # An entry: length, CIE pointer, start (relative), length of the code.
            (size,) = struct.unpack("<I", self._memory.read(self._entries[position] + 12, 4))
        except MemoryFault:
            return None
        found = self._starts[position]
        return range(found, found + size) if found <= pc < found + size else None
