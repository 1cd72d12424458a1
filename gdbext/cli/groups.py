"""Equal crashes of a batch, as groups: by the signature that their reports have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple


class Group(NamedTuple):
    """Crashes with one signature; what they are is told by the report that says most."""

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

    groups: list[Group]
    failures: list[tuple[str, str]]
    has_baseline: bool

    @property
    def size(self) -> int:
        """How many cores."""
        return sum(group.size for group in self.groups) + len(self.failures)


def signature_of(entry: dict[str, Any]) -> str | None:
    """The signature's id in a line of a batch, or in a single report."""
    report = entry.get("report") or entry
    signature = report.get("signature") if isinstance(report, dict) else None
    identifier = signature.get("id") if isinstance(signature, dict) else None
    return identifier if isinstance(identifier, str) else None


def make(entries: Iterable[dict[str, Any]], baseline: set[str] | None = None) -> Overview:
    """Group the entries of a batch.

    Known issues come first, then what is new, then what is frequent.
    """
    by_signature: dict[str, list[dict[str, Any]]] = {}
    failures = []
    for entry in entries:
        if entry.get("report") is None:
            failures.append((str(entry.get("core")), str(entry.get("error") or "no reason given")))
            continue
        by_signature.setdefault(signature_of(entry) or "unsigned", []).append(entry)
    found = [_group(signature, members, baseline) for signature, members in by_signature.items()]
    found.sort(key=lambda group: (not group.known, not group.is_new, -group.size, group.signature))
    return Overview(found, sorted(failures), baseline is not None)


def _group(signature: str, members: list[dict[str, Any]], baseline: set[str] | None) -> Group:
    members = sorted(members, key=lambda entry: str(entry.get("core")))
    best = min(members, key=_weakness)["report"]
    headline = (best.get("findings") or [{}])[0]
    known: dict[str, dict[str, Any]] = {}
    for entry in members:
        for issue in entry["report"].get("known_issues") or ():
            known.setdefault(str(issue.get("id")), issue)
    times = [int(entry.get("mtime") or 0) for entry in members]
    mark = best.get("signature") or {}
    versions = Counter(
        str((entry["report"].get("target") or {}).get("python_version")) for entry in members
    )
    return Group(
        signature,
        [str(entry.get("core")) for entry in members],
        str(headline.get("rule") or "none"),
        str(headline.get("title") or "no finding"),
        str(headline.get("confidence") or "unknown"),
        [str(feature) for feature in mark.get("features") or ()],
        [str(frame) for frame in mark.get("frames") or ()],
        list(known.values()),
        sorted(versions),
        min(times),
        max(times),
        baseline is not None and signature not in baseline,
    )


def _weakness(entry: dict[str, Any]) -> tuple[int, int, str]:
    """0 first for the report whose headline is proven and that has the most findings."""
    findings = entry["report"].get("findings") or []
    order = ("proven", "likely", "possible")
    confidence = findings[0].get("confidence") if findings else None
    return (
        order.index(confidence) if confidence in order else len(order),
        -len(findings),
        str(entry.get("core")),
    )
