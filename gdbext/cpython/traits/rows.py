"""Reads a JSON table of traits: one row a name, each row the keywords of one dataclass."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def load(file: str) -> Mapping[str, Mapping[str, Any]]:
    """The rows of a table in this folder, by name; JSON lists come as tuples.

    >>> load("types.json")["list"]["structs"]
    ('PyListObject',)
    """
    rows = json.loads((FOLDER / file).read_text(encoding="utf-8"))
    return {
        name: {key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}
        for name, row in rows.items()
    }
