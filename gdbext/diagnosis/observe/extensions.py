"""The extension modules that the process has imported and that are not Python's own."""

from __future__ import annotations

import os
from collections.abc import Iterator

from gdbext.diagnosis.conclude.code_owners import is_others
from gdbext.session import Session

CALLS_ANYTHING = "_ctypes"
"""Python's own, and the way of Python code to write wherever it likes."""


def extensions(session: Session, interpreter: str | None) -> Iterator[str]:
    """Their names, ``_ctypes`` among them; ``interpreter`` is the file of the interpreter's code.

    What their code does to memory, the interpreter cannot know.
    """
    for module in session.modules:
        name = _name(module.path)
        if name == CALLS_ANYTHING or is_extension(session, module.path, interpreter):
            yield name


def is_extension(session: Session, path: str | None, interpreter: str | None) -> bool:
    """Whether a mapped file is one: it has what an import calls, and is not Python's own."""
    if path is None or not is_others(path, interpreter):
        return False
    debugger = session.debugger
    entry = debugger.symbol(f"PyInit_{_name(path)}")
    return entry is not None and any(
        r.path == path and r.start <= entry.address < r.end for r in debugger.regions()
    )


def _name(path: str) -> str:
    return os.path.basename(path).split(".")[0]
