"""Sets and frozen sets (CPython's Objects/setobject.c)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import Decoded, Reference, Set, Violation
from gdbext.cpython.objects.family import Family, check_pointer
from gdbext.cpython.objects.reader import MAX_WORDS, Damaged, signed
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Address, Claim, EntrySlot
from gdbext.target.protocol import MemoryFault

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter

CHUNK = 4096
DELETED_HASH = (1 << 64) - 1
"""The hash -1, which no key has, marks the entry of a deleted one."""


class SetEntry(NamedTuple):
    """A key of a set's table, and where it is."""

    position: int
    key: int
    key_address: int


def read_set(core: Core, address: int, info: TypeInfo | None = None) -> Set:
    """The set there.

    Raises:
        MemoryFault: also when its sizes do not fit each other.
    """
    fill, used, mask, table = core.fields("PySetObject", address, "fill", "used", "mask", "table")
    if not 0 <= signed(used) <= signed(fill) <= mask or mask & (mask + 1) or mask > MAX_WORDS:
        raise Damaged(
            address,
            Claim("set-implausible", used=signed(used), fill=signed(fill), mask=Address(mask)),
        )
    return Set(
        address,
        info,
        used,
        fill,
        mask,
        table,
        table == address + core.layout.offset("PySetObject", "smalltable"),
    )


def set_entries(core: Core, address: int) -> Iterator[SetEntry]:
    """The members, in the order of the table.

    Raises:
        MemoryFault, UnknownLayout
    """
    found = read_set(core, address)
    layout = core.layout.struct("setentry")
    words, at_key, at_hash = layout.size // 8, layout.offset("key") // 8, layout.offset("hash") // 8
    for start in range(0, found.mask + 1, CHUNK):
        base = found.table + start * layout.size
        table = core.words(base, min(CHUNK, found.mask + 1 - start) * words)
        for i in range(0, len(table), words):
            if table[i + at_key] and table[i + at_hash] != DELETED_HASH:
                yield SetEntry(start + i // words, table[i + at_key], base + 8 * (i + at_key))


class SetFamily(Family):
    """``set`` and ``frozenset`` (Objects/setobject.c)."""

    names = ("set", "frozenset")
    struct = "PySetObject"
    cycle = "set(...)"

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Decoded:
        return read_set(core, address, info)

    def references(self, core: Core, address: int) -> Iterator[Reference]:
        for entry in set_entries(core, address):
            yield Reference(entry.key, EntrySlot("entry", entry.position), entry.key_address)

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        try:
            for number, entry in enumerate(set_entries(core, address)):
                if number >= CHUNK:
                    return
                yield from check_pointer(
                    core, EntrySlot("entry", entry.position), entry.key_address, entry.key
                )
        except MemoryFault as fault:
            place = address + core.layout.offset("PySetObject", "table")
            yield Violation(
                "table", Claim("set-unreadable", reason=fault.claim), place, core.word(place)
            )

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        name = info.short_name
        if read_set(write.core, address).length == 0:
            yield f"{name}()"
            return
        yield "{" if name == "set" else f"{name}({{"
        yield from write.items(entry.key for entry in set_entries(write.core, address))
        yield "}" if name == "set" else "})"
