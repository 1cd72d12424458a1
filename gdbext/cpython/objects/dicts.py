"""``dict`` and its subclasses; the tables are read in :mod:`gdbext.cpython.objects.dictkeys`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.decoded import BROKEN, TRANSIENT, Decoded, Dict, Reference, Violation
from gdbext.cpython.objects.dictkeys import (
    CHUNK,
    KINDS,
    SPLIT,
    dict_entries,
    read_keys,
    read_values,
)
from gdbext.cpython.objects.family import Family, check_pointer
from gdbext.cpython.objects.header import USER_END
from gdbext.cpython.objects.reader import Damaged, signed
from gdbext.cpython.objects.types import TypeInfo
from gdbext.model import Address, Claim, Data, EntrySlot, KeySlot, ValueSlot
from gdbext.target.protocol import MemoryFault

if TYPE_CHECKING:
    from gdbext.cpython.objects.repr_writer import ReprWriter


def read_dict(core: Core, address: int, info: TypeInfo | None = None) -> Dict:
    """The dict there.

    Raises:
        MemoryFault, UnknownLayout
    """
    used, keys_address, values_address = core.fields(
        "PyDictObject", address, "ma_used", "ma_keys", "ma_values"
    )
    keys = read_keys(core, keys_address)
    if not keys.is_sane or (keys.kind == SPLIT) != bool(values_address):
        raise Damaged(keys_address, Claim("keys-implausible"))
    embedded = bool(values_address) and read_values(core, values_address).embedded == 1
    return Dict(
        address,
        info,
        signed(used),
        keys_address,
        values_address,
        KINDS[keys.kind],
        keys.nentries,
        keys.usable,
        is_embedded=embedded,
    )


class DictFamily(Family):
    """``dict`` and its subclasses."""

    names = ("dict",)
    struct = "PyDictObject"
    cycle = "{...}"

    def decode(self, core: Core, address: int, info: TypeInfo | None) -> Decoded:
        return read_dict(core, address, info)

    def references(self, core: Core, address: int) -> Iterator[Reference]:
        is_split = core.field("PyDictObject", address, "ma_values") != 0
        for entry in dict_entries(core, address):
            label = key_label(core, entry.key)
            if not is_split:
                yield Reference(entry.key, KeySlot(label), entry.key_address)
            if entry.value:
                yield Reference(entry.value, ValueSlot(label), entry.value_address)

    def violations(self, core: Core, address: int) -> Iterator[Violation]:
        place = core.layout.struct("PyDictObject").offset
        used, keys_address, values_address = core.fields(
            "PyDictObject", address, "ma_used", "ma_keys", "ma_values"
        )
        if not 0 < keys_address < USER_END or keys_address % 8:
            yield Violation(
                "ma_keys",
                Claim("keys-not-an-address"),
                address + place("ma_keys"),
                keys_address,
            )
            return
        try:
            keys = read_keys(core, keys_address)
            values = read_values(core, values_address) if values_address else None
        except MemoryFault as fault:
            yield Violation("ma_keys", fault.claim, address + place("ma_keys"), keys_address)
            return
        if not keys.is_sane:
            yield Violation(
                "ma_keys",
                Claim("keys-implausible"),
                keys_address,
                keys.nentries,
            )
            return
        if (keys.kind == SPLIT) != (values is not None):
            claim = Claim(
                "keys-and-values-differ", kind=KINDS[keys.kind], values=values is not None
            )
            yield Violation("ma_values", claim, address + place("ma_values"), values_address)
            return
        if values is not None and not values.is_sane:
            yield Violation(
                "ma_values",
                Claim("values-implausible"),
                values_address,
                values.size,
            )
            return
        if signed(used) < 0 or signed(used) > (values.size if values else keys.nentries):
            yield Violation(
                "ma_used",
                Claim("used-too-large"),
                address + place("ma_used"),
                used,
            )
        yield from self._entry_violations(core, address)

    def _entry_violations(self, core: Core, address: int) -> Iterator[Violation]:
        for number, entry in enumerate(dict_entries(core, address)):
            if number >= CHUNK:
                return
            yield from check_pointer(
                core, EntrySlot("key", number), entry.key_address, entry.key, null=BROKEN
            )
            slot = ValueSlot(key_label(core, entry.key))
            yield from check_pointer(core, slot, entry.value_address, entry.value, null=TRANSIENT)

    def text(self, write: ReprWriter, address: int, info: TypeInfo) -> Iterator[str]:
        read_dict(write.core, address)
        yield "{"
        yield from write.pairs(dict_entries(write.core, address), ": ")
        yield "}"


def key_label(core: Core, key: int) -> Data | Address:
    """A key as a slot is named after it: its text if it is a ``str``, else its address."""
    text = core.text(key, 60)
    return Data(text) if text is not None else Address(key)
