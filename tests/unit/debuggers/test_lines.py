"""Line tables made by hand: several rows for one address, two sequences, and both forms of the list
of files.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from gdbext.binfmt import sections
from gdbext.binfmt.dwarf.entries import Dwarf
from gdbext.binfmt.dwarf.lines import Lines
from unit.binfmt.elf_sections import elf

STRING, UDATA, DATA16, SEC_OFFSET = 0x08, 0x0F, 0x1E, 0x17
BASE, RANGE, FIRST_SPECIAL = -5, 14, 13
OPERANDS = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])


def start(address: int) -> bytes:
    return b"\0\x09\x02" + struct.pack("<Q", address)


def special(advance: int, lines: int) -> bytes:
    return bytes([FIRST_SPECIAL + RANGE * advance + lines - BASE])


END = b"\0\x01\x01"
COPY = b"\x01"
PROGRAM = (
    start(0x1100)
    + special(0, 2)  # own.c:3
    + b"\x04\x02\x03\xcd\x02"  # file 2, line + 333
    + special(4, 0)  # 0x1104: head.h:336
    + b"\x04\x01\x03\xb7\x7d"  # file 1, line - 329
    + COPY  # 0x1104 again: own.c:7
    + b"\x06\x0a"  # no change of the place
    + b"\x08"  # const_add_pc: 17
    + special(0, 1)  # 0x1115: own.c:8
    + b"\x02\x06"  # advance_pc by 6
    + b"\x09\x05\x00"  # fixed_advance_pc by 5
    + END  # 0x1120
    + start(0x1120)
    + b"\x03\x27"
    + COPY  # 0x1120: own.c:40
    + b"\x02\x10"
    + END
    + start(0x1080)
    + b"\x03\xe3\x00"
    + COPY  # 0x1080: own.c:100
    + b"\x02\x08"
    + END
)


def table(version: int) -> bytes:
    if version >= 5:
        names = b"\x01" + bytes([1, STRING]) + b"\x02" + b"/build\0" + b"include\0"
        names += b"\x03" + bytes([1, STRING, 2, UDATA, 5, DATA16]) + b"\x03"
        names += (
            b"own.c\0\0" + bytes(16) + b"src/../own.c\0\0" + bytes(16) + b"head.h\0\1" + bytes(16)
        )
    else:
        names = b"include\0\0" + b"own.c\0\0\0\0" + b"head.h\0\1\0\0" + b"\0"
    rest = bytes([1, 1, 1, BASE & 0xFF, RANGE, FIRST_SPECIAL]) + OPERANDS + names
    body = (
        struct.pack("<H", version)
        + (b"\x08\0" if version >= 5 else b"")
        + struct.pack("<I", len(rest))
        + rest
        + PROGRAM
    )
    return struct.pack("<I", len(body)) + body


def made(folder: Path, version: int, lines: bytes) -> Lines:
    entry = b"\x01" + b"/build\0" + struct.pack("<I", 0)
    info = struct.pack("<IHBBI", 8 + len(entry), 5, 1, 8, 0) + entry
    abbreviations = bytes([1, 0x11, 0, 0x1B, STRING, 0x10, SEC_OFFSET, 0, 0, 0])
    ranges = struct.pack("<IHIBBI", 44, 2, 0, 8, 0, 0) + struct.pack("<QQQQ", 0x1000, 0x1000, 0, 0)
    content = {
        ".debug_info": info,
        ".debug_abbrev": abbreviations,
        ".debug_aranges": ranges,
        ".debug_line": lines,
    }
    path = elf(
        folder / f"program{version}{len(lines)}",
        {name: (1, data, 0) for name, data in content.items()},
    )
    return Lines(Dwarf(sections.read(str(path))))


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (0x107F, None),
        (0x1080, ("/build/own.c", 100)),
        (0x1088, None),
        (0x1100, ("/build/own.c", 3)),
        (0x1103, ("/build/own.c", 3)),
        (0x1104, ("/build/own.c", 7)),
        (0x1114, ("/build/own.c", 7)),
        (0x1115, ("/build/own.c", 8)),
        (0x111F, ("/build/own.c", 8)),
        (0x1120, ("/build/own.c", 40)),
        (0x1130, None),
        (0x3000, None),
    ],
)
def test_the_last_row_of_an_address_is_its_place(
    tmp_path: Path, version: int, address: int, expected: tuple[str, int] | None
) -> None:
    assert made(tmp_path, version, table(version)).at(address) == expected


@pytest.mark.parametrize("version", [4, 5])
def test_files_have_numbers(tmp_path: Path, version: int) -> None:
    lines = made(tmp_path, version, table(version))
    assert lines.file(sections_start(lines), 2) == "/build/include/head.h"
    assert lines.file(sections_start(lines), 9) is None


def sections_start(lines: Lines) -> int:
    unit = lines._dwarf.unit_at(0x1100)
    assert unit is not None
    return unit[0]


def test_a_damaged_table_does_no_harm(tmp_path: Path) -> None:
    whole = table(5)
    for length in range(0, len(whole), 3):
        found = made(tmp_path, 5, whole[:length]).at(0x1104)
        assert found is None or found.line in (1, 3, 7, 336)
