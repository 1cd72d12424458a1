"""Folders that stay in the user's cache: made once, whoever asks first."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import interpreters


def kept(folder: Path, make: Callable[[Path], Path]) -> Path:
    """``folder``, made now unless the cache has it.

    ``make`` is given an empty folder on the same file system to work in, and returns the one in it
    that becomes ``folder``: it is there whole or not at all.
    """
    with interpreters.locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=folder.parent) as work:
                make(Path(work)).rename(folder)
    return folder
