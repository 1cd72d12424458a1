"""What ``gdbext learn`` has learnt of one build, kept in this user's cache by the build id of the
file that has ``_PyRuntime``, or of one without by its first page (``elf.identity_in_file``).
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gdbext import user_cache
from gdbext.frozen import dataclass

FORMAT = 1
MAX_BYTES = 16 << 20
FLAVOUR = "learnt"


@dataclass(frozen=True)
class Learnt:
    """The facts of one build, in the form of those of a version
    (:class:`gdbext.cpython.versions.catalog.VersionFacts`).

    Beside ``layouts``, ``offsets`` and ``opcodes`` its content has ``version`` and ``hex``,
    ``build_id``, the interpreter's ``path`` and ``flags`` (Py_DEBUG …), ``sources`` (what each part
    was learnt from) and ``symbols``: addresses relative to the file's base.
    """

    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Version and the beginning of the build id."""
        return f"{self.content['version']} of build {self.content['build_id'][:12]}"

    @property
    def number(self) -> int:
        """``PY_VERSION_HEX``."""
        number: int = self.content["hex"]
        return number

    @property
    def flavours(self) -> tuple[str, ...]:
        """The builds that it has layouts of: the one that it was learnt from."""
        return (FLAVOUR,) if self.content["layouts"] else ()

    def layouts(self, flavour: str) -> Mapping[str, Any]:
        """Structs by name."""
        layouts: Mapping[str, Any] = self.content["layouts"]
        return layouts

    def offsets(self) -> list[tuple[int, str, str | None]]:
        """(place in ``_Py_DebugOffsets``, struct, field or None for the struct's size)."""
        return [(at, struct, name) for at, struct, name in self.content["offsets"]]

    def opcodes(self) -> Mapping[str, Any]:
        """The instructions, as ``opcodes.json`` has them."""
        opcodes: Mapping[str, Any] = self.content["opcodes"]
        return opcodes

    def symbol(self, name: str) -> int | None:
        """Where a symbol lies from the file's base on."""
        symbols: Mapping[str, int] = self.content["symbols"]
        return symbols.get(name)


def path(build_id: str) -> Path:
    """The file for one build."""
    return Path(user_cache.folder()) / "learnt" / f"{build_id}.json"


def load(build_id: str | None) -> Learnt | None:
    """What was learnt of that build; None where nothing was, or what was kept cannot be read."""
    if not build_id or not build_id.isalnum():
        return None
    file = path(build_id)
    with contextlib.suppress(OSError, ValueError):
        if file.stat().st_size <= MAX_BYTES:
            content = json.loads(file.read_text())
            if _is_whole(content) and content["build_id"] == build_id:
                return Learnt(content)
    return None


def save(content: Mapping[str, Any]) -> Path:
    """Keep what was learnt of one build; the answer is the file.

    Raises:
        OSError: when the cache cannot be written.
    """
    file = path(content["build_id"])
    file.parent.mkdir(parents=True, exist_ok=True)
    import tempfile  # only who learns needs it

    with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".part", delete=False) as stream:
        json.dump({"format": FORMAT, **content}, stream, separators=(",", ":"))
    os.replace(stream.name, file)
    return file


def _is_whole(content: object) -> bool:
    """Whether a file's content has every part, each of the right kind."""
    kinds = {
        "version": str,
        "hex": int,
        "build_id": str,
        "layouts": dict,
        "offsets": list,
        "opcodes": dict,
        "symbols": dict,
    }
    return (
        isinstance(content, dict)
        and content.get("format") == FORMAT
        and all(isinstance(content.get(key), kind) for key, kind in kinds.items())
    )
