"""Whether functions are the allocator's, from their names."""

from __future__ import annotations

import re

from gdbext.diagnosis.facts.frames import CrashStack

MAX_INNER = 4
MIMALLOC = ("mi_", "_mi_")
ALLOCATOR = re.compile(
    r"^_?mi_|freelist|^_Py(Mem|Object)_|^Py(Mem|Object)_(Raw)?([MC]alloc|Realloc|Free)$"
    r"|^_Py_.*(free|alloc)"
)


def is_in_allocator(stack: CrashStack) -> bool:
    """Whether the thread died in the allocator, or right behind it."""
    return any(ALLOCATOR.search(f.function or "") for f in stack.native_frames[:MAX_INNER])


def is_mimalloc(function: str | None) -> bool:
    """Whether a function is mimalloc's."""
    return (function or "").startswith(MIMALLOC)
