"""Does a C extension module take any lock at all?  If it does not, none of its mutable objects is protected.

CPython's locks are functions of the interpreter, so a shared object that uses one has to import it: its dynamic symbol table
tells.  Where the file is not at hand, a table of what was measured for that version does.
"""

from __future__ import annotations

import functools
import re
import struct
from typing import BinaryIO

SHT_DYNSYM = 11
SHN_UNDEF = 0
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
MAX_SECTIONS = 65_536
MAX_BYTES = 64 << 20
# The slow paths of the inline functions in Include/cpython/{lock,critical_section}.h are functions, so every use shows.
LOCKING = re.compile(
    rb"_?Py(CriticalSection|Mutex|RecursiveMutex|RWMutex|RawMutex|OnceFlag|SeqLock|ParkingLot|Event|Eval_StopTheWorld|Thread_acquire_lock)"
    rb"|pthread_(mutex|rwlock|spin)_\w*lock"
)

_MEASURED = {
    "3.13": frozenset(
        [
            "_heapq", "array", "_elementtree", "pyexpat", "_csv", "_json", "_struct", "_ctypes", "_sqlite3", "_socket", "mmap",
            "_datetime", "_decimal", "_bisect", "_multibytecodec", "readline", "unicodedata", "_curses",
        ]
    ),
}  # fmt: skip
"""Of an interpreter's own modules, those that import no locking function (measured on 3.13.5)."""


def modules_without_locks(version: str) -> frozenset[str]:
    """Names of the standard library's C modules that take no lock in this version; empty where nothing is known.

    >>> "_heapq" in modules_without_locks("3.13.5")
    True
    """
    return _MEASURED.get(version.rpartition(".")[0], frozenset())


@functools.cache
def takes_locks(path: str) -> bool | None:
    """Whether the shared object at ``path`` imports a locking function.

    None if it cannot be told: no such file, no ELF file with a dynamic symbol table, or the interpreter itself, which has
    the locks and does not import them.
    """
    try:
        with open(path, "rb") as stream:
            imported, defined = _dynamic_symbols(stream)
    except (OSError, ValueError, struct.error):
        return None
    if any(LOCKING.match(name) for name in defined):
        return None
    return any(LOCKING.match(name) for name in imported)


def _dynamic_symbols(stream: BinaryIO) -> tuple[set[bytes], set[bytes]]:
    """(imported, defined) names of a 64-bit little-endian ELF file's ``.dynsym``.

    Raises:
        ValueError: when there is none.
    """
    header = stream.read(64)
    if header[:6] != b"\x7fELF\x02\x01":
        raise ValueError("no 64-bit little-endian ELF file")
    (offset,) = struct.unpack_from("<Q", header, 40)
    size, count = struct.unpack_from("<HH", header, 58)
    if size < SECTION.size or count > MAX_SECTIONS:
        raise ValueError("impossible section headers")
    stream.seek(offset)
    table = stream.read(size * count)
    sections = [SECTION.unpack_from(table, i * size) for i in range(len(table) // size)]
    symbols = next((s for s in sections if s[1] == SHT_DYNSYM), None)
    if symbols is None or symbols[6] >= len(sections):
        raise ValueError("no dynamic symbols")
    texts = _section(stream, sections[symbols[6]])
    imported: set[bytes] = set()
    defined: set[bytes] = set()
    content = _section(stream, symbols)
    for name, _, _, section, _, _ in SYMBOL.iter_unpack(
        content[: len(content) // SYMBOL.size * SYMBOL.size]
    ):
        text = texts[name : texts.find(b"\0", name)]
        (imported if section == SHN_UNDEF else defined).add(text)
    return imported, defined


def _section(stream: BinaryIO, header: tuple[int, ...]) -> bytes:
    offset, size = header[4], header[5]
    if size > MAX_BYTES:
        raise ValueError("an impossibly large section")
    stream.seek(offset)
    return stream.read(size)
