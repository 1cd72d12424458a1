"""The layouts that gdbext ships for interpreters without DWARF, one JSON file a version in ``tables/``.

They are generated (``scripts/layout_tables.py``) from the debug information of real builds or from the version's own
headers.  A table is only ever used after it agreed with the process's own ``_Py_DebugOffsets``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.target.protocol import Field, Struct

FOLDER = Path(__file__).with_name("tables")
FLAVOURS = ("release", "debug")


class Table(Mapping[str, Struct]):
    """One version's structs by name, each made when first asked for."""

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
    """The shipped table that fits a process, looked for when it is first needed (:func:`choose`); empty if none fits."""

    def __init__(self, offsets: DebugOffsets) -> None:
        self._offsets = offsets

    @cached_property
    def _table(self) -> Mapping[str, Struct]:
        return choose(self._offsets) or {}

    def __getitem__(self, name: str) -> Struct:
        return self._table[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


def available() -> list[str]:
    """Version names (``3.13.5``) that there is a table for."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def same_minor(offsets: DebugOffsets) -> list[str]:
    """The shipped versions of a process's minor version, its own patch level first."""
    found = [version for version in available() if version.split(".")[1] == str(offsets.minor)]
    return sorted(found, key=lambda version: version != offsets.python_version)


def load(version: str, flavour: str) -> Table:
    """The table of one version; ``flavour`` is ``release`` or ``debug`` (Py_DEBUG).

    The file's form is ``{flavour: {struct: {"size": bytes, "fields": {path: [offset, size(, bit, bits)]}}}}``; ``debug`` has only
    the structs that are not as in ``release``.
    """
    content = _read(version)
    return Table(
        content["release"] if flavour == "release" else content["release"] | content["debug"]
    )


@cache
def _read(version: str) -> dict[str, dict[str, Any]]:
    content: dict[str, dict[str, Any]] = json.loads((FOLDER / f"{version}.json").read_text())
    return content


def choose(offsets: DebugOffsets) -> Table | None:
    """The shipped table that agrees with every entry of the process's own table; None if none does.

    Within a minor version layouts drift seldom, and a drifted one shows in the sizes that are compared.
    """
    for version in same_minor(offsets):
        for flavour in FLAVOURS:
            table = load(version, flavour)
            if agrees(table, offsets):
                return table
    return None


def agrees(table: Table, offsets: DebugOffsets) -> bool:
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
