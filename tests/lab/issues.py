"""Every issue of the catalogue against every crash: what is said to be likely and is not so
(scripts/accuracy --issues).

A report names the best three issues; here all are asked for.  An issue may be named where the
crash's script says so (``known``, ``known_also``), or where it is the same defect as one of those.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import gdbext
from gdbext.diagnosis import diagnose
from gdbext.diagnosis.known_issues.catalogue import catalogue
from gdbext.diagnosis.known_issues.features import CrashFeatures
from gdbext.diagnosis.known_issues.identify import Identified, identify
from gdbext.model import KnownIssue
from gdbext.target.protocol import DebuggerError
from lab import extensions
from lab.crash import NoCrash
from lab.hang import NotReady
from lab.judge import several
from lab.script import Script
from lab.session import Lab

BUILD = "release"
SURE = ("exact", "likely")


@dataclass(frozen=True)
class Crashed:
    """One death: its core, and the ids that may be named for it."""

    name: str
    core: Path
    allowed: frozenset[str]


def all_issues(core: Path) -> list[KnownIssue]:
    """Every issue that a crash looks like, however far down.  Raises DebuggerError."""
    found: list[KnownIssue] = []

    def asked(version: str, features: CrashFeatures) -> Identified:
        found.extend(identify(version, features, limit=len(catalogue())).issues)
        return identify(version, features)

    with mock.patch.object(diagnose, "identify", asked):
        gdbext.triage(core)
    return found


def false_ones(issues: Iterable[KnownIssue], allowed: frozenset[str]) -> list[KnownIssue]:
    """Those that are said to be ``exact`` or ``likely`` without being allowed."""
    groups = {issue.id: issue.group for issue in catalogue()}
    right = allowed | {groups[name] for name in allowed if name in groups}
    return [
        issue
        for issue in issues
        if issue.match in SURE and issue.id not in right and groups[issue.id] not in right
    ]


def deaths(lab: Lab, scripts: Iterable[Script]) -> Iterator[Crashed]:
    """One death of each script of the corpus that dies, and of each extension."""
    for script in scripts:
        if script.is_healthy or not script.builds:
            continue
        build = BUILD if BUILD in script.builds else script.builds[0]
        try:
            yield Crashed(
                script.name, lab.crash(build, script.name).core, _allowed(script.on(build))
            )
        except NoCrash as error:
            print(f"{script.name}: {str(error)[-80:]}", file=sys.stderr)
    for extension in extensions.extensions().values():
        try:
            core = extensions.died(lab, extension).core
        except (NoCrash, NotReady) as error:
            print(f"{extension.name}: {str(error)[-80:]}", file=sys.stderr)
            continue
        yield Crashed(extension.name, core, _allowed(extension.expect))


def _allowed(expect: dict[str, object]) -> frozenset[str]:
    named = (*several(expect.get("known")), *several(expect.get("known_also", ())))
    return frozenset(str(name) for name in named if name is not None)


def measure(crashes: Iterable[Crashed]) -> int:
    """Print the table of false matches; how many there are."""
    tried = false = 0
    print(f"{'crash':<32} {'said':<7} {'issue':<14} why", flush=True)
    for crash in crashes:
        tried += 1
        try:
            found = all_issues(crash.core)
        except DebuggerError as error:
            print(f"{crash.name:<32} {error}", flush=True)
            continue
        for issue in false_ones(found, crash.allowed):
            false += 1
            print(f"{crash.name:<32} {issue.match:<7} {issue.id:<14} {issue.why}", flush=True)
    print(f"\n{len(catalogue())} issues on {tried} crashes: {false} false matches")
    return false
