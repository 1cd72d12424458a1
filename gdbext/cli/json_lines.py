"""A file of JSON lines: an entry of a batch each, written whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

from gdbext.engine.outcome import USAGE, Failure
from gdbext.reports.formats import STDOUT


def read(path: str) -> Iterator[dict[str, Any]]:
    """The entries of a file; a line cut short, by a crash of the machine say, is left out.

    Raises:
        OSError
    """
    with open(path, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if (entry := _parsed(line)) is not None:
                yield entry


Key = tuple[Any, Any, Any]


class JsonLines:
    """Appends entries to a file, to stdout for ``-``, or nowhere for None; finds what it had.

    Two processes may write to one file: each line is written under a lock.  What a full disk cuts
    off is taken away again.

    Raises:
        Failure: when the file cannot be read or written.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._file: int | None = None
        self._places: dict[Key, tuple[int, int]] = {}

    def __enter__(self) -> JsonLines:
        if self._path and self._path != STDOUT:
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
                self._places = _places(self._path)
            except OSError as error:
                raise Failure(f"cannot write {self._path}: {error.strerror}", USAGE) from None
        return self

    def find(self, identity: Mapping[str, Any]) -> dict[str, Any] | None:
        """The last entry of that core, size and time that the file had when it was opened."""
        place = self._places.get(_key(identity))
        if place is None or self._file is None:
            return None
        entry = _parsed(os.pread(self._file, place[1], place[0]))
        return entry if entry is not None and _key(entry) == _key(identity) else None

    def write(self, entry: Mapping[str, Any]) -> None:
        """Append an entry, whole or not at all."""
        if self._path == STDOUT:
            sys.stdout.write(json.dumps(entry) + "\n")
            sys.stdout.flush()
        elif self._file is not None:
            self._append(self._file, json.dumps(entry).encode() + b"\n")

    def _append(self, file: int, line: bytes) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = os.fstat(file).st_size
        try:
            if end and os.pread(file, 1, end - 1) != b"\n":
                line = b"\n" + line  # what came before was cut short
            while line:
                line = line[os.write(file, line) :]
        except OSError as error:
            os.ftruncate(file, end)
            raise Failure(f"cannot write {self._path}: {error.strerror}") from None
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        if self._file is not None:
            os.close(self._file)


def _places(path: str) -> dict[Key, tuple[int, int]]:
    """(offset, length) of each core's last line."""
    found, offset = {}, 0
    with open(path, "rb") as stream:
        for line in stream:
            if (entry := _parsed(line)) is not None:
                found[_key(entry)] = (offset, len(line))
            offset += len(line)
    return found


def _key(entry: Mapping[str, Any]) -> Key:
    return str(entry.get("core")), entry.get("size"), entry.get("mtime")


def _parsed(line: str | bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
