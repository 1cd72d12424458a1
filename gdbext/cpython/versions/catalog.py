"""The versions that there are facts of: those that gdbext ships, and those that ``gdbext learn``
has learnt on this machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from gdbext.frozen import dataclass

FOLDER = Path(__file__).parent
LEVELS = {"a": 0xA, "b": 0xB, "rc": 0xC, "": 0xF}


class VersionFacts(Protocol):
    """The facts of one CPython version, or of one build of it.  What is not known is empty."""

    @property
    def name(self) -> str:
        """For people: ``3.13.5``, or which build was learnt."""

    @property
    def number(self) -> int:
        """PY_VERSION_HEX."""

    @property
    def flavours(self) -> tuple[str, ...]:
        """Which layouts there are: ``release`` and ``debug`` (Py_DEBUG), or the one of a build."""

    def layouts(self, flavour: str) -> Mapping[str, Any]:
        """Struct -> ``{"size": bytes, "fields": {path: [offset, size(, bit, bits)]}}``."""

    def offsets(self) -> list[tuple[int, str, str | None]]:
        """What each word of ``_Py_DebugOffsets`` holds: (its offset in there, struct, field; None:
        the struct's size).
        """

    def opcodes(self) -> Mapping[str, Any]:
        """The instructions, as in ``opcodes.json``."""


@dataclass(frozen=True)
class Shipped:
    """The facts of a version that come with gdbext."""

    name: str
    number: int
    flavours: tuple[str, ...] = field(default=("release", "debug"))

    def layouts(self, flavour: str) -> Mapping[str, Any]:
        """Structs by name, of a ``release`` or a ``debug`` build."""
        content = _read(self.name, "layouts")
        release: dict[str, Any] = content["release"]
        return release if flavour == "release" else release | content[flavour]

    def offsets(self) -> list[tuple[int, str, str | None]]:
        """(place in ``_Py_DebugOffsets``, struct, field or None for the struct's size)."""
        return [(at, struct, name) for at, struct, name in _read(self.name, "offsets")["entries"]]

    def opcodes(self) -> Mapping[str, Any]:
        """The instructions, as ``opcodes.json`` has them."""
        return _read(self.name, "opcodes")


@cache
def shipped() -> tuple[Shipped, ...]:
    """All that gdbext ships, the oldest version first."""
    names = (path.parent.name for path in FOLDER.glob("*/layouts.json"))
    return tuple(sorted((Shipped(name, number_of(name)) for name in names), key=lambda f: f.number))


def minors() -> list[int]:
    """The minor versions of CPython 3 that gdbext ships facts of, the newest first.

    >>> minors()[-1]
    13
    """
    return sorted({facts.number >> 16 & 0xFF for facts in shipped()}, reverse=True)


def nearest(number: int) -> list[Shipped]:
    """The shipped versions, the one of that PY_VERSION_HEX first and the others by their distance
    from it.
    """

    def distance(facts: Shipped) -> tuple[int, int]:
        return abs((facts.number >> 16) - (number >> 16)), abs(facts.number - number)

    return sorted(shipped(), key=distance)


def version_name(number: int) -> str:
    """A PY_VERSION_HEX in words.

    Example:
        >>> version_name(0x030D05F0), version_name(0x030F00A1)
        ('3.13.5', '3.15.0a1')
    """
    level = next((name for name, n in LEVELS.items() if n == number >> 4 & 15), "?")
    serial = f"{level}{number & 15}" if level else ""
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}{serial}"


def number_of(name: str) -> int:
    """The PY_VERSION_HEX of a version's name.

    Example:
        >>> hex(number_of("3.15.0a1"))
        '0x30f00a1'
    """
    parts = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)(a|b|rc|)(\d*)", name)
    if parts is None:
        raise ValueError(f"{name} is not the name of a version")
    major, minor, micro = (int(part) for part in parts.groups()[:3])
    return major << 24 | minor << 16 | micro << 8 | LEVELS[parts[4]] << 4 | int(parts[5] or 0)


@cache
def _read(name: str, file: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / name / f"{file}.json").read_text())
    return content
