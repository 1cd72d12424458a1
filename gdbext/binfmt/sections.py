"""An ELF file on disk: its sections by name, its bytes mapped and not read."""

from __future__ import annotations

import contextlib
import functools
import mmap
import os
import struct
from typing import NamedTuple

HEADER = struct.Struct("<IIQQQQIIQQ")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
PT_LOAD = 1
SHF_COMPRESSED = 1 << 11
DAMAGE = (ValueError, struct.error, IndexError, OverflowError)
"""What offsets and sizes that are not the file's own lead to."""


class Section(NamedTuple):
    """Where a section is in the file.  ``link`` is the index of the section that it goes with."""

    type: int
    start: int
    end: int
    link: int


class ElfFile:
    """One file.  What is not ELF, or is cut short, has no sections.

    ``names`` has no compressed sections, ``all_names`` has their names, too.
    """

    def __init__(self, path: str = os.devnull) -> None:
        self.data: bytes | mmap.mmap = b""
        self.first = 0
        """The file's own address of its first byte: where it is loaded, less this, is to be added
        to its addresses.
        """
        self.sections: list[Section] = []
        self.names: dict[str, Section] = {}
        self.all_names: set[str] = set()
        with contextlib.suppress(OSError, *DAMAGE):
            with open(path, "rb") as stream:
                self.data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            self._read()

    @classmethod
    def of_bytes(cls, data: bytes) -> ElfFile:
        """A file that lies in memory, as one that another has packed into a section."""
        file = cls()
        file.data = data
        with contextlib.suppress(*DAMAGE):
            file._read()
        return file

    def _read(self) -> None:
        data = self.data
        if data[:6] != b"\x7fELF\x02\x01":
            return
        segments_at, sections_at = struct.unpack_from("<QQ", data, 32)
        segment_size, segment_count, section_size, section_count, names_index = struct.unpack_from(
            "<HHHHH", data, 54
        )
        segments = (
            PROGRAM_HEADER.unpack_from(data, segments_at + i * segment_size)
            for i in range(segment_count)
        )
        self.first = next(
            (address - offset for kind, _, offset, address, *_ in segments if kind == PT_LOAD), 0
        )
        headers = [
            HEADER.unpack_from(data, sections_at + i * section_size) for i in range(section_count)
        ]
        self.sections = [Section(h[1], h[4], min(h[4] + h[5], len(data)), h[6]) for h in headers]
        names_at = self.sections[names_index].start
        for section, (name, _, flags, *_) in zip(self.sections, headers):
            text = self.text(names_at + name)
            self.all_names.add(text)
            if not flags & SHF_COMPRESSED:
                self.names[text] = section

    def text(self, at: int) -> str:
        """The NUL-terminated text at that offset of the file."""
        return self.data[at : self.data.find(b"\0", at)].decode(errors="replace")


def read(path: str) -> ElfFile:
    """The file; kept until it is changed."""
    try:
        now = os.stat(path)
    except OSError:
        return ElfFile(os.devnull)
    return _cached(path, now.st_mtime_ns, now.st_size)


@functools.lru_cache(maxsize=64)
def _cached(path: str, _changed: int, _size: int) -> ElfFile:
    return ElfFile(path)
