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
SECTION = struct.Struct("<IIQQQQIIQQ")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
PT_LOAD = 1


class Entry(NamedTuple):
    """A symbol: ``value`` counts from where the file's own addresses start (see :attr:`SymbolTable.start`)."""

    value: int
    size: int
    is_local: bool


class SymbolTable:
    """The symbols of one ELF file.  A file that is none, or has none, has no symbols."""

    def __init__(self, path: str) -> None:
        self.start = 0
        """The file's own address of its first byte: where it is loaded, less this, is to be added to symbols' values."""
        self._data: bytes | mmap.mmap = b""
        self._tables: list[tuple[range, int, int]] = []
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
                    self._tables.append((entries, names, names + names_size))

    def find(self, name: str, file: str | None = None) -> Entry | None:
        """The function or variable of that name, a global one before local ones.

        ``file`` restricts it to local symbols of that source file (its last part counts).
        """
        for entries, first, last in self._tables:
            found = []
            # The linker lets a name be the tail of a longer one.
            for place in _places(self._data, name.encode() + b"\0", first, last):
                for at in _places(self._data, struct.pack("<I", place - first), entries.start, entries.stop):
                    if at not in entries:
                        continue
                    _, info, _, section, value, size = SYMBOL.unpack_from(self._data, at)
                    is_local = info >> 4 == STB_LOCAL
                    if info & 15 not in (STT_OBJECT, STT_FUNC) or not section:
                        continue
                    if file is None or (is_local and self._file_of(at, entries, first) == os.path.basename(file)):
                        found.append(Entry(value, size, is_local))
            if found:
                return min(found, key=lambda entry: entry.is_local)
        return None

    def _file_of(self, at: int, entries: range, names: int) -> str | None:
        """The source file of a local symbol: that of the STT_FILE symbol before it."""
        for before in range(at - SYMBOL.size, entries.start - 1, -SYMBOL.size):
            name, info, *_ = SYMBOL.unpack_from(self._data, before)
            if info & 15 == STT_FILE:
                start = names + name
                return self._data[start : self._data.find(b"\0", start)].decode(errors="replace")
        return None


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
