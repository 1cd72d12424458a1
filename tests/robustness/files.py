"""Damage to files: cores that are cut short or overwritten, hostile notes, programs whose debug
information or build id lies.

Equal seeds give equal damage.
"""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

PT_NOTE = 4
ELF_HEADER, PROGRAM_HEADER, SECTION_HEADER = 64, 56, 64
HOSTILE = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
HEADERS = 1 << 16
"""Bytes at a core's start that are headers and notes."""
DEBUGGING = (".debug_", ".eh_frame", ".symtab", ".strtab", ".dynsym", ".gnu_debug")


@dataclass(frozen=True, kw_only=True)
class Files:
    """What to open: copies that may be damaged, or another program altogether."""

    core: Path
    executable: Path | None = None


def copy(source: Path, folder: Path) -> Path:
    """A copy with the holes of the source."""
    target = folder / source.name
    subprocess.run(
        ["cp", "--sparse=always", "--reflink=auto", "-L", str(source), str(target)], check=True
    )
    return target


def truncated(chance: random.Random, core: Path, _program: Path, folder: Path) -> Files:
    """Within the headers, anywhere, or in the last megabyte."""
    made = copy(core, folder)
    size = made.stat().st_size
    places = (chance.randrange(4096), chance.randrange(size), size - chance.randrange(1 << 20))
    with made.open("r+b") as stream:
        stream.truncate(max(chance.choice(places), 0))
    return Files(core=made)


def overwritten(chance: random.Random, core: Path, _program: Path, folder: Path) -> Files:
    """Bytes anywhere in the core."""
    made = copy(core, folder)
    with made.open("r+b") as stream:
        _scribble(chance, stream, [(0, made.stat().st_size)])
    return Files(core=made)


def headers(chance: random.Random, core: Path, _program: Path, folder: Path) -> Files:
    """Bytes in the core's headers and notes."""
    made = copy(core, folder)
    with made.open("r+b") as stream:
        _scribble(chance, stream, [(0, HEADERS)])
    return Files(core=made)


def notes(chance: random.Random, core: Path, _program: Path, folder: Path) -> Files:
    """Sizes, types and contents of notes that no kernel writes: threads, registers, maps."""
    made = copy(core, folder)
    with made.open("r+b") as stream:
        found = [part for part in _notes(stream) if part[1] >= 16]
        for _ in range(chance.choice((1, 3, 20))):
            start, size = chance.choice(found)
            place = start + chance.randrange(size // 4) * 4
            if chance.randrange(3):
                # The header of a note: sizes of name and content, type.
                place = chance.choice(_note_headers(stream, start, size)) + chance.choice((0, 4, 8))
            stream.seek(place)
            stream.write(struct.pack("<I", chance.choice((*HOSTILE, chance.getrandbits(32)))))
    return Files(core=made)


def debugging(chance: random.Random, core: Path, program: Path, folder: Path) -> Files:
    """The program's debug information, or symbols where it has none."""
    made = copy(program, folder)
    with made.open("r+b") as stream:
        spans = [
            (start, size)
            for name, start, size in _sections(stream)
            if name.startswith(DEBUGGING) and size
        ]
        _scribble(chance, stream, [chance.choice(spans)] if chance.randrange(2) else spans)
    return Files(core=core, executable=made)


def build_id(chance: random.Random, core: Path, program: Path, folder: Path) -> Files:
    """The program's build id is another, or its note is impossible."""
    made = copy(program, folder)
    with made.open("r+b") as stream:
        spans = [s[1:] for s in _sections(stream) if s[0] == ".note.gnu.build-id"]
        for start, size in spans:
            stream.seek(start)
            if chance.randrange(2):
                stream.write(struct.pack("<I", chance.choice(HOSTILE)) * chance.choice((1, 2, 3)))
            else:
                stream.seek(start + 16)
                stream.write(chance.randbytes(max(size - 16, 0)))
    return Files(core=core, executable=made)


def other_program(chance: random.Random, core: Path, _program: Path, _folder: Path) -> Files:
    """A program that is not the core's, or none."""
    return Files(
        core=core, executable=Path(chance.choice((sys.executable, "/bin/true", str(core))))
    )


KINDS: Mapping[str, Callable[[random.Random, Path, Path, Path], Files]] = {
    "truncated": truncated,
    "overwritten": overwritten,
    "headers": headers,
    "notes": notes,
    "debug information": debugging,
    "build id": build_id,
    "other program": other_program,
}


def _scribble(chance: random.Random, stream: BinaryIO, spans: list[tuple[int, int]]) -> None:
    """A few to two hundred runs of bytes, in spans of (offset, size)."""
    for _ in range(chance.choice((1, 10, 200))):
        start, size = chance.choice(spans)
        stream.seek(start + chance.randrange(size))
        stream.write(chance.randbytes(chance.choice((1, 8, 64))))


def _at(stream: BinaryIO, form: str, place: int) -> tuple[int, ...]:
    stream.seek(place)
    return struct.unpack(form, stream.read(struct.calcsize(form)))


def _notes(stream: BinaryIO) -> list[tuple[int, int]]:
    """(offset, size) of each segment of notes."""
    (start,) = _at(stream, "<Q", 32)
    (count,) = _at(stream, "<H", 56)
    found = []
    for number in range(count):
        kind, _, offset, _, _, size = _at(stream, "<IIQQQQ", start + number * PROGRAM_HEADER)
        if kind == PT_NOTE:
            found.append((offset, size))
    return found


def _note_headers(stream: BinaryIO, start: int, size: int) -> list[int]:
    """Where each note of a segment begins, as far as they are whole."""
    found, place = [], start
    while place + 12 <= start + size:
        found.append(place)
        name, content, _ = _at(stream, "<III", place)
        place += 12 + (name + 3 & ~3) + (content + 3 & ~3)
    return found


def _sections(stream: BinaryIO) -> list[tuple[str, int, int]]:
    """(name, offset, size) of those that have bytes in the file."""
    (start,) = _at(stream, "<Q", 40)
    count, names = _at(stream, "<HH", 60)
    rows = [_at(stream, "<IIQQQQ", start + n * SECTION_HEADER) for n in range(count)]
    stream.seek(rows[names][4])
    texts = stream.read(rows[names][5])
    return [
        (texts[row[0] : texts.index(b"\0", row[0])].decode(), row[4], row[5])
        for row in rows
        if row[1] not in (0, 8)  # SHT_NULL, SHT_NOBITS
    ]
