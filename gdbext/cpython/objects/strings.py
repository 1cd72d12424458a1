"""Text and bytes from a target's memory (CPython's Include/cpython/unicodeobject.h,
Include/cpython/bytesobject.h).

A ``str`` holds its characters in one of three places: right behind ``PyASCIIObject`` when all are
ASCII, right behind ``PyCompactUnicodeObject`` when it is compact, else (instances of subclasses)
where ``PyUnicodeObject.data`` points.
"""

from __future__ import annotations

import sys
from array import array

from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault

ELLIPSIS = "…"
MAX_LENGTH = 1 << 40
_CHUNK = 64


@dataclass(frozen=True)
class StrState:
    """A ``str``'s bookkeeping: ``kind`` is bytes per character, ``data`` the address of the first
    of ``length`` characters.
    """

    length: int
    kind: int
    compact: bool
    ascii: bool
    interned: int
    data: int

    @property
    def is_legal(self) -> bool:
        """Whether CPython could have made this."""
        return (
            self.kind in (1, 2, 4)
            and self.interned <= 3
            and 0 <= self.length < MAX_LENGTH
            and not (self.ascii and self.kind != 1)
        )


def read_str_state(memory: Memory, layout: Layout, address: int) -> StrState:
    """The state of the ``str`` at ``address``, whatever stands there.

    Raises:
        MemoryFault, UnknownLayout
    """
    if not layout.has("PyASCIIObject", "state.kind"):
        return _state_by_version(memory, layout, address)
    head = layout.record(memory, "PyASCIIObject", address)
    compact, is_ascii = bool(head["state.compact"]), bool(head["state.ascii"])
    if compact:
        data = address + layout.size("PyASCIIObject" if is_ascii else "PyCompactUnicodeObject")
    else:
        data = int.from_bytes(
            memory.read(address + layout.offset("PyUnicodeObject", "data"), 8), "little"
        )
    return StrState(
        head["length"], head["state.kind"], compact, is_ascii, head["state.interned"], data
    )


def _state_by_version(memory: Memory, layout: Layout, address: int) -> StrState:
    """Without the bit-fields' places: ``_Py_DebugOffsets`` has the state word's, and its encoding
    goes by the minor version.
    """
    struct = layout.struct("PyUnicodeObject")
    at_state = struct.offset("state")
    length = int.from_bytes(memory.read(address + struct.offset("length"), 8), "little")
    state = int.from_bytes(memory.read(address + at_state, 4), "little")
    if layout.offsets is not None and layout.offsets.minor >= 14:
        interned, rest = state & 255, state >> 8
    else:
        interned, rest = state & 3, state >> 2
    kind, compact, is_ascii = rest & 7, bool(rest & 8), bool(rest & 16)
    # The state ends PyASCIIObject, padded to a word; PyCompactUnicodeObject adds two words,
    # PyUnicodeObject the pointer.
    data = address + at_state + (8 if is_ascii else 24)
    if not compact:
        data = int.from_bytes(memory.read(address + at_state + 24, 8), "little")
    return StrState(length, kind, compact, is_ascii, interned, data)


def read_str(memory: Memory, layout: Layout, address: int, limit: int = 1000) -> str | None:
    """The text of the ``str`` at ``address``; None if no ``str`` can look like that: each ends with
    a NUL, for one.

    Of a longer text the first ``limit`` characters and an ``…`` are given.  The object's type is
    not looked at.
    """
    try:
        state = read_str_state(memory, layout, address)
        if not state.is_legal:
            return None
        if any(memory.read(state.data + state.length * state.kind, state.kind)):
            return None
        count = min(state.length, limit)
        text = decode_text(
            memory.read(state.data, count * state.kind) if count else b"", state.kind
        )
    except (MemoryFault, UnknownLayout, ValueError):
        return None
    if state.ascii and not text.isascii():
        return None
    return text if count == state.length else text + ELLIPSIS


def decode_text(data: bytes, kind: int) -> str:
    """Characters of ``kind`` bytes each.

    Raises:
        ValueError: when one of them is not a code point.
    """
    if kind == 1:
        return data.decode("latin-1")
    codes = array("H" if kind == 2 else "I", data)
    if max(codes, default=0) > sys.maxunicode:
        raise ValueError(f"{max(codes):#x} is not a code point")
    return "".join(map(chr, codes))


def read_cstring(memory: Memory, address: int, limit: int = 200) -> str | None:
    """The NUL-terminated UTF-8 string at ``address``; None if it is unreadable or not UTF-8.

    Of a longer one the first ``limit`` bytes and an ``…`` are given.
    """
    found = b""
    try:
        while len(found) < limit:
            # No chunk crosses a page: the string may end on the last mapped one.
            at = address + len(found)
            chunk = memory.read(at, min(_CHUNK - at % _CHUNK, limit - len(found)))
            found += chunk
            if b"\0" in chunk:
                return found[: found.index(b"\0")].decode()
        return found.decode(errors="ignore") + ELLIPSIS
    except (MemoryFault, UnicodeDecodeError):
        return None


def read_bytes(memory: Memory, layout: Layout, address: int, limit: int = 1000) -> bytes | None:
    """At most ``limit`` bytes of the ``bytes`` object at ``address``; None if it cannot be one.

    Its type is not looked at.
    """
    try:
        struct = layout.struct("PyBytesObject")
        size = int.from_bytes(
            memory.read(address + struct.offset("ob_size"), 8), "little", signed=True
        )
        if not 0 <= size < MAX_LENGTH:
            return None
        return memory.read(address + struct.offset("ob_sval"), min(size, limit)) if size else b""
    except (MemoryFault, UnknownLayout):
        return None
