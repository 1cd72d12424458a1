"""``_Py_DebugOffsets``, the table of offsets that CPython 3.13 and later carry at the start of
``_PyRuntime``.

It does not describe itself: which word holds what is a fact of each version (``offsets.json``, made
from the initialiser in Include/internal/pycore_runtime_init.h of 3.13, pycore_debug_offsets.h
later).  A pre-release may still have another version's order, so that an order is only used where
what it reads can be true.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from gdbext.cpython.versions.catalog import VersionFacts, nearest, version_name
from gdbext.frozen import dataclass
from gdbext.target.protocol import DebuggerError, Memory, MemoryFault

COOKIE = b"xdebugpy"
HEADER = struct.Struct("<8sQQ")
WORD = struct.Struct("<Q")
MAX_SIZE = 1 << 24
"""Of any struct; a runtime state is about 400 KB."""
FIXED = {
    "PyObject.ob_type": 24,
    "PyTupleObject.ob_base.ob_size": 32,
    "PyListObject.ob_base.ob_size": 32,
    "PyBytesObject.ob_base.ob_size": 32,
    "PyFloatObject.ob_fval": 32,
    "PyTypeObject.tp_name": 40,
}
"""What has the same place in every free-threaded build: it follows the object's header."""


class UnreadableRuntime(DebuggerError):
    """There is a ``_PyRuntime``, but not what it begins with.

    A core that was cut short does not have it.
    """


@dataclass(frozen=True)
class DebugOffsets:
    """The table, read.  ``offsets`` maps ``struct.field`` to a byte offset, ``sizes`` a struct to
    its sizeof.
    """

    address: int
    version: int
    """PY_VERSION_HEX."""
    free_threaded: bool
    offsets: dict[str, int]
    sizes: dict[str, int]
    order: str | None = ""
    """The name of the version whose order of fields was used; None where what no known order reads
    can be true.
    """

    @property
    def python_version(self) -> str:
        """``3.13.5``, with a suffix for pre-releases."""
        return version_name(self.version)

    @property
    def minor(self) -> int:
        """The minor version: 13 of 3.13.5."""
        return self.version >> 16 & 255


def read_debug_offsets(
    memory: Memory, runtime: int, learnt: Callable[[], VersionFacts | None] = lambda: None
) -> DebugOffsets:
    """Read the table at ``_PyRuntime``; without entries where no order of fields fits (then
    ``order`` is None).

    ``learnt`` gives what was learnt of this very build, if anything was.

    Raises:
        UnreadableRuntime: when its memory cannot be read.
        DebuggerError: when there is no such table there.
    """
    try:
        cookie, version, free_threaded = HEADER.unpack(memory.read(runtime, HEADER.size))
    except MemoryFault as fault:
        raise UnreadableRuntime(f"_PyRuntime cannot be read: {fault}") from None
    if cookie != COOKIE:
        raise DebuggerError(
            "_PyRuntime has no debug offsets: this Python is older than 3.13 (or its memory is "
            "damaged)"
        )
    if version >> 24 != 3 or free_threaded > 1:
        raise DebuggerError(
            f"_Py_DebugOffsets is damaged: version {version:#x}, free_threaded {free_threaded}"
        )
    if not free_threaded:
        return DebugOffsets(runtime, version, False, {}, {}, None)
    own = learnt()
    for facts in (*([own] if own else []), *nearest(version)):
        entries = facts.offsets()
        if not entries:
            continue
        size = max(at for at, _, _ in entries) + 8
        try:
            data = memory.read(runtime, size)
        except MemoryFault as fault:
            raise UnreadableRuntime(f"_Py_DebugOffsets cannot be read: {fault}") from None
        offsets: dict[str, int] = {}
        sizes: dict[str, int] = {}
        for at, owner, name in entries:
            (value,) = WORD.unpack_from(data, at)
            if name is None:
                sizes[owner] = value
            else:
                offsets[f"{owner}.{name}"] = value
        if _is_possible(offsets, sizes):
            return DebugOffsets(runtime, version, True, offsets, sizes, facts.name)
    return DebugOffsets(runtime, version, True, {}, {}, None)


def _is_possible(offsets: dict[str, int], sizes: dict[str, int]) -> bool:
    """Whether a free-threaded CPython can have these offsets."""
    if any(not 8 <= size <= MAX_SIZE for size in sizes.values()):
        return False
    if any(offsets.get(key, place) != place for key, place in FIXED.items()):
        return False
    return all(
        offset < sizes.get(key.split(".", 1)[0], MAX_SIZE) for key, offset in offsets.items()
    )


def find_runtime(memory: Memory, ranges: list[tuple[int, int]]) -> int | None:
    """The address of ``_PyRuntime``, searched by its cookie in writable mapped ranges, for a binary
    without symbols.

    Only a hit with a plausible version and flag counts, for the cookie's text may stand elsewhere
    too.
    """
    chunk = 1 << 20
    for start, end in ranges:
        at = start
        while at < end:
            size = min(chunk + HEADER.size, end - at)
            try:
                data = memory.read(at, size)
            except MemoryFault:
                break
            hit = data.find(COOKIE)
            while hit != -1:
                if hit + HEADER.size <= len(data):
                    _, version, flag = HEADER.unpack_from(data, hit)
                    if version >> 24 == 3 and version >> 32 == 0 and flag in (0, 1):
                        return at + hit
                hit = data.find(COOKIE, hit + 1)
            at += chunk
    return None
