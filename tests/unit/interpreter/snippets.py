"""The stored bytecode of code/MINOR.json (compile_snippets.py made it, with the Python of that
version).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from gdbext.cpython.versions.catalog import minors

MINORS = tuple(reversed(minors()))
NAMES = tuple(json.loads((Path(__file__).with_name("code") / "3.13.json").read_text()))


@cache
def _all(minor: int) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(
        (Path(__file__).with_name("code") / f"3.{minor}.json").read_text()
    )
    return found


def snippet(minor: int, name: str) -> dict[str, Any]:
    return _all(minor)[name]
