"""Which thread's C stack an address lies on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from gdbext.target.protocol import NativeThread, Region


class ThreadStacks:
    """Finds threads by addresses on their stacks.

    glibc keeps a thread's descriptor (``fs_base``) at the top of the mapping that is its stack;
    only the main thread's lies elsewhere.  Where that does not decide, the stack pointer does: it
    is the nearest one below the address.
    """

    def __init__(
        self,
        threads: Sequence[NativeThread],
        regions: Callable[[], Sequence[Region]],
        registers: Callable[[int], Mapping[str, int]],
    ) -> None:
        self._threads = threads
        self._read_regions = regions
        self._registers = registers

    def thread_at(self, address: int) -> NativeThread | None:
        """The thread on whose stack ``address`` lies."""
        region = self._region(address)
        if region is None:
            return None
        inside = [t for t in self._threads if t.fs_base and region.start <= t.fs_base < region.end]
        if len(inside) == 1 and address < (inside[0].fs_base or 0):
            return inside[0]
        below = [(sp, lwp) for sp, lwp in self._pointers if region.start <= sp <= address]
        lwp = below[-1][1] if below else None
        return next((t for t in self._threads if t.lwp == lwp), None)

    def _region(self, address: int) -> Region | None:
        position = bisect_right(self._regions, address, key=lambda r: r.start)
        found = self._regions[position - 1] if position else None
        return found if found is not None and address < found.end else None

    @cached_property
    def _regions(self) -> list[Region]:
        return sorted(self._read_regions(), key=lambda r: r.start)

    @cached_property
    def _pointers(self) -> list[tuple[int, int]]:
        """(stack pointer, LWP) of every thread, lowest first."""
        return sorted((self._registers(t.lwp).get("rsp", 0), t.lwp) for t in self._threads)
