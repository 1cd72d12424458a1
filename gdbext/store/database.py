"""The file of a store.

One row a core: what a batch says of it (an entry of schema ``gdbext.batch/1``), with its report
compressed.  A crash is told from another by its core's path, size and time, so adding one again
changes nothing.

Each crash is one transaction with a rollback journal: two writers take turns, and what a full disk
interrupts is not there at all, while all that was there stays.  (SQLite's other journal, WAL, has
files beside the database that must not be lost, and wants shared memory, which network file systems
do not have.)
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gdbext.frozen import dataclass

FORMAT = 1
"""``PRAGMA user_version`` of the files that this code writes."""
ENTRY_SCHEMA = "gdbext.batch/1"
APPLICATION = 0x67646278
"""``PRAGMA application_id``: ``gdbx``."""
PATIENCE = 120.0
"""Seconds to wait for another writer."""
UNKNOWN = -1
"""The size or time of a core that could not be asked for."""
IN_SPAN = "signature IS NOT NULL AND crashed >= ? AND crashed < ?"
CONFIDENCES = ("proven", "likely", "possible")
TABLES = """
CREATE TABLE IF NOT EXISTS crashes (
    id INTEGER PRIMARY KEY,
    core TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    crashed INTEGER NOT NULL,  -- seconds since the epoch
    stored INTEGER NOT NULL,
    signature TEXT,            -- NULL: the core could not be diagnosed
    version TEXT NOT NULL,     -- of Python; '' where it is not known
    weakness INTEGER NOT NULL, -- of its report: the least stands for the signature
    status INTEGER NOT NULL,
    seconds REAL NOT NULL,
    error TEXT,
    report BLOB,               -- JSON, compressed with zlib
    UNIQUE (core, size, mtime)
);
CREATE INDEX IF NOT EXISTS crashes_over_time ON crashes (signature, crashed, version, weakness);
"""


class StoreError(Exception):
    """The store cannot be used; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """All crashes of one signature in a span of time.  Times are seconds since the epoch."""

    signature: str
    count: int
    first: int
    last: int
    """First and last in that span."""
    appeared: int
    """The first ever."""
    versions: Mapping[str, int]
    """How many crashes each version of Python had; ``""`` where it is not known."""
    rule: str
    title: str
    confidence: str
    frames: tuple[str, ...]
    features: tuple[str, ...]
    issues: tuple[Mapping[str, Any], ...]
    """Known issues that fit, as the report has them."""


@dataclass(frozen=True, kw_only=True)
class StoredCrash:
    """One core of a store; ``error`` says why it has no signature, if it has none."""

    core: str
    crashed: int
    signature: str | None
    version: str
    error: str | None


