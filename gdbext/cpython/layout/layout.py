"""Layouts of CPython's structs, each field with the source that it came from, and records read
through them.

A struct is asked for by CPython's name for it.  Fields are named as in C; a nested member by its
dotted path or, where no other member of the struct ends alike, by its last parts (``ob_size`` for
``ob_base.ob_size``).

Example:
    >>> lst = layout.record(memory, "PyListObject", 0x200000A0010)  # doctest: +SKIP
    >>> lst["ob_size"], lst["ob_item"]  # doctest: +SKIP
    (3, 2199024304144)
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import TypeVar

from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.model import Claim
from gdbext.target.protocol import DebuggerError, Field, Memory, Struct

T = TypeVar("T")

ALIASES = {
    "PyInterpreterState": "_is",
    "PyThreadState": "_ts",
    "_PyRuntimeState": "pyruntimestate",
}
"""Names that DWARF may have under another tag."""

CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
"""Unsigned integers of so many bytes, as :mod:`struct` names them."""
PROBE = "PyObject"
"""A debugger that does not know this struct has no DWARF of the interpreter."""


class Source(str, enum.Enum):
    """Where a layout came from, best first."""

    DWARF = "dwarf"
    DEBUG_OFFSETS = "debug-offsets"
    TABLE = "table"

    def __str__(self) -> str:
        return self.value


class UnknownLayout(DebuggerError):
    """A field whose place is not known for this Python: no DWARF, and no shipped table fits."""

    @property
    def claim(self) -> Claim:
        """The message, as a value."""
        return Claim("layout-unknown", message=str(self))


class StructLayout:
    """One struct's size and fields, with the source of each."""

    def __init__(self, name: str, size: int, fields: Mapping[str, tuple[Field, Source]]) -> None:
        self.name = name
        self.size = size
        self._fields = dict(fields)
        self._found: dict[str, tuple[Field, Source] | None] = {}

    def find(self, name: str) -> tuple[Field, Source] | None:
        """The field of that name: the whole dotted path, else the least nested one that ends so."""
        if name not in self._found:
            exact = self._fields.get(name)
            if exact is None:
                tail = "." + name
                ends = [path for path in self._fields if path.endswith(tail)]
                exact = (
                    self._fields[min(ends, key=lambda p: (p.count("."), self._fields[p][0].offset))]
                    if ends
                    else None
                )
            self._found[name] = exact
        return self._found[name]

    def __contains__(self, name: str) -> bool:
        return self.find(name) is not None

    def paths(self) -> list[str]:
        """Every field's whole dotted path."""
        return list(self._fields)

    def field(self, name: str) -> Field:
        """One field.

        Raises:
            UnknownLayout: this Python has no such field.
        """
        found = self.find(name)
        if found is None:
            raise UnknownLayout(f"this Python's {self.name} has no known field {name}")
        return found[0]

    def unpacker(self, *names: str) -> Callable[[bytes, int], tuple[int, ...]]:
        """A function of (bytes, where in them the struct begins) for the fields' values, unsigned:
        for structs that are read in thousands.

        Raises:
            UnknownLayout
        """
        fields = [self.field(name) for name in names]
        units = sorted({(field.offset, field.size) for field in fields})
        code, end = "<", 0
        for offset, size in units:
            if offset < end or size not in CODES:
                return lambda data, at: tuple(
                    _unsigned(field, data[at + field.offset : at + field.offset + field.size])
                    for field in fields
                )
            code += f"{offset - end}x{CODES[size]}"
            end = offset + size
        unpack = struct.Struct(code).unpack_from
        places = [units.index((field.offset, field.size)) for field in fields]
        in_order = itemgetter(*places) if len(places) > 1 else tuple
        bits = [(number, field) for number, field in enumerate(fields) if field.bits]

        def read(data: bytes, at: int) -> tuple[int, ...]:
            found: tuple[int, ...] = in_order(unpack(data, at))
            if not bits:
                return found
            values = list(found)
            for number, field in bits:
                values[number] = values[number] >> field.bit & (1 << field.bits) - 1
            return tuple(values)

        return read

    def offset(self, name: str) -> int:
        """Where a field begins, in bytes.

        Raises:
            UnknownLayout
        """
        return self.field(name).offset


