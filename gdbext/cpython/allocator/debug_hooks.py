"""CPython's debug hooks: what ``PYTHONMALLOC=debug`` and debug builds put around each block.

A block is ``[size, 8 bytes, big-endian][api id][7 guard bytes][the user's bytes][8 guard bytes]``;
the user's pointer is 16 past the block's start.  From CPython's Objects/obmalloc.c
(``_PyMem_DebugRawAlloc``) and Include/internal/pycore_pymem.h.

>>> read_hooks(bytes([0] * 7 + [3]) + b"o" + b"\\xfd" * 7 + b"abc" + b"\\xfd" * 8).size
3
"""

from __future__ import annotations

from gdbext.cpython.fills import FREED, GUARD
from gdbext.frozen import dataclass

HEADER = 16
TRAILER = 8
API_IDS = {0x72: "raw", 0x6D: "mem", 0x6F: "object"}


@dataclass(frozen=True)
class Hooks:
    """What the hooks around a block say.

    ``size`` is what was asked for; ``api`` the domain of the function that was called.
    """

    size: int | None
    api: str | None
    underrun: int
    """How many of the 7 guard bytes before the user's bytes are overwritten."""
    overrun: int
    """How far past the end somebody wrote: up to the last guard byte that is not intact; 0 if all
    are.
    """
    freed: bool
    """Header filled with the freed byte (the link overwrites its first word)."""

    @property
    def is_intact(self) -> bool:
        """Whether size, domain and the bytes on both sides are as the hooks have written them."""
        return (
            self.size is not None
            and self.api is not None
            and not self.underrun
            and not self.overrun
        )


def read_hooks(block: bytes) -> Hooks:
    """Decode the hooks from all bytes of a block.

    A size that does not fit the block is given as None.
    """
    api = API_IDS.get(block[8])
    freed = block[8:HEADER] == bytes([FREED]) * 8
    underrun = sum(1 for byte in block[9:HEADER] if byte != GUARD)
    size: int | None = int.from_bytes(block[:8], "big")
    if size is None or size > len(block) - HEADER - TRAILER:
        return Hooks(None, api, 0 if freed else underrun, 0, freed)
    trailer = block[HEADER + size : HEADER + size + TRAILER]
    overrun = max((at + 1 for at, byte in enumerate(trailer) if byte != GUARD), default=0)
    return Hooks(size, api, 0 if freed else underrun, overrun, freed)
