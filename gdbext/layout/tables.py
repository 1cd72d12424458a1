"""The layouts that gdbext ships for interpreters without DWARF, one JSON file a version in ``tables/``.

They are generated (``scripts/layout_tables.py``) from the debug information of real builds or from the version's own
headers.  A table is only ever used after it agreed with the process's own ``_Py_DebugOffsets``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from gdbext.debuggers.base import Field, Struct
from gdbext.layout.debug_offsets import DebugOffsets

FOLDER = Path(__file__).with_name("tables")


def available() -> list[str]:
    """Version names (``3.13.5``) that there is a table for."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(version: str, flavour: str) -> Mapping[str, Struct]:
    """The table of one version; ``flavour`` is ``release`` or ``debug`` (Py_DEBUG).

    The file's form is ``{flavour: {struct: {"size": bytes, "fields": {path: [offset, size(, bit, bits)]}}}}``.
    """
    content = json.loads((FOLDER / f"{version}.json").read_text())
    return {
        name: Struct(name, entry["size"], {path: Field(*numbers) for path, numbers in entry["fields"].items()})
        for name, entry in content[flavour].items()
    }


def choose(offsets: DebugOffsets) -> Mapping[str, Struct] | None:
    """The shipped table that agrees with every entry of the process's own table; None if none does.

    The same patch level is tried first, then the others of the minor version: within one, layouts drift seldom, and a
    drifted one shows in the sizes that are compared.
    """
    same_minor = [v for v in available() if v.split(".")[1] == str(offsets.minor)]
    for version in sorted(same_minor, key=lambda v: v != offsets.python_version):
        for flavour in ("release", "debug"):
            table = load(version, flavour)
            if _agrees(table, offsets):
                return table
    return None


def _agrees(table: Mapping[str, Struct], offsets: DebugOffsets) -> bool:
    if any(name in table and table[name].size != size for name, size in offsets.sizes.items()):
        return False
    for key, offset in offsets.offsets.items():
        name, field = key.split(".", 1)
        if name in table:
            ends = [f for path, f in table[name].fields.items() if path == field or path.endswith("." + field)]
            if ends and all(f.offset != offset for f in ends):
                return False
    return True
