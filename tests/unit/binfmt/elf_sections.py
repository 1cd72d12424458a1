"""ELF files made byte by byte: symbol tables, debug information, cores."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

from unit.binfmt.elf_segments import note


def elf(path: Path, sections: dict[str, tuple[int, bytes, int]], first: int = 0) -> Path:
    """A file with sections by name: (type, content, index of the section that it goes with;
    sections count from 1).
    """
    names = b"\0" + b"".join(name.encode() + b"\0" for name in [*sections, ".shstrtab"])
    contents = [*((kind, data, link) for kind, data, link in sections.values()), (3, names, 0)]
    body = b""
    headers = [bytes(64)]
    at = 64 + 56
    for name, (kind, data, link) in zip([*sections, ".shstrtab"], contents):
        headers.append(
            struct.pack(
                "<IIQQQQIIQQ",
                names.index(name.encode() + b"\0"),
                kind,
                0,
                0,
                at + len(body),
                len(data),
                link,
                0,
                1,
                0,
            )
        )
        body += data
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH",
        3,
        62,
        1,
        0,
        64,
        at + len(body),
        0,
        64,
        56,
        1,
        64,
        len(headers),
        len(headers) - 1,
    )
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, first, 0, at + len(body), at + len(body), 4096)
    path.write_bytes(header + load + body + b"".join(headers))
    return path


def symbols(*entries: tuple[str, int, int, int, int]) -> dict[str, tuple[int, bytes, int]]:
    """.symtab and .strtab of (name, info, section, value, size); a name that ends an earlier one
    shares its text.
    """
    names = b"\0"
    table = bytes(24)
    for name, info, section, value, size in entries:
        text = name.encode() + b"\0"
        place = names.find(text)
        if place < 0:
            place = len(names)
            names += text
        table += struct.pack("<IBBHQQ", place, info, 0, section, value, size)
    return {".symtab": (2, table, 2), ".strtab": (3, names, 0)}


def status(lwp: int, signal: int, fs_base: int) -> bytes:
    """An NT_PRSTATUS note."""
    body = bytearray(336)
    struct.pack_into("<h", body, 12, signal)
    struct.pack_into("<i", body, 32, lwp)
    struct.pack_into("<Q", body, 112 + 21 * 8, fs_base)
    return note(b"CORE", 1, bytes(body))


def siginfo(number: int, code: int, word: int) -> bytes:
    """An NT_SIGINFO note."""
    return note(
        b"CORE", 0x53494749, struct.pack("<iii4xQ", number, 0, code, word).ljust(128, b"\0")
    )


def program(pid: int, name: bytes) -> bytes:
    """An NT_PRPSINFO note."""
    body = bytearray(136)
    struct.pack_into("<i", body, 24, pid)
    body[40 : 40 + len(name)] = name
    return note(b"CORE", 3, bytes(body))


def core(path: Path, notes: bytes, loads: Sequence[tuple[int, bytes, int]]) -> Path:
    """A core with notes and (address, dumped bytes, size in memory) segments."""
    count = 1 + len(loads)
    at = 64 + 56 * count
    table = struct.pack("<IIQQQQQQ", 4, 0, at, 0, 0, len(notes), 0, 4)
    body = notes
    for address, data, size in loads:
        table += struct.pack("<IIQQQQQQ", 1, 6, at + len(body), address, 0, len(data), size, 4096)
        body += data
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0
    )
    path.write_bytes(header + table + body)
    return path
