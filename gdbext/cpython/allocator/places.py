"""What lies at an address that mimalloc does not manage: a module's data, a stack, glibc's heap, or
nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property

from gdbext.cpython import fills
from gdbext.cpython.allocator import debug_hooks
from gdbext.cpython.allocator.activity import ThreadStop
from gdbext.cpython.interpreter.runtime import Runtime
from gdbext.frozen import dataclass
from gdbext.model import Claim, FilePath
from gdbext.target.protocol import Memory, MemoryFault, Region

# glibc's malloc_chunk: the size before the user's bytes, its low three bits being flags
# (malloc/malloc.c).
CHUNK_FLAGS = 7
PREVIOUS_IN_USE = 1
MAX_CHUNK = 1 << 40
TOP = 1 << 14
"""The control block and its thread-local variables are within so many bytes of a stack's end."""


@dataclass(frozen=True)
class Place:
    """``kind`` is ``module``, ``stack``, ``c heap`` or ``memory``; ``what`` says more."""

    kind: str
    what: Claim
    region: Region


class Places:
    """The mapped regions, named."""

    def __init__(
        self,
        memory: Memory,
        runtime: Runtime,
        regions: Sequence[Region],
        stops: Callable[[], Sequence[ThreadStop]],
    ) -> None:
        self._memory = memory
        self._runtime = runtime
        self._regions = sorted(regions, key=lambda region: region.start)
        self._stops = stops

    @cached_property
    def _starts(self) -> list[int]:
        return [region.start for region in self._regions]

    def region(self, address: int) -> Region | None:
        """The mapped region that an address lies in."""
        at = bisect_right(self._starts, address) - 1
        return self._regions[at] if at >= 0 and address < self._regions[at].end else None

    def mapping(self, address: int) -> tuple[int, int] | None:
        """[start, end) of the anonymous memory around an address, of whatever protection."""
        at = bisect_right(self._starts, address) - 1
        if self.region(address) is None or self._regions[at].path:
            return None
        first = last = at
        while (
            first
            and self._regions[first - 1].end == self._regions[first].start
            and not self._regions[first - 1].path
        ):
            first -= 1
        while (
            last + 1 < len(self._regions)
            and self._regions[last + 1].start == self._regions[last].end
            and not self._regions[last + 1].path
        ):
            last += 1
        return self._regions[first].start, self._regions[last].end

    @property
    def is_known(self) -> bool:
        """Whether there is a map of memory at all."""
        return bool(self._regions)

    @cached_property
    def _modules(self) -> dict[int, str]:
        """Region's start -> path of the file it belongs to.

        What follows a file's data without a gap is its .bss.
        """
        found: dict[int, str] = {}
        previous: Region | None = None
        for region in self._regions:
            if region.path and not region.path.startswith("["):
                found[region.start] = region.path
            elif (
                previous
                and previous.end == region.start
                and previous.start in found
                and previous.writable
                and region.writable
            ):
                found[region.start] = found[previous.start]
            previous = region
        return found

    def module(self, address: int) -> str | None:
        """The path of the mapped file whose text, data or .bss holds the address."""
        region = self.region(address)
        return self._modules.get(region.start) if region else None

    def stack_of(self, region: Region) -> Claim | None:
        """Whose stack a region is: glibc puts a thread's control block on top of it; else a stack
        pointer tells.
        """
        if region.path == "[stack]":
            return Claim("main-stack")
        for thread in self._runtime.threads:
            if (
                region.start <= thread.thread_id < region.end
                and region.end - thread.thread_id < TOP < region.end - region.start
            ):
                return Claim("stack-of", lwp=thread.native_thread_id)
        for stop in self._stops():
            if stop.stack_pointer is not None and region.start <= stop.stack_pointer < region.end:
                return Claim("stack-of", lwp=stop.lwp)
        return None

    def find(self, address: int) -> Place | None:
        """The place of an address; None if no region has it."""
        region = self.region(address)
        if region is None:
            return None
        if region.start in self._modules:
            path = FilePath(self._modules[region.start])
            what = (
                Claim("module-data", path=path)
                if region.writable
                else Claim("module-text", path=path)
            )
            return Place("module", what, region)
        raw = self.raw_block(address)
        if raw:
            return Place("c heap", raw, region)
        if region.path == "[heap]" or any(
            region.start <= t.address < region.end for t in self._runtime.threads
        ):
            # All thread states but the first are PyMem_Raw memory, which is glibc's in 3.13 and
            # 3.14.
            return Place("c heap", Claim("glibc-heap", chunk=self._chunk(address)), region)
        stack = self.stack_of(region)
        if stack:
            return Place("stack", stack, region)
        return Place("memory", Claim("other-memory"), region)

    def raw_block(self, address: int) -> Claim | None:
        """A block of PyMem_RawMalloc with the debug hooks around it, if the address is its user's
        pointer.
        """
        try:
            header = self._memory.read(address - debug_hooks.HEADER, debug_hooks.HEADER)
            size = int.from_bytes(header[:8], "big")
            if header[8:9] != b"r" or header[9:] != bytes([fills.GUARD]) * 7 or size >= MAX_CHUNK:
                return None
            trailer = self._memory.read(address + size, debug_hooks.TRAILER)
        except MemoryFault:
            return None
        is_intact = trailer == bytes([fills.GUARD]) * 8
        return Claim("raw-block", size=size, is_overrun=not is_intact)

    def _chunk(self, address: int) -> Claim | None:
        """What glibc's own header says, should the address be a malloc'ed pointer."""
        if address % 16:
            return None
        try:
            size = int.from_bytes(self._memory.read(address - 8, 8), "little") & ~CHUNK_FLAGS
            if size < 32 or size % 16 or size > MAX_CHUNK:
                return None
            following = int.from_bytes(self._memory.read(address - 8 + size, 8), "little")
        except MemoryFault:
            return None
        return Claim("glibc-chunk", size=size - 8, in_use=bool(following & PREVIOUS_IN_USE))
