"""The symbol tables of ELF files, read without a debugger: ``.symtab`` and ``.dynsym``.

A debugger that is asked for a variable reads the debug information of the source file that has it,
which takes up to 100 ms. The linker's table has the address and size of each, and finding one name
in it takes 1 ms.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from gdbext.binfmt.sections import ElfFile

SHT_SYMTAB, SHT_DYNSYM = 2, 11
STT_OBJECT, STT_FUNC, STT_FILE = 1, 2, 4
STB_LOCAL = 0
SYMBOL = struct.Struct("<IBBHQQ")
VALUE = 8
"""Offset of st_value in it."""


class SymbolEntry(NamedTuple):
    """A symbol.  ``value`` is an address in the file's own terms."""

    name: str
    value: int
    size: int
    is_local: bool


class _Table(NamedTuple):
    """Offsets in the file: of each entry and of their end, and of the names and theirs."""

    entries: range
    end: int
    names: int
    names_end: int


class SymbolTable:
    """The symbols of one ELF file."""

    def __init__(self, file: ElfFile) -> None:
        self.file = file
        self._data = file.data
        self._tables: list[_Table] = []
        for wanted in (SHT_SYMTAB, SHT_DYNSYM):
            for kind, start, end, link in file.sections:
                if kind == wanted and link < len(file.sections):
                    names = file.sections[link]
                    self._tables.append(
                        _Table(
                            range(start, end - SYMBOL.size + 1, SYMBOL.size),
                            end,
                            names.start,
                            names.end,
                        )
                    )

    def find(self, name: str, file: str | None = None) -> Iterator[SymbolEntry]:
        """The functions and variables of that name.

        ``file`` restricts them to local symbols of that source file (its last part counts).
        """
        for table in self._tables:
            # The linker lets a name be the tail of a longer one.  It may come from a file's name,
            # which need not be text.
            wanted = name.encode(errors="surrogateescape") + b"\0"
            for place in places(self._data, wanted, table.names, table.names_end):
                for at in places(
                    self._data,
                    struct.pack("<I", place - table.names),
                    table.entries.start,
                    table.end,
                ):
                    entry = self._entry(table, at)
                    if entry and (
                        file is None
                        or (entry.is_local and self._file_of(table, at) == os.path.basename(file))
                    ):
                        yield entry

    def at(self, value: int) -> Iterator[SymbolEntry]:
        """The functions and variables that start at that address."""
        for table in self._tables:
            for place in places(
                self._data, struct.pack("<Q", value), table.entries.start, table.end
            ):
                entry = self._entry(table, place - VALUE)
                if entry and entry.value == value:
                    yield entry

    def _entry(self, table: _Table, at: int) -> SymbolEntry | None:
        """The defined function or variable whose symbol stands at that offset of the file, if one
        does.
        """
        if at not in table.entries:
            return None
        name, info, _, section, value, size = SYMBOL.unpack_from(self._data, at)
        if info & 15 not in (STT_OBJECT, STT_FUNC) or not section:
            return None
        return SymbolEntry(self.file.text(table.names + name), value, size, info >> 4 == STB_LOCAL)

    def _file_of(self, table: _Table, at: int) -> str | None:
        """The source file of a local symbol: that of the STT_FILE symbol before it."""
        for before in range(at - SYMBOL.size, table.entries.start - 1, -SYMBOL.size):
            name, info, *_ = SYMBOL.unpack_from(self._data, before)
            if info & 15 == STT_FILE:
                return self.file.text(table.names + name)
        return None


def places(data: bytes | mmap.mmap, text: bytes, first: int, last: int) -> Iterator[int]:
    """Where the text stands in data[first:last]."""
    at = data.find(text, first, last)
    while at != -1:
        yield at
        at = data.find(text, at + 1, last)
