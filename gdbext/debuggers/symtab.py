"""The symbol tables of ELF files, read without a debugger: ``.symtab`` and ``.dynsym``.

A debugger that is asked for a variable reads the debug information of the source file that has it, which takes up to 100 ms.
The linker's table has the address and size of each, and finding one name in it takes 1 ms.
"""

from __future__ import annotations

import contextlib
import functools
import mmap
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

SHT_SYMTAB, SHT_DYNSYM = 2, 11
STT_OBJECT, STT_FUNC, STT_FILE = 1, 2, 4
STB_LOCAL = 0
SYMBOL = struct.Struct("<IBBHQQ")
VALUE = 8
"""Offset of st_value in it."""
SECTION = struct.Struct("<IIQQQQIIQQ")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
PT_LOAD = 1


class Entry(NamedTuple):
    """A symbol.  ``value`` is an address in the file's own terms (see :attr:`SymbolTable.start`)."""

    name: str
    value: int
    size: int
    is_local: bool


class _Table(NamedTuple):
    """Offsets in the file: of each entry, and of the names' first and last byte."""

    entries: range
    names: int
    names_end: int


class SymbolTable:
    """The symbols of one ELF file.  A file that is none, or has none, has no symbols."""

    def __init__(self, path: str) -> None:
        self.start = 0
        """The file's own address of its first byte: where it is loaded, less this, is to be added to symbols' values."""
        self._data: bytes | mmap.mmap = b""
        self._tables: list[_Table] = []
        # Cut short, or not a file at all: what could be read counts.
        with contextlib.suppress(OSError, ValueError, struct.error):
            with open(path, "rb") as stream:
                self._data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            self._read_headers()

    def _read_headers(self) -> None:
        data = self._data
        if data[:6] != b"\x7fELF\x02\x01":
            return
        segments_at, sections_at = struct.unpack_from("<QQ", data, 32)
        segment_size, segment_count, section_size, section_count = struct.unpack_from("<HHHH", data, 54)
        segments = (PROGRAM_HEADER.unpack_from(data, segments_at + i * segment_size) for i in range(segment_count))
        self.start = next((address - offset for kind, _, offset, address, *_ in segments if kind == PT_LOAD), 0)
        sections = [SECTION.unpack_from(data, sections_at + i * section_size) for i in range(section_count)]
        for wanted in (SHT_SYMTAB, SHT_DYNSYM):
            for _, kind, _, _, offset, size, link, *_ in sections:
                if kind == wanted and link < section_count:
                    names, names_size = sections[link][4:6]
                    entries = range(offset, min(offset + size, len(data) - SYMBOL.size + 1), SYMBOL.size)
                    self._tables.append(_Table(entries, names, names + names_size))

    def find(self, name: str, file: str | None = None) -> Iterator[Entry]:
        """The functions and variables of that name.

        ``file`` restricts them to local symbols of that source file (its last part counts).
        """
        for table in self._tables:
            # The linker lets a name be the tail of a longer one.
            for place in _places(self._data, name.encode() + b"\0", table.names, table.names_end):
                for at in _places(self._data, struct.pack("<I", place - table.names), table.entries.start, table.entries.stop):
                    entry = self._entry(table, at)
                    if entry and (file is None or (entry.is_local and self._file_of(table, at) == os.path.basename(file))):
                        yield entry

    def at(self, value: int) -> Iterator[Entry]:
        """The functions and variables that start at that address."""
        for table in self._tables:
            for place in _places(self._data, struct.pack("<Q", value), table.entries.start, table.entries.stop):
                entry = self._entry(table, place - VALUE)
                if entry and entry.value == value:
                    yield entry

    def _entry(self, table: _Table, at: int) -> Entry | None:
        """The defined function or variable whose symbol stands at that offset of the file, if one does."""
        if at not in table.entries:
            return None
        name, info, _, section, value, size = SYMBOL.unpack_from(self._data, at)
        if info & 15 not in (STT_OBJECT, STT_FUNC) or not section:
            return None
        return Entry(self._text(table.names + name), value, size, info >> 4 == STB_LOCAL)

    def _file_of(self, table: _Table, at: int) -> str | None:
        """The source file of a local symbol: that of the STT_FILE symbol before it."""
        for before in range(at - SYMBOL.size, table.entries.start - 1, -SYMBOL.size):
            name, info, *_ = SYMBOL.unpack_from(self._data, before)
            if info & 15 == STT_FILE:
                return self._text(table.names + name)
        return None

    def _text(self, at: int) -> str:
        return self._data[at : self._data.find(b"\0", at)].decode(errors="replace")


def _places(data: bytes | mmap.mmap, text: bytes, first: int, last: int) -> Iterator[int]:
    """Where the text stands."""
    at = data.find(text, first, last)
    while at != -1:
        yield at
        at = data.find(text, at + 1, last)


def read(path: str) -> SymbolTable:
    """The file's symbols; kept until the file is changed."""
    try:
        changed = os.stat(path)
    except OSError:
        return SymbolTable(os.devnull)
    return _cached(path, changed.st_mtime_ns, changed.st_size)


@functools.lru_cache(maxsize=64)
def _cached(path: str, _changed: int, _size: int) -> SymbolTable:
    return SymbolTable(path)
