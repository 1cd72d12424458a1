"""Which known CPython issue this is: the case's features, matched against the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.model import Finding, KnownIssue, Race, TargetInfo
from gdbext.triage.case import Case


def known_issues(case: Case, findings: Sequence[Finding], races: Sequence[Race], target: TargetInfo) -> Sequence[KnownIssue]:
    return ()
