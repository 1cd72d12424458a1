"""A core in a small file: gzip, with the holes costing next to nothing."""

from __future__ import annotations

import os
import zlib

BLOCK = 1 << 20
GZIP = 31
"""zlib's wbits for the gzip format."""


def compress(source: str, target: str) -> None:
    """Write ``source`` as gzip.

    A gzip file may have many members, one after the other.  A hole of a megabyte is one that was
    compressed before.

    Raises:
        OSError
    """
    hole = _member(bytes(BLOCK), 9)
    with open(source, "rb", buffering=0) as stream, open(target, "wb") as out:
        size = os.fstat(stream.fileno()).st_size
        at = 0
        while at < size:
            if size - at >= BLOCK and _next_data(stream.fileno(), at, size) >= at + BLOCK:
                out.write(hole)
                at += BLOCK
                continue
            block = os.pread(stream.fileno(), min(BLOCK, size - at), at)
            out.write(_member(block, 4))
            at += len(block)


def _next_data(descriptor: int, at: int, size: int) -> int:
    try:
        return os.lseek(descriptor, at, os.SEEK_DATA)
    except OSError:  # ENXIO: nothing but a hole from here on
        return size


def _member(block: bytes, level: int) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, GZIP)
    return compressor.compress(block) + compressor.flush()
