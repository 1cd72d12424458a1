"""``str``, ``bytes`` and ``bytearray`` as families (Objects/unicodeobject.c, Objects/bytesobject.c,
Objects/bytearrayobject.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import Bytes, Decoded, Str, Violation
from gdbext.cpython.objects.family import Family
from gdbext.cpython.objects.reader import Damaged, signed
from gdbext.cpython.objects.strings import MAX_LENGTH, decode_text, read_str, read_str_state
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Claim
from gdbext.target.protocol import MemoryFault

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter

LIMIT = 1000


class StrFamily(Family):
    """Strings (Objects/unicodeobject.c)."""

    names = ("str",)
    struct = "PyASCIIObject"

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Decoded:
        text = read_str(core.memory, core.layout, address, LIMIT)
        if text is None:
            raise Damaged(address, Claim("str-implausible"))
        return Str(address, info, text, read_str_state(core.memory, core.layout, address))

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        state = read_str_state(core.memory, core.layout, address)
        place = address + core.layout.offset("PyASCIIObject", "state")
        word = int.from_bytes(core.memory.read(place, 4), "little")
        if not state.is_legal:
            yield Violation("state", Claim("str-state-illegal"), place, word)
            return
        try:
            count = min(state.length, LIMIT)
            text = (
                decode_text(core.memory.read(state.data, count * state.kind), state.kind)
                if count
                else ""
            )
            end = core.memory.read(state.data + state.length * state.kind, state.kind)
        except MemoryFault as fault:
            length = address + core.layout.offset("PyASCIIObject", "length")
            yield Violation(
                "length", Claim("characters-unreadable", reason=fault.claim), length, state.length
            )
            return
        except ValueError:
            yield Violation("data", Claim("characters-not-code-points"), state.data)
            return
        if state.ascii and not text.isascii():
            yield Violation("state", Claim("str-not-ascii"), place, word)
        if any(end):
            yield Violation(
                "data", Claim("str-not-terminated"), state.data + state.length * state.kind
            )

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        text = read_str(write.core.memory, write.core.layout, address, write.limit)
        if text is None:
            raise Damaged(address, Claim("not-a-str"))
        yield repr(text)


class BytesFamily(Family):
    """``bytes`` (Objects/bytesobject.c)."""

    names = ("bytes",)
    struct = "PyBytesObject"

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Bytes:
        return self._read(core, address, info, LIMIT)

    def _read(self, core: Core, address: int, info: TypeInfo | None, limit: int) -> Bytes:
        size = signed(core.field("PyBytesObject", address, "ob_size"))
        if not 0 <= size < MAX_LENGTH:
            raise Damaged(address, Claim("size-implausible", size=size))
        buffer = address + core.layout.offset("PyBytesObject", "ob_sval")
        return Bytes(
            address, info, size, core.memory.read(buffer, min(size, limit)) if size else b"", buffer
        )

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        place = address + core.layout.offset("PyBytesObject", "ob_size")
        try:
            found = self.decode(core, address, None)
            end = core.memory.read(found.buffer + found.length, 1)
        except MemoryFault as fault:
            yield Violation(
                "ob_size", Claim("bytes-unreadable", reason=fault.claim), place, core.word(place)
            )
            return
        if end != b"\0":
            yield Violation(
                "ob_sval", Claim("bytes-not-terminated"), found.buffer + found.length, end[0]
            )

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        yield repr(self._read(write.core, address, info, write.limit).data)


class ByteArrayFamily(Family):
    """``ob_bytes`` is the buffer, ``ob_start`` where the bytes in use begin: deleting from the
    front only moves that.
    """

    names = ("bytearray",)
    struct = "PyByteArrayObject"

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Bytes:
        return self._read(core, address, info, LIMIT)

    def _read(self, core: Core, address: int, info: TypeInfo | None, limit: int) -> Bytes:
        size, start, exports = core.fields(
            "PyByteArrayObject", address, "ob_size", "ob_start", "ob_exports"
        )
        if not 0 <= signed(size) < MAX_LENGTH:
            raise Damaged(address, Claim("size-implausible", size=signed(size)))
        return Bytes(
            address,
            info,
            size,
            core.memory.read(start, min(size, limit)) if size else b"",
            start,
            signed(exports),
        )

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        place = core.layout.struct("PyByteArrayObject").offset
        size, alloc, first, start = core.fields(
            "PyByteArrayObject", address, "ob_size", "ob_alloc", "ob_bytes", "ob_start"
        )
        if signed(size) < 0:
            yield Violation("ob_size", Claim("size-below-zero"), address + place("ob_size"), size)
            return
        if not first:
            if size:
                yield Violation(
                    "ob_bytes",
                    Claim("null-with-size", field="ob_bytes", size=size),
                    address + place("ob_bytes"),
                    0,
                )
            return
        if not first <= start or start + size > first + alloc:
            claim = Claim("bytes-outside-buffer", size=size, allocated=alloc)
            yield Violation("ob_start", claim, address + place("ob_start"), start)
            return
        try:
            self.decode(core, address, None)
        except MemoryFault as fault:
            yield Violation(
                "ob_start",
                Claim("bytes-unreadable", reason=fault.claim),
                address + place("ob_start"),
                start,
            )

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        yield f"{info.short_name}({self._read(write.core, address, info, write.limit).data!r})"