class Store:
    """An open store.  Use it as a context manager.

    >>> with Store.create(":memory:") as store:
    ...     store.add({"core": "/c/core.1", "size": 9, "mtime": 60, "error": "it is empty"})
    ...     (store.size, store.failures()[0].error)
    (1, 'it is empty')
    """

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path

    @classmethod
    def create(cls, path: str) -> Store:
        """Open the store at ``path``; make it if it is not there.

        Raises:
            StoreError
        """
        return cls._opened(path, path)

    @classmethod
    def open(cls, path: str) -> Store:
        """Open a store that is there.

        Raises:
            StoreError
        """
        if not os.path.exists(path):
            raise StoreError(f"there is no {path}; gdbext batch --store {path} makes it")
        # Not read-only: what a writer that was killed left half-done is rolled back by the next
        # reader.
        return cls._opened(f"{Path(path).absolute().as_uri()}?mode=rw", path)

    @classmethod
    def _opened(cls, name: str, path: str) -> Store:
        try:
            connection = sqlite3.connect(
                name, PATIENCE, isolation_level=None, uri=name.startswith("file:")
            )
        except sqlite3.Error as error:
            raise StoreError(f"cannot open {path}: {error}") from None
        store = cls(connection, path)
        try:
            store._check()
        except BaseException:
            connection.close()
            raise
        return store

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    # --- writing --------------------------------------------------------------------------------

    def add(self, entry: Mapping[str, Any]) -> None:
        """Keep a batch's entry.  What the store has of the core already stays, but for a failure.

        Raises:
            StoreError: when it cannot be written; then the store is as it was.
        """
        values = _row(entry, int(time.time()))
        names = ", ".join(values)
        changes = ", ".join(f"{name} = excluded.{name}" for name in values if name != "stored")
        with self._transaction() as connection:
            connection.execute(
                f"INSERT INTO crashes ({names}) VALUES ({', '.join('?' * len(values))}) "
                f"ON CONFLICT (core, size, mtime) DO UPDATE SET {changes} WHERE signature IS NULL",
                tuple(values.values()),
            )

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection, self._path)

    def _check(self) -> None:
        """That the file is a store of this format; an empty one becomes one."""
        version, application, tables = self._read(
            "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master) "
            "FROM pragma_user_version, pragma_application_id"
        )[0]
        if application == APPLICATION:
            if version > FORMAT:
                raise StoreError(
                    f"{self._path} was made by a newer gdbext: format {version}, not {FORMAT}"
                )
            return
        if tables:
            raise StoreError(f"{self._path} is a database of another program")
        with self._transaction() as connection:
            # Another process may have made them meanwhile.
            for statement in TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")

    # --- reading --------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """How many cores."""
        return int(self._read("SELECT count(*) FROM crashes")[0][0])

    @property
    def span(self) -> tuple[int, int] | None:
        """The first and the last crash; None of an empty store."""
        first, last = self._read("SELECT min(crashed), max(crashed) FROM crashes")[0]
        return None if first is None else (int(first), int(last))

    def find(self, core: str, size: int | None, mtime: int | None) -> dict[str, Any] | None:
        """The entry of a core, as it was added; None if it is not here."""
        rows = self._read(
            "SELECT core, size, mtime, status, seconds, error, report FROM crashes "
            "WHERE core = ? AND size = ? AND mtime = ?",
            (core, _known(size), _known(mtime)),
        )
        return _entry(rows[0]) if rows else None

    def signatures(self) -> set[str]:
        """The ids of all signatures."""
        return {
            row[0]
            for row in self._read(
                "SELECT DISTINCT signature FROM crashes WHERE signature IS NOT NULL"
            )
        }

    def matching(self, start: str) -> list[str]:
        """The signatures whose id begins so."""
        return sorted(name for name in self.signatures() if name.startswith(start))

    def summaries(self, since: int | None = None, until: int | None = None) -> list[Summary]:
        """Each signature that crashed at ``since`` or later, before ``until``; the most frequent
        first.
        """
        span = _bounds(since, until)
        appeared = dict(
            self._read("SELECT signature, min(crashed) FROM crashes GROUP BY signature")
        )
        versions: dict[str, dict[str, int]] = {}
        for signature, version, count in self._read(
            "SELECT signature, version, count(*) FROM crashes "
            f"WHERE {IN_SPAN} GROUP BY signature, version ORDER BY version",
            span,
        ):
            versions.setdefault(signature, {})[version] = count
        # A bare column beside one min() is that of the row with the minimum (SQLite's
        # documentation of SELECT).
        rows = self._read(
            "SELECT signature, count(*), min(crashed), max(crashed) FROM crashes "
            f"WHERE {IN_SPAN} GROUP BY signature",
            span,
        )
        made = [
            _summary(row, appeared[row[0]], versions.get(row[0], {}), self.report(row[0]) or {})
            for row in rows
        ]
        return sorted(made, key=lambda s: (-s.count, s.signature))

    def report(self, signature: str) -> dict[str, Any] | None:
        """The report that says most of a signature's crashes, as JSON data; of equal ones the
        newest.
        """
        rows = self._read(
            "SELECT report FROM crashes WHERE signature = ? "
            "ORDER BY weakness, crashed DESC LIMIT 1",
            (signature,),
        )
        return _unpacked(rows[0][0]) if rows else None

    def crashes(self, signature: str, most: int) -> list[StoredCrash]:
        """Cores of a signature, the newest first."""
        return self._crashes("signature = ?", (signature, most))

    def failures(self, most: int = 1000) -> list[StoredCrash]:
        """Cores that could not be diagnosed, the newest first."""
        return self._crashes("signature IS NULL", (most,))

    def counts(
        self, width: int, start: int, since: int | None = None, until: int | None = None
    ) -> Iterator[tuple[str, str, int, int]]:
        """(signature, version, number, crashes) for each stretch of ``width`` seconds that has any.

        They are numbered from ``start`` on, which is not after ``since``, nor after the first
        crash.
        """
        yield from self._read(
            "SELECT signature, version, (crashed - ?) / ?, count(*) FROM crashes "
            f"WHERE {IN_SPAN} GROUP BY 1, 2, 3 ORDER BY 3",
            (start, width, *_bounds(since, until)),
        )

    def count(self, signature: str, since: int, until: int) -> int:
        """Crashes of a signature at ``since`` or later, before ``until``."""
        rows = self._read(
            "SELECT count(*) FROM crashes WHERE signature = ? AND crashed >= ? AND crashed < ?",
            (signature, since, until),
        )
        return int(rows[0][0])

    def _crashes(self, condition: str, values: tuple[Any, ...]) -> list[StoredCrash]:
        rows = self._read(
            f"SELECT core, crashed, signature, version, error FROM crashes WHERE {condition} "
            "ORDER BY crashed DESC, core LIMIT ?",
            values,
        )
        return [
            StoredCrash(
                core=core, crashed=crashed, signature=signature, version=version, error=error
            )
            for core, crashed, signature, version, error in rows
        ]

    def _read(self, query: str, values: Iterable[Any] = ()) -> list[Any]:
        try:
            return self._connection.execute(query, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"cannot read {self._path}: {error}") from None


