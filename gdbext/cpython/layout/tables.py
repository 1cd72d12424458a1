"""Layouts for interpreters without DWARF, from the facts of a version
(:mod:`gdbext.cpython.versions`).

A table is only ever used after it agreed with the process's own ``_Py_DebugOffsets``, or, where
these are damaged, after it passed :func:`gdbext.cpython.layout.checks.check` by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.cpython.versions.catalog import VersionFacts, nearest
from gdbext.target.protocol import Field, Struct


class LayoutTable(Mapping[str, Struct]):
    """Structs by name, each made when first asked for."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self.entries = entries
        self._structs: dict[str, Struct] = {}

    def __getitem__(self, name: str) -> Struct:
        if name not in self._structs:
            entry = self.entries[name]
            fields = {path: Field(*numbers) for path, numbers in entry["fields"].items()}
            self._structs[name] = Struct(name, entry["size"], fields)
        return self._structs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


class FittingTable(Mapping[str, Struct]):
    """The first table that agrees with a process, looked for when it is first needed; empty if none
    does.
    """

    def __init__(self, offsets: DebugOffsets, learnt: VersionFacts | None) -> None:
        self._offsets = offsets
        self._learnt = learnt

    @cached_property
    def _table(self) -> Mapping[str, Struct]:
        return next((table for _, _, table in agreeing(self._offsets, self._learnt)), {})

    def __getitem__(self, name: str) -> Struct:
        return self._table[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


def tables(
    number: int, learnt: VersionFacts | None = None
) -> Iterator[tuple[VersionFacts, str, LayoutTable]]:
    """(facts, flavour, table), the likeliest for a process of that PY_VERSION_HEX first: what was
    learnt of its very build.
    """
    for facts in (*([learnt] if learnt else []), *nearest(number)):
        for flavour in facts.flavours:
            yield facts, flavour, LayoutTable(facts.layouts(flavour))


def agreeing(
    offsets: DebugOffsets, learnt: VersionFacts | None = None
) -> Iterator[tuple[VersionFacts, str, LayoutTable]]:
    """Those that agree with every entry of the process's own table.

    Within a minor version layouts drift, and a drift need not show in what is compared: each is
    still to be checked.
    """
    if offsets.order is None:
        return
    for facts, flavour, table in tables(offsets.version, learnt):
        if agrees(table, offsets):
            yield facts, flavour, table


def agrees(table: LayoutTable, offsets: DebugOffsets) -> bool:
    """Whether everything that both the table and the process speak of is the same."""
    if any(name in table and table[name].size != size for name, size in offsets.sizes.items()):
        return False
    for key, offset in offsets.offsets.items():
        name, field = key.split(".", 1)
        if name in table:
            ends = [
                f
                for path, f in table[name].fields.items()
                if path == field or path.endswith("." + field)
            ]
            if ends and all(f.offset != offset for f in ends):
                return False
    return True
