"""Lets the reference show the fields of ``gdbext.frozen``'s dataclasses as arguments, as griffe
does for the standard library's.
"""

from __future__ import annotations

from typing import Any

import griffe

OURS, THEIRS = "gdbext.frozen.dataclass", "dataclasses.dataclass"


class FrozenDataclasses(griffe.Extension):
    """To griffe, one is the other."""

    def on_module_members(self, *, mod: griffe.Module, **_: Any) -> None:
        for member in mod.members.values():
            if member.is_alias and member.target_path == OURS:
                member.target_path = THEIRS
