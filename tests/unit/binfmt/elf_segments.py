"""Tiny ELF files and cores, made of a few hundred bytes."""

from __future__ import annotations

import struct
from pathlib import Path

PAGE = 4096
BASE = 0x5550_0000_0000
PT_LOAD, PT_NOTE = 1, 4
AT_PHDR = 3


def note(owner: bytes, kind: int, content: bytes) -> bytes:
    name = owner + b"\0"
    padded = name + bytes(-len(name) % 4)
    return (
        struct.pack("<III", len(name), len(content), kind)
        + padded
        + content
        + bytes(-len(content) % 4)
    )


def elf(kind: int, segments: list[tuple[int, int, int, bytes, int]]) -> bytes:
    """An ELF file of segments (type, flags, address, content, size in memory), contents on pages of
    their own.
    """
    count = len(segments)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", kind, 62, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0
    )
    offset = (64 + 56 * count + PAGE - 1) // PAGE * PAGE
    table, body = b"", b""
    for segment_type, flags, address, content, size in segments:
        table += struct.pack(
            "<IIQQQQQQ",
            segment_type,
            flags,
            offset + len(body),
            address,
            0,
            len(content),
            size,
            PAGE,
        )
        body += content + bytes(-len(content) % PAGE)
    return (header + table).ljust(offset, b"\0") + body


def program(build_id: bytes | None = b"\x11" * 20, marker: bytes = b"") -> bytes:
    """One page: a position-independent program with a build id in its first page."""
    content = note(b"GNU", 3, build_id) if build_id else note(b"GNU", 1, b"none")
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    table = struct.pack("<IIQQQQQQ", PT_NOTE, 4, 120, 120, 0, len(content), len(content), 4)
    return (header + table + content + marker).ljust(PAGE, b"\0")


def core(
    path: str,
    image: bytes | None,
    *,
    threads: int = 1,
    auxv: bool = True,
    name: bytes = b"python",
    others: dict[str, tuple[int, bytes]] | None = None,
) -> bytes:
    """A core of a program mapped from ``path`` at BASE; ``others`` are libraries: path to (address,
    first page).
    """
    mapped = {path: (BASE, image), **(others or {})}
    table = b"".join(struct.pack("<QQQ", start, start + PAGE, 0) for start, _ in mapped.values())
    files = (
        struct.pack("<QQ", len(mapped), PAGE) + table + b"".join(p.encode() + b"\0" for p in mapped)
    )
    notes = b"".join(note(b"CORE", 1, bytes(336)) for _ in range(threads))
    notes += note(
        b"CORE",
        3,
        bytes(40) + name.ljust(16, b"\0") + (path.encode()[:79] + b" x.py").ljust(80, b"\0")[:80],
    )
    notes += note(b"CORE", 0x46494C45, files)
    if auxv:
        notes += note(b"CORE", 6, struct.pack("<QQQQ", AT_PHDR, BASE + 64, 0, 0))
    segments = [(PT_NOTE, 0, 0, notes, 0)]
    segments += [(PT_LOAD, 4, start, page or b"", PAGE) for start, page in mapped.values()]
    return elf(4, segments)


def write(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)
