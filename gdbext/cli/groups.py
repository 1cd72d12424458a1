"""Equal crashes of a batch, as groups: by the signature that their reports have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gdbext.cli import json_lines
from gdbext.engine.outcome import USAGE, Failure
from gdbext.store.database import Store, StoreError, weakness

DATABASE = b"SQLite format 3\0"
"""How SQLite's files begin."""


class CrashGroup(NamedTuple):
    """Crashes with one signature; the report that says most says what they are."""

    signature: str
    cores: list[str]
    rule: str
    title: str
    confidence: str
    features: list[str]
    frames: list[str]
    known: list[dict[str, Any]]
    versions: list[str]
    first: int
    """Seconds since the epoch, of the oldest core."""
    last: int
    is_new: bool
    """True when there is a baseline and it does not have this signature."""

    @property
    def size(self) -> int:
        """How many crashes."""
        return len(self.cores)


class Overview(NamedTuple):
    """All of a batch.  ``failures`` are (core, reason)."""

    groups: list[CrashGroup]
    failures: list[tuple[str, str]]
    has_baseline: bool

    @property
    def size(self) -> int:
        """How many cores."""
        return sum(group.size for group in self.groups) + len(self.failures)


def signatures_of(path: str) -> set[str]:
    """The signatures in a file: a store, JSON lines of a batch, or a single report.

    Raises:
        Failure: when it cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            is_database = stream.read(len(DATABASE)) == DATABASE
        if is_database:
            with Store.open(path) as store:
                return store.signatures()
        return {mark for entry in json_lines.read(path) if (mark := signature_of(entry))}
    except OSError as error:
        raise Failure(f"cannot read the baseline {path}: {error.strerror}", USAGE) from None
    except StoreError as error:
        raise Failure(str(error), USAGE) from None


def signature_of(entry: dict[str, Any]) -> str | None:
    """The signature's id in a line of a batch, or in a single report."""
    report = entry.get("report") or entry
    signature = report.get("signature") if isinstance(report, dict) else None
    identifier = signature.get("id") if isinstance(signature, dict) else None
    return identifier if isinstance(identifier, str) else None


class Grouping:
    """Entries of a batch, grouped as they come.  Of each signature only the report that says most
    is kept.
    """

    def __init__(self, baseline: set[str] | None = None) -> None:
        self._baseline = baseline
        self._members: dict[str, _Members] = {}
        self._failures: list[tuple[str, str]] = []

    def add(self, entry: dict[str, Any]) -> None:
        """Take one more."""
        if entry.get("report") is None:
            self._failures.append(
                (str(entry.get("core")), str(entry.get("error") or "no reason given"))
            )
        else:
            signature = signature_of(entry) or "unsigned"
            self._members.setdefault(signature, _Members()).add(entry)

    @property
    def size(self) -> int:
        """How many entries."""
        return sum(len(m.cores) for m in self._members.values()) + len(self._failures)

    def overview(self) -> Overview:
        """The most frequent come first, of equals what is new; last what nothing was found wrong
        in.
        """
        from gdbext.diagnosis.registry import traits
        from gdbext.diagnosis.rule import Kind

        found = [
            _group(signature, members, self._baseline)
            for signature, members in self._members.items()
        ]
        found.sort(
            key=lambda group: (
                traits(group.rule).kind is Kind.NOTHING,
                -group.size,
                not group.is_new,
                group.signature,
            )
        )
        return Overview(found, sorted(self._failures), self._baseline is not None)


class _Members:
    """What a group needs of its entries."""

    def __init__(self) -> None:
        self.cores: list[str] = []
        self.best: dict[str, Any] = {}
        self.known: dict[str, tuple[str, int, dict[str, Any]]] = {}
        self.versions: set[str] = set()
        self.first = self.last = 0

    def add(self, entry: dict[str, Any]) -> None:
        core, report, time = str(entry.get("core")), entry["report"], int(entry.get("mtime") or 0)
        self.first = min(self.first, time) if self.cores else time
        self.last = max(self.last, time) if self.cores else time
        self.cores.append(core)
        self.versions.add(str((report.get("target") or {}).get("python_version")))
        if not self.best or _rank(entry) < _rank(self.best):
            self.best = entry
        for place, issue in enumerate(report.get("known_issues") or ()):
            name = str(issue.get("id"))
            # That of the first core by name, in whichever order they come.
            if name not in self.known or core < self.known[name][0]:
                self.known[name] = (core, place, issue)


def make(entries: Iterable[dict[str, Any]], baseline: set[str] | None = None) -> Overview:
    """Group the entries of a batch."""
    grouping = Grouping(baseline)
    for entry in entries:
        grouping.add(entry)
    return grouping.overview()


def _group(signature: str, members: _Members, baseline: set[str] | None) -> CrashGroup:
    best = members.best["report"]
    headline = (best.get("findings") or [{}])[0]
    mark = best.get("signature") or {}
    return CrashGroup(
        signature,
        sorted(members.cores),
        str(headline.get("rule") or "none"),
        str(headline.get("title") or "no finding"),
        str(headline.get("confidence") or "unknown"),
        [str(feature) for feature in mark.get("features") or ()],
        [str(frame) for frame in mark.get("frames") or ()],
        [issue for *_, issue in sorted(members.known.values(), key=lambda known: known[:2])],
        sorted(members.versions),
        members.first,
        members.last,
        baseline is not None and signature not in baseline,
    )


def _rank(entry: dict[str, Any]) -> tuple[int, str]:
    """The least is the report whose headline is surest and that has the most findings."""
    return weakness(entry["report"]), str(entry.get("core"))


def issue_name(issue: Mapping[str, Any]) -> str:
    """The issue of a report, in a word or two.

    >>> issue_name({"id": "gh-132713", "match": "possible"})
    'gh-132713 (possible)'
    """
    is_sure = issue.get("match") != "possible"
    return str(issue.get("id")) if is_sure else f"{issue.get('id')} (possible)"
