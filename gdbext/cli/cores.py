"""Which cores a batch is about, and what tells one from another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from gdbext.cli import compressed, remote
from gdbext.engine.outcome import Failure


class CoreFile(NamedTuple):
    """A core, and what tells it from another that later has the same name; None where that cannot
    be asked for.
    """

    name: str
    size: int | None
    mtime: int | None
    """Seconds since the epoch."""

    @property
    def identity(self) -> dict[str, Any]:
        """As entries of a batch have it."""
        return {"core": self.name, "size": self.size, "mtime": self.mtime}


def find(paths: Iterable[str]) -> list[CoreFile]:
    """The cores named, and those in the folders named, in a fixed order.

    One that is found by two names counts once.

    Raises:
        Failure: for a path that is not there.
    """
    by_file: dict[str, CoreFile] = {}
    for path in paths:
        if remote.is_url(path):
            by_file.update((found[0], CoreFile(*found)) for found in remote.find(path))
        else:
            for name in names([path]):
                by_file.setdefault(os.path.realpath(name), identify(name))
    return list(by_file.values())


def names(paths: Iterable[str]) -> Iterator[str]:
    """The absolute paths of the cores named, and of those in the folders named.

    Raises:
        Failure: for a path that is not there.
    """
    for path in paths:
        if not os.path.exists(path):
            raise Failure(f"there is no {path}")
        if not os.path.isdir(path):
            yield os.path.abspath(path)
            continue
        for folder, folders, files in os.walk(os.path.abspath(path)):
            folders.sort()
            for name in sorted(files):
                candidate = os.path.join(folder, name)
                # A link to a core counts; a pipe must not be opened.
                if os.path.isfile(candidate) and compressed.is_core(candidate):
                    yield candidate


def identify(path: str) -> CoreFile:
    try:
        facts = os.stat(path)
    except OSError:
        return CoreFile(path, None, None)
    return CoreFile(path, facts.st_size, int(facts.st_mtime))
