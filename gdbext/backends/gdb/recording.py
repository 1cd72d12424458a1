"""Calls of a process under gdb that are noted without a stop: see
:mod:`gdbext.binfmt.x86.detours`.

This writes to the process's code, and has it map memory: only for a process that was started to be
recorded.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import gdb

from gdbext.backends.gdb.threads import WORD, lwp_of, register, selection
from gdbext.binfmt.x86 import detours
from gdbext.target.protocol import DebuggerError

COUNT = 1 << 16
"""Calls that the ring has room for."""
PAGE = 0x1000
AREA = 1 << 16
"""Bytes for the detours of functions that lie near each other."""
NEAR = 1 << 28
"""How far below a function memory for its detour is looked for."""
REACH = 1 << 30
NOP = b"\x90"
MAX_FUNCTION = 1 << 16
SEARCHED = 1 << 13
"""Bytes around a thread pointer in which a thread's own variables lie."""
MAP = (
    "((void *(*)(void *, unsigned long, int, int, int, long)) mmap)({hint}, {size}, 7, 0x22, -1, 0)"
)


class _Area:
    """Memory for detours: where it begins and ends, and the next one's place."""

    def __init__(self, start: int, end: int) -> None:
        self.start = self.next = start
        self.end = end


class Recording:
    """The detours of one process."""

    def __init__(self, offsets: detours.Offsets, states: Mapping[int, int]) -> None:
        """``offsets`` with those of the thread's own variables still to be found: ``states`` are
        the addresses of thread states by LWP.

        Raises:
            DebuggerError: where the process does not show them, or maps no memory.
        """
        self._inferior = gdb.selected_inferior()
        self._offsets = _with_variables(offsets, states)
        memory = _mapped(PAGE + COUNT * detours.ENTRY, 0)
        self._ring = detours.Ring(counter=memory, start=memory + PAGE, count=COUNT)
        self._areas: list[_Area] = []
        self._replaced: dict[int, bytes] = {}

    def add(self, function: int, size: int, passes: int, types: Sequence[int]) -> bool:
        """Have the calls of a function noted; False where its code does not allow that."""
        if not detours.JUMP <= size <= MAX_FUNCTION:
            return False
        code = bytes(self._inferior.read_memory(function, size))
        count = detours.movable(code, size)
        if count is None or _is_at_work_in(function, count):
            return False
        area = self._area(function)
        made = detours.detour(
            function, code[:count], area.next, passes, types, self._ring, self._offsets
        )
        there = detours.jump(function, area.next)
        if made is None or there is None or area.next + len(made) > area.end:
            return False
        self._inferior.write_memory(area.next, made)
        self._inferior.write_memory(function, there.ljust(count, NOP))
        self._replaced[function] = code[:count]
        area.next += (len(made) + 15) & ~15
        return True

    def _area(self, function: int) -> _Area:
        for area in self._areas:
            if abs(area.next - function) < REACH:
                return area
        start = _mapped(AREA, (function - NEAR) & ~(PAGE - 1))
        self._areas.append(_Area(start, start + AREA))
        return self._areas[-1]

    @property
    def seen(self) -> int:
        """How many calls there were."""
        return int.from_bytes(self._read(self._ring.counter, 8), "little")

    def noted(self) -> list[detours.NotedCall]:
        """The last calls, in their order."""
        size = self._ring.count * detours.ENTRY
        return detours.noted_calls(self._read(self._ring.start, size), self.seen)

    def _read(self, address: int, size: int) -> bytes:
        """Raises DebuggerError where the process has ended."""
        try:
            return bytes(self._inferior.read_memory(address, size))
        except gdb.error as error:
            raise DebuggerError(str(error)) from None

    def callers(self, back: int) -> list[str]:
        """The function to which a call returns, those that are inlined there before it."""
        names = []
        with suppress(gdb.error, RuntimeError):
            block = gdb.block_for_pc(back - 1)
            while block is not None:
                if block.function is not None:
                    names.append(block.function.name)
                if block.superblock is None or block.superblock.is_static:
                    break
                block = block.superblock
        return names

    @property
    def is_dead_of_it(self) -> bool:
        """Whether the selected thread is in a detour."""
        pc = int(gdb.parse_and_eval("$pc")) & WORD
        return any(area.start <= pc < area.end for area in self._areas)

    def end(self) -> None:
        """Give the functions their own code again; threads may still be in detours."""
        for function, code in self._replaced.items():
            with suppress(gdb.error):
                self._inferior.write_memory(function, code)
        self._replaced.clear()


def _mapped(size: int, hint: int) -> int:
    """New memory of the process, near ``hint`` where there is room."""
    with suppress(gdb.error), gdb.with_parameter("scheduler-locking", "on"):
        found = int(gdb.parse_and_eval(MAP.format(hint=hint, size=size))) & WORD
        if found < WORD - PAGE:
            return found
    raise DebuggerError("the process maps no memory for the recording")


def _with_variables(offsets: detours.Offsets, states: Mapping[int, int]) -> detours.Offsets:
    """With the offsets of ``_Py_tss_tstate`` and of glibc's thread id from the thread pointer on:
    where all threads have these words that have them at all.
    """
    inferior = gdb.selected_inferior()
    lwps: set[int] | None = None
    current: set[int] | None = None
    with selection():
        for thread in inferior.threads():
            thread.switch()
            base = register(gdb.newest_frame(), "fs_base")
            lwp = lwp_of(thread)
            if not base:
                continue
            after = bytes(inferior.read_memory(base, 0x800))
            found = {
                at for at in range(0, 0x800, 4) if after[at : at + 8] == struct.pack("<Q", lwp)
            }
            found |= {
                at for at in range(0, 0x800, 4) if after[at : at + 4] == struct.pack("<I", lwp)
            }
            lwps = found if lwps is None else lwps & found
            if lwp not in states:
                continue
            before = _before(base)
            there = {
                at - len(before)
                for at in range(0, len(before), 8)
                if before[at : at + 8] == struct.pack("<Q", states[lwp])
            }
            if there:
                current = there if current is None else current & there
    if not lwps or not current:
        raise DebuggerError("where threads keep their thread state is not known")
    return replace(offsets, thread_state=max(current), lwp=min(lwps))


def _before(base: int) -> bytes:
    """The words below a thread pointer, as far down as there are any."""
    for size in (SEARCHED, 4096, 2048, 1024, 512):
        with suppress(gdb.MemoryError):
            return bytes(gdb.selected_inferior().read_memory(base - size, size))
    return b""


def _is_at_work_in(function: int, count: int) -> bool:
    """Whether a thread stands among the first bytes of a function."""
    with selection():
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            pc = register(gdb.newest_frame(), "rip") or 0
            if function < pc < function + count:
                return True
    return False
