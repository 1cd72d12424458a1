"""A debugger made of bytes: unit tests build a target's memory by hand, in microseconds and without
any debugger.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from gdbext.cpython.interpreter.opcodes import Opcodes, opcodes
from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.layout.tables import LayoutTable
from gdbext.cpython.versions.catalog import shipped
from gdbext.target.protocol import (
    DebuggerError,
    MappedFile,
    MemoryFault,
    Module,
    NativeFrame,
    NativeThread,
    Region,
    Signal,
    Struct,
    Symbol,
    Variable,
)


class FakeMemory:
    """Segments of bytes by start address.

    >>> memory = FakeMemory({0x1000: bytes(16)})
    >>> memory.write(0x1008, struct.pack("<Q", 7)); memory.read(0x1008, 8)[0]
    7
    """

    def __init__(self, segments: dict[int, bytes] | None = None) -> None:
        self.segments = {start: bytearray(data) for start, data in (segments or {}).items()}
        self.reads = 0

    def map(self, start: int, size: int) -> None:
        """Zeroed memory."""
        self.segments[start] = bytearray(size)

    def write(self, address: int, data: bytes) -> None:
        for start, segment in self.segments.items():
            if start <= address and address + len(data) <= start + len(segment):
                segment[address - start : address - start + len(data)] = data
                return
        raise MemoryFault(address, len(data))

    def write_word(self, address: int, value: int) -> None:
        self.write(address, struct.pack("<Q", value & (1 << 64) - 1))

    def read(self, address: int, size: int) -> bytes:
        self.reads += 1
        for start, segment in self.segments.items():
            if start <= address and address + size <= start + len(segment):
                return bytes(segment[address - start : address - start + size])
        raise MemoryFault(address, size)


class FakeDebugger(FakeMemory):
    """A whole target: memory, threads with frames and variables, symbols, a signal; structs come
    from the caller.
    """

    version = "fake 1.0"
    examine = "x/gx"
    kind = "core"
    path: str | None = None
    pid: int | None = None
    executable: str | None = None

    def __init__(self, segments: dict[int, bytes] | None = None) -> None:
        super().__init__(segments)
        self.thread_list: list[NativeThread] = []
        self.frame_lists: dict[int, list[NativeFrame]] = {}
        self.variable_lists: dict[tuple[int, int], list[Variable]] = {}
        self.register_sets: dict[tuple[int, int], dict[str, int]] = {}
        self.stop: Signal | None = None
        self.symbols: dict[str, Symbol] = {}
        self.structs: dict[str, Struct] = {}
        self.module_list: list[Module] = []
        self.values: dict[str, int] = {}
        self.region_list: list[Region] | None = None

    def generation(self) -> int:
        return 0

    def threads(self) -> Sequence[NativeThread]:
        return self.thread_list

    def selected(self) -> tuple[int, int]:
        return self.thread_list[0].lwp, 0

    def frame_number(self, lwp: int, level: int) -> int:
        return level

    def frames(self, lwp: int, limit: int = 256) -> Sequence[NativeFrame]:
        return self.frame_lists.get(lwp, [])[:limit]

    def variables(self, lwp: int, level: int) -> Sequence[Variable]:
        return self.variable_lists.get((lwp, level), [])

    def registers(self, lwp: int, level: int = 0) -> dict[str, int]:
        return self.register_sets.get((lwp, level), {})

    def signal(self) -> Signal | None:
        return self.stop

    def symbol(self, name: str, file: str | None = None) -> Symbol | None:
        return self.symbols.get(name)

    def function(self, name: str) -> Symbol | None:
        return self.symbol(name)

    def symbol_at(self, address: int) -> Symbol | None:
        return next(
            (s for s in self.symbols.values() if s.address <= address < s.address + max(s.size, 1)),
            None,
        )

    def struct(self, name: str) -> Struct | None:
        return self.structs.get(name)

    def has_dwarf(self, address: int) -> bool:
        return bool(self.structs)

    def modules(self) -> Sequence[Module]:
        return self.module_list

    def mapped_files(self) -> Sequence[MappedFile]:
        return []

    def file_build_id(self, path: str) -> str | None:
        return None

    def regions(self) -> Sequence[Region]:
        if self.region_list is not None:
            return self.region_list
        return [Region(start, start + len(data)) for start, data in sorted(self.segments.items())]

    def evaluate(self, expression: str) -> int:
        try:
            return self.values[expression] if expression in self.values else int(expression, 0)
        except ValueError:
            raise DebuggerError(f"`{expression}`: no symbol in current context") from None

    def source(self, file: str, line: int, context: int = 2) -> Sequence[tuple[int, str]]:
        return []


VERSIONS = tuple(facts.name for facts in shipped())
"""The versions that gdbext has the facts of."""


def shipped_table(version: str = "3.13.5", flavour: str = "release") -> LayoutTable:
    """The layouts of a version, to build fake memory with true offsets."""
    return LayoutTable(next(f for f in shipped() if f.name == version).layouts(flavour))


def offsets_of(version: str, flavour: str, **changes: int) -> DebugOffsets:
    """``_Py_DebugOffsets`` as that build has it; ``changes`` replaces entries by
    ``struct.field``.
    """
    facts = next(f for f in shipped() if f.name == version)
    layout = Layout(lambda name: None, None, shipped_table(version, flavour))
    offsets, sizes = {}, {}
    for _, name, field in facts.offsets():
        if layout.find(name) is None:
            continue
        if field is None:
            sizes[name] = layout.size(name)
        elif layout.has(name, field):
            offsets[f"{name}.{field}"] = layout.offset(name, field)
    return DebugOffsets(0, facts.number, True, offsets | changes, sizes, version)


def opcodes_of(minor: int) -> Opcodes:
    """The instructions of the newest version 3.``minor``."""
    facts = [f for f in shipped() if f.number >> 16 & 255 == minor][-1]
    return opcodes(facts.name, facts.opcodes())


__all__ = ["FakeDebugger", "FakeMemory", "offsets_of", "opcodes_of", "shipped_table", "VERSIONS"]