class _Transaction:
    """All of it or nothing; waits for other writers."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise StoreError(f"cannot write {self._path}: {error}") from None
        return self._connection

    def __exit__(self, kind: object, error: BaseException | None, _where: object) -> None:
        try:
            if error is None:
                self._connection.execute("COMMIT")
        except sqlite3.Error as refused:
            error = refused
        if error is not None and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"cannot write {self._path}: {error}") from None


def _row(entry: Mapping[str, Any], now: int) -> dict[str, Any]:
    """The columns of an entry."""
    report = entry.get("report")
    report = report if isinstance(report, dict) else None
    mtime = _known(entry.get("mtime"))
    packed = json.dumps(report, separators=(",", ":")).encode() if report is not None else None
    target = _mapping(report, "target")
    return {
        "core": str(entry.get("core")),
        "size": _known(entry.get("size")),
        "mtime": mtime,
        "crashed": mtime if mtime != UNKNOWN else now,
        "stored": now,
        "signature": str(_mapping(report, "signature").get("id") or "unsigned")
        if report is not None
        else None,
        "version": str(target.get("python_version") or ""),
        "weakness": weakness(report) if report is not None else 0,
        "status": int(entry.get("status") or 0),
        "seconds": float(entry.get("seconds") or 0),
        "error": None if report is not None else str(entry.get("error") or "no reason given"),
        "report": zlib.compress(packed) if packed is not None else None,
    }


def weakness(report: Mapping[str, Any]) -> int:
    """Less for a surer headline, and for more findings; the least says most."""
    findings = report.get("findings") or []
    confidence = findings[0].get("confidence") if findings else None
    rank = CONFIDENCES.index(confidence) if confidence in CONFIDENCES else len(CONFIDENCES)
    return rank * 100 + 99 - min(len(findings), 99)


def _summary(
    row: tuple[Any, ...], appeared: int, versions: Mapping[str, int], report: Mapping[str, Any]
) -> Summary:
    signature, count, first, last = row
    headline = (report.get("findings") or [{}])[0]
    mark = _mapping(report, "signature")
    return Summary(
        signature=signature,
        count=count,
        first=first,
        last=last,
        appeared=appeared,
        versions=versions,
        rule=str(headline.get("rule") or "none"),
        title=str(headline.get("title") or "no finding"),
        confidence=str(headline.get("confidence") or "unknown"),
        frames=tuple(map(str, mark.get("frames") or ())),
        features=tuple(map(str, mark.get("features") or ())),
        issues=tuple(report.get("known_issues") or ()),
    )


def _entry(row: tuple[Any, ...]) -> dict[str, Any]:
    core, size, mtime, status, seconds, error, packed = row
    return {
        "schema": ENTRY_SCHEMA,
        "core": core,
        "size": None if size == UNKNOWN else size,
        "mtime": None if mtime == UNKNOWN else mtime,
        "status": status,
        "seconds": seconds,
        "error": error,
        "report": _unpacked(packed),
    }


def _unpacked(packed: bytes | None) -> dict[str, Any] | None:
    try:
        return None if packed is None else dict(json.loads(zlib.decompress(packed)))
    except (zlib.error, ValueError) as error:
        raise StoreError(f"a report in the store is damaged: {error}") from None


def _mapping(report: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    value = (report or {}).get(name)
    return value if isinstance(value, dict) else {}


def _bounds(since: int | None, until: int | None) -> tuple[int, int]:
    """Both as numbers that any time is between."""
    return since if since is not None else -(1 << 62), until if until is not None else 1 << 62


def _known(value: Any) -> int:
    return value if isinstance(value, int) else UNKNOWN