class Record:
    """A struct in memory, read at once; fields are unpacked on demand as unsigned integers."""

    __slots__ = ("_data", "_layout", "address")

    def __init__(self, layout: StructLayout, address: int, data: bytes) -> None:
        self._layout = layout
        self._data = data
        self.address = address

    def __getitem__(self, name: str) -> int:
        return self._get(name, signed=False)

    def __contains__(self, name: str) -> bool:
        return name in self._layout

    def get(self, name: str, default: T) -> int | T:
        """The field, or ``default`` where this Python has none of that name (or its place is not
        known).
        """
        return self[name] if name in self else default  # noqa: SIM401  (this is that `get`)

    def signed(self, name: str) -> int:
        """The field as a signed integer."""
        return self._get(name, signed=True)

    def address_of(self, name: str) -> int:
        """The address of the field itself."""
        return self.address + self._layout.offset(name)

    def raw(self, name: str) -> bytes:
        """The field's bytes."""
        field = self._layout.field(name)
        return self._data[field.offset : field.offset + field.size]

    def _get(self, name: str, signed: bool) -> int:
        field = self._layout.field(name)
        data = self._data[field.offset : field.offset + field.size]
        if signed and not field.bits:
            return int.from_bytes(data, "little", signed=True)
        return _unsigned(field, data)


def _unsigned(field: Field, data: bytes) -> int:
    value = int.from_bytes(data, "little")
    return value >> field.bit & (1 << field.bits) - 1 if field.bits else value


class Layout:
    """All layouts of one Python.

    ``dwarf`` looks a struct up in debug information (None if it has none); ``offsets`` is the
    process's own table; ``table`` the shipped one that fits this version, if any.
    """

    def __init__(
        self,
        dwarf: Callable[[str], Struct | None],
        offsets: DebugOffsets | None = None,
        table: Mapping[str, Struct] | None = None,
    ) -> None:
        self._dwarf = dwarf
        self._table = {} if table is None else table
        self.offsets = offsets
        self._structs: dict[str, StructLayout | None] = {}

    def find(self, name: str) -> StructLayout | None:
        """The struct's layout, None if no source knows it."""
        if name not in self._structs:
            self._structs[name] = self._build(name)
        return self._structs[name]

    def struct(self, name: str) -> StructLayout:
        """The struct's layout.

        Raises:
            UnknownLayout: if no source knows it.
        """
        found = self.find(name)
        if found is None:
            raise UnknownLayout(
                f"the layout of {name} is not known for this Python: it has no DWARF, "
                "and no shipped table fits it"
            )
        return found

    def _build(self, name: str) -> StructLayout | None:
        described = self._dwarf(name) or (self._dwarf(ALIASES[name]) if name in ALIASES else None)
        if described:
            return StructLayout(
                name, described.size, {k: (f, Source.DWARF) for k, f in described.fields.items()}
            )
        shipped = self._table.get(name)
        fields = {k: (f, Source.TABLE) for k, f in shipped.fields.items()} if shipped else {}
        size = shipped.size if shipped else 0
        if self.offsets:
            prefix = name + "."
            size = self.offsets.sizes.get(name, size)
            for key, offset in self.offsets.offsets.items():
                if key.startswith(prefix):
                    field = key[len(prefix) :]
                    ends = (p for p in fields if p.endswith("." + field))
                    path = field if field in fields else next(ends, field)
                    known = fields.get(path)
                    fields[path] = (
                        Field(offset, known[0].size if known else 8),
                        Source.DEBUG_OFFSETS,
                    )
        return StructLayout(name, size, fields) if fields else None

    def offset(self, struct: str, field: str) -> int:
        """Where a field of a struct begins, in bytes.

        Raises:
            UnknownLayout
        """
        return self.struct(struct).offset(field)

    def size(self, struct: str) -> int:
        """The size of a struct in bytes.

        Raises:
            UnknownLayout
        """
        return self.struct(struct).size

    def has(self, struct: str, field: str) -> bool:
        """Whether this Python's struct has the field."""
        found = self.find(struct)
        return found is not None and field in found

    def record(self, memory: Memory, struct: str, address: int) -> Record:
        """Read one struct, in one read.

        Raises:
            UnknownLayout, MemoryFault
        """
        layout = self.struct(struct)
        return Record(layout, address, memory.read(address, layout.size))

    def source(self) -> Source:
        """The weakest source that any struct in use so far came from."""
        order = list(Source)
        used = [
            s for layout in self._structs.values() if layout for _, s in layout._fields.values()
        ]
        return max(used, key=order.index, default=Source.DWARF)
