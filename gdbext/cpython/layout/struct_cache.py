"""Structs that a debugger has read from DWARF once, kept on disk by file and build id.

A debugger reads whole compile units to answer for one struct: for the forty that a report needs, 50
ms to over a second.  An interpreter's debug information never changes, so that the answers may be
kept.  They count as DWARF's own, for that is where they are from; what is kept must agree with the
process's ``_Py_DebugOffsets`` like any other table, else it is not used.

A build id alone does not name what is kept: a program that lies can carry that of another, and what
it says of structs must not be believed of the other's cores.

``GDBEXT_NO_CACHE`` in the environment switches this off.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from gdbext import user_cache
from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.cpython.layout.tables import LayoutTable, agrees
from gdbext.target.protocol import Struct

FORMAT = 1
MAX_BYTES = 4 << 20
DAMAGE = (ValueError, TypeError, KeyError, AttributeError)
"""What a file that is not as it should be makes of itself."""


def folder() -> Path:
    """``layouts`` in the per-user cache."""
    return Path(user_cache.folder()) / "layouts"


def file_key(build_id: str, path: str) -> str | None:
    """What the structs of that file are kept under: they are of this very file, as it is now.

    None when the file is not there.
    """
    try:
        status = os.stat(path)
    except OSError:
        return None
    identity = (os.path.realpath(path), status.st_ino, status.st_size, status.st_mtime_ns)
    return build_id + hashlib.sha256(repr(identity).encode()).hexdigest()[:16]


class StructCache:
    """A debugger's ``struct``, remembering across processes.

    What is new goes to disk when this is dropped, or by ``save``.

    ``key`` is the :func:`file_key` of the file which has ``_PyRuntime``, whose build id is the same
    in memory and on disk; without one nothing is kept, nor answered from disk.
    """

    def __init__(
        self, lookup: Callable[[str], Struct | None], offsets: DebugOffsets, key: str | None
    ) -> None:
        self._lookup = lookup
        self._kept = LayoutTable({})
        self._new: dict[str, Struct] = {}
        self._save: Callable[[], None] = lambda: None
        if key and key.isalnum() and not os.environ.get("GDBEXT_NO_CACHE"):
            path = folder() / f"{key}.json"
            self._kept = _load(path, offsets)
            self._save = partial(_save, path, offsets, self._kept, self._new)
            weakref.finalize(self, self._save)

    def __call__(self, name: str) -> Struct | None:
        """The struct's layout, None if there is none in DWARF."""
        with contextlib.suppress(*DAMAGE):
            return self._kept[name]
        found = self._lookup(name)
        if found is not None:
            self._new[name] = found
        return found

    def save(self) -> None:
        """Write what is new now: not every debugger lets Python end in order."""
        self._save()


def _load(path: Path, offsets: DebugOffsets) -> LayoutTable:
    with contextlib.suppress(OSError, *DAMAGE):
        if path.stat().st_size <= MAX_BYTES:
            content = json.loads(path.read_text())
            table = LayoutTable(dict(content["structs"]))
            if content["format"] == FORMAT and agrees(table, offsets):
                return table
    return LayoutTable({})


def _save(path: Path, offsets: DebugOffsets, kept: LayoutTable, new: dict[str, Struct]) -> None:
    structs = {**kept.entries, **{name: _entry(struct) for name, struct in new.items()}}
    if not new or not agrees(LayoutTable(structs), offsets):
        return
    import tempfile  # and half a dozen modules with it, which most runs do not need

    kept.entries = structs
    new.clear()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, suffix=".part", delete=False
        ) as stream:
            json.dump({"format": FORMAT, "structs": structs}, stream, separators=(",", ":"))
        os.replace(stream.name, path)


def _entry(struct: Struct) -> dict[str, Any]:
    """A struct in the form of the shipped tables."""
    fields = {
        path: [f.offset, f.size, f.bit, f.bits] if f.bits else [f.offset, f.size]
        for path, f in struct.fields.items()
    }
    return {"size": struct.size, "fields": fields}
