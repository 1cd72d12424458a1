"""What to do about a known issue, as seen from one version."""

from __future__ import annotations

from gdbext.diagnosis.known_issues.catalogue import Issue
from gdbext.diagnosis.known_issues.versions import (
    FINAL,
    Version,
    has_fix,
    is_affected,
    parse_version,
    precedes_fix,
)

UNMAINTAINED = (3, 13)
"""The free-threaded series that gets no more fixes of this kind: one was declined for that reason
in May 2026 (PR 149877).
"""
SUCCESSOR = (3, 14)


def advice_for(issue: Issue, version: Version | None, text: str) -> str:
    """What to do: where to upgrade to, as seen from this version (``text``), and what helps
    without.
    """
    return " ".join(filter(None, (_upgrade(issue, version, text), issue.advice)))


def _upgrade(issue: Issue, version: Version | None, text: str) -> str:
    fixes = sorted((parse_version(fix), fix) for fix in issue.fixed_in)
    if not fixes:
        return "No release is known to have a fix." if issue.id.startswith("gh-") else ""
    if version is None:
        return f"Fixed in {', '.join(fix for _, fix in fixes)}."
    if has_fix(version, issue.fixed_in):
        return f"{text} should have the fix: check that the build is neither older nor modified."
    if is_affected(version, issue.affected) is False and not precedes_fix(version, issue.fixed_in):
        return f"Reported for {', '.join(issue.affected)}, not for {text}."
    mine = [fix for parsed, fix in fixes if parsed[:2] == version[:2]]
    if mine:
        better = (
            " (for free-threaded Python better the newest 3.14t)"
            if version[:2] == UNMAINTAINED
            else ""
        )
        return f"Upgrade to {mine[0]} or later{better}."
    later = [(parsed, fix) for parsed, fix in fixes if parsed[:2] > version[:2]]
    series = f"{version[0]}.{version[1]}"
    parsed, fix = later[0]
    target = fix if parsed[3] == FINAL else f"{parsed[0]}.{parsed[1]}"
    if version[:2] == UNMAINTAINED and parsed[:2] == SUCCESSOR:
        unmaintained = (
            f"Not fixed in {series}, whose free-threaded build gets no more fixes of this kind"
        )
        return f"{unmaintained}: move to the newest 3.14t ({target} or later)."
    return f"Not fixed in {series}: only {target} or later has the fix."
