"""Tables of dictionaries: keys and values objects (CPython's Objects/dictobject.c,
Include/internal/pycore_dict.h).

A dict has a keys object with a table of entries in insertion order: hash, key and value where keys
may be anything ("general"), key and value where all keys are strings ("unicode").  Dicts of
instances share one keys object ("split") and have an array of values each, which may be the
instance's own inline values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from gdbext.cpython.objects.reader import Damaged, Reader, signed
from gdbext.cpython.objects.strings import read_str
from gdbext.model import Claim

T = TypeVar("T")
KINDS = ("general", "unicode", "split")
GENERAL, UNICODE, SPLIT = 0, 1, 2
MAX_LOG2_SIZE = 40
MIN_LOG2_INDEX_BYTES = 3
CHUNK = 4096
"""Entries read at once."""
MAX_SHARED_KEYS = 30
"""SHARED_KEYS_MAX_SIZE: instances with more attributes get a dict of their own."""


class DictEntry(NamedTuple):
    """One entry, with the addresses of its two pointers."""

    key: int
    value: int
    key_address: int
    value_address: int


class Keys(NamedTuple):
    """A ``PyDictKeysObject``; ``first`` is the address of its first entry."""

    address: int
    kind: int
    log2_size: int
    log2_index_bytes: int
    usable: int
    nentries: int
    first: int

    @property
    def is_sane(self) -> bool:
        """Whether the sizes fit each other (``_PyDict_CheckConsistency``)."""
        if self.kind > SPLIT or self.log2_size > MAX_LOG2_SIZE:
            return False
        if self.log2_size == 0:
            # The one keys object that all empty dicts share.
            return (
                self.log2_index_bytes == MIN_LOG2_INDEX_BYTES and self.usable == self.nentries == 0
            )
        width = next((power for power, bits in enumerate((8, 16, 32)) if self.log2_size < bits), 3)
        room = (2 << self.log2_size) // 3
        return (
            self.log2_index_bytes == self.log2_size + width
            and 0 <= self.usable <= room
            and 0 <= self.nentries <= room
        )


class Values(NamedTuple):
    """A ``PyDictValues``: the values of a split dict, or an instance's inline values."""

    address: int
    capacity: int
    size: int
    embedded: int
    valid: int
    first: int

    @property
    def is_sane(self) -> bool:
        """Whether the counts agree with each other."""
        # Values of their own memory have no meaning in ``valid``, and nobody sets it there.
        return (
            self.size <= self.capacity <= MAX_SHARED_KEYS + 2
            and self.embedded <= 1
            and (not self.embedded or self.valid <= 1)
        )


def read_keys(reader: Reader, address: int) -> Keys:
    """The keys object there; its sizes may be nonsense.

    Raises:
        MemoryFault, UnknownLayout
    """
    kind, log2_size, log2_bytes, usable, nentries = reader.fields(
        "PyDictKeysObject",
        address,
        "dk_kind",
        "dk_log2_size",
        "dk_log2_index_bytes",
        "dk_usable",
        "dk_nentries",
    )
    indices = address + reader.layout.offset("PyDictKeysObject", "dk_indices")
    first = indices + (1 << min(log2_bytes, MAX_LOG2_SIZE + 3))
    return Keys(address, kind, log2_size, log2_bytes, signed(usable), signed(nentries), first)


def read_values(reader: Reader, address: int) -> Values:
    """The values there; their sizes may be nonsense.

    Raises:
        MemoryFault, UnknownLayout
    """
    capacity, size, embedded, valid = reader.fields(
        "PyDictValues", address, "capacity", "size", "embedded", "valid"
    )
    return Values(
        address,
        capacity,
        size,
        embedded,
        valid,
        address + reader.layout.offset("PyDictValues", "values"),
    )


def key_entries(reader: Reader, keys: Keys) -> Iterator[DictEntry]:
    """Every used entry of a sane keys object in insertion order; deleted ones have key 0.

    Raises:
        MemoryFault, UnknownLayout
    """
    struct = "PyDictKeyEntry" if keys.kind == GENERAL else "PyDictUnicodeEntry"
    layout = reader.layout.struct(struct)
    words, at_key, at_value = (
        layout.size // 8,
        layout.offset("me_key") // 8,
        layout.offset("me_value") // 8,
    )
    for start in range(0, keys.nentries, CHUNK):
        count = min(CHUNK, keys.nentries - start)
        base = keys.first + start * layout.size
        found = reader.words(base, count * words)
        for i in range(0, len(found), words):
            yield DictEntry(
                found[i + at_key],
                found[i + at_value],
                base + 8 * (i + at_key),
                base + 8 * (i + at_value),
            )


def split_entries(reader: Reader, keys: Keys, values: Values) -> Iterator[DictEntry]:
    """The attributes that a sane array of values has, in the order in which they were set.

    Raises:
        MemoryFault, UnknownLayout
    """
    found = reader.words(values.first, values.capacity)
    order = (
        reader.memory.read(values.first + 8 * values.capacity, values.size) if values.size else b""
    )
    names = list(key_entries(reader, keys))
    for i in order:
        if i < values.capacity and i < len(names):
            yield DictEntry(names[i].key, found[i], names[i].key_address, values.first + 8 * i)


def dict_entries(reader: Reader, address: int) -> Iterator[DictEntry]:
    """The dict's entries in order, without the deleted ones; a value may be 0 in a damaged dict.

    Raises:
        MemoryFault, UnknownLayout
    """
    keys_address, values_address = reader.fields("PyDictObject", address, "ma_keys", "ma_values")
    keys = read_keys(reader, keys_address)
    if not keys.is_sane:
        raise Damaged(keys_address, Claim("keys-implausible"))
    if values_address:
        values = read_values(reader, values_address)
        if not values.is_sane:
            raise Damaged(values_address, Claim("values-implausible"))
        yield from split_entries(reader, keys, values)
    else:
        yield from (entry for entry in key_entries(reader, keys) if entry.key)


def find_key(reader: Reader, entries: Iterable[DictEntry], name: str) -> DictEntry | None:
    """The entry whose key is that text."""
    for entry in entries:
        if entry.key and read_str(reader.memory, reader.layout, entry.key, len(name)) == name:
            return entry
    return None


class ByName(Generic[T]):
    """Things by their names, read as far as the last one that was asked for.

    Names are looked up in the same few namespaces again and again.

        >>> names = ByName(iter([("a", 1), ("b", 2), ("a", 3)]))
        >>> names.find("b"), names.find("a"), names.find("c")
        (2, 1, None)
    """

    def __init__(self, things: Iterator[tuple[str, T]]) -> None:
        self._following = things
        self._known: dict[str, T] = {}

    def find(self, name: str) -> T | None:
        """The first of that name.

        Raises:
            MemoryFault, UnknownLayout: where they cannot be read so far; then, and from then on,
            what lies behind is not found.
        """
        if name in self._known:
            return self._known[name]
        for text, thing in self._following:
            self._known.setdefault(text, thing)
            if text == name:
                return thing
        return None


LONGEST_NAME = 1000


def by_text(reader: Reader, entries: Iterable[DictEntry]) -> Iterator[tuple[str, DictEntry]]:
    """The entries whose keys are texts, of which the first ``LONGEST_NAME`` characters are read."""
    memory, layout = reader.memory, reader.layout
    for entry in entries:
        text = read_str(memory, layout, entry.key, LONGEST_NAME) if entry.key else None
        if text is not None:
            yield text, entry
