"""Which known CPython issue a crash is: the door to the catalogue, ``known_issues.json``.

How far a match goes:

- ``exact``: the frames that the issue's own thread quotes, an assertion of its own, or its type of object with all of its
  operations, where no other issue fits as well; and this version is one that is known to have the defect.
- ``likely``: the same where this version should have the fix (a patched build, or a regression), or a part of the signs.
- ``possible``: the nearest, for a person to look at.  All that there is where the object is only suspected, and the crash
  happened elsewhere: that threads share such an object does not make it the cause.

>>> race = Scene(frozenset({"bytearray"}), operations=frozenset({"append", "clear"}))
>>> found = match("3.13.5", CrashFeatures(scenes=(race,)))
>>> found[0].id, found[0].match
('gh-129107', 'exact')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gdbext.diagnosis.signs import Crash, CrashFeatures, Fit, Issue, Scene, catalogue, fits
from gdbext.diagnosis.versions import FINAL, Version, has_fix, is_affected, parse_version
from gdbext.model import KnownIssue

MAX_MATCHES = 3
ORDER = ("exact", "likely", "possible")
UNMAINTAINED = (3, 13)
"""The free-threaded series that gets no more fixes of this kind: one was declined for that reason in May 2026 (PR 149877)."""
SUCCESSOR = (3, 14)
BORROWED = "borrowed-item-uaf"
ALONE = "it takes two threads, and the process has one"


@dataclass(frozen=True)
class _Match:
    """The sign of an issue that fits best, in the scene where it does."""

    issue: Issue
    fit: Fit
    contradiction: str | None
    """What speaks against it, though the signs are there."""
    is_fixed: bool
    is_reported: bool
    """For this version (or for no version in particular, where that of the interpreter is not known)."""
    may_have_it: bool

    @property
    def score(self) -> float:
        return self.fit.score + self.is_reported

    @property
    def is_sure(self) -> bool:
        """What makes an exact match, where no other issue fits as well."""
        return not self.contradiction and (
            self.fit.is_strong or (self.fit.is_direct and self.fit.is_certain)
        )

    @property
    def is_good(self) -> bool:
        return not self.contradiction and (
            self.fit.is_strong or (self.fit.is_good and self.fit.is_founded)
        )

    @property
    def is_duplicate(self) -> bool:
        return self.issue.group != self.issue.id

    @property
    def defect(self) -> tuple[str, ...]:
        sign = self.fit.sign
        # Where the sign is of one type of object only, it is that one, though a crash may not show it.
        kinds = sign.types if len(sign.types) == 1 else self.fit.objects
        return (self.issue.group, sign.module or "", *sorted(self.fit.attributes), *sorted(kinds))


@dataclass(frozen=True)
class Identified:
    """``defect`` names the defect of the first issue in words that are equal in each crash of it.

    Several issues may be of one defect, and one issue of several: the module, the attributes and the objects tell those apart.
    Empty where only a part of an issue's signs was seen, or only on an object that is not the first suspect, and where the
    issue is about no object in particular.
    """

    issues: list[KnownIssue] = field(default_factory=list)
    defect: tuple[str, ...] = ()


def match(version: str, features: CrashFeatures, limit: int = MAX_MATCHES) -> list[KnownIssue]:
    """The issues that the crash looks like, the best first, at most ``limit``; see :func:`identify`."""
    return identify(version, features, limit).issues


def identify(version: str, features: CrashFeatures, limit: int = MAX_MATCHES) -> Identified:
    """The issues that the crash looks like, the best first, at most ``limit``; none where nothing comes near.

    ``version`` is that of the interpreter (``3.13.5``); one of another form counts as not known.
    """
    try:
        parsed: Version | None = parse_version(version)
    except ValueError:
        parsed = None
    crash = Crash(features)
    found = [
        m
        for issue in catalogue()
        if _is_at_hand(issue, crash) and (m := _best(issue, crash, parsed))
    ]
    ranked = [(level, m) for m in found if (level := _level(m, found))]
    ranked.sort(key=lambda p: (ORDER.index(p[0]), p[1].is_fixed, -p[1].score, p[1].is_duplicate))
    if ranked and ranked[0][0] == "exact":
        # What is only possible is of no use beside what it is.
        ranked = [(level, m) for level, m in ranked if level != "possible"]
    issues = [_described(m, level, parsed, version) for level, m in ranked[:limit]]
    level, first = ranked[0] if ranked else (None, None)
    is_told = first and (
        level != "possible" or (first.fit.is_whole and first.fit.scene is crash.scenes[0])
    )
    return Identified(
        issues, first.defect if first and is_told and not first.fit.sign.is_general else ()
    )


def _is_at_hand(issue: Issue, crash: Crash) -> bool:
    """Whether what it is an issue of, where that is an extension, is loaded, as far as is known."""
    return not issue.project or not crash.features.loaded or issue.project in crash.features.loaded


def _best(issue: Issue, crash: Crash, version: Version | None) -> _Match | None:
    is_fixed = version is not None and has_fix(version, issue.fixed_in)
    reported = True if version is None else is_affected(version, issue.affected)
    found = []
    for sign in issue.signs:
        for fit in fits(issue, sign, crash):
            may_have_it = not is_fixed and reported is not False
            found.append(
                _Match(
                    issue,
                    fit,
                    _contradiction(issue, fit, crash),
                    is_fixed,
                    reported is True,
                    may_have_it,
                )
            )
    return max(found, key=lambda m: (m.is_sure, m.is_good, m.score), default=None)


def _contradiction(issue: Issue, fit: Fit, crash: Crash) -> str | None:
    if (
        issue.defect == BORROWED
        and fit.scene.scene.still_holds
        and fit.objects
        and not fit.has_assertion
    ):
        # A reference was dropped too many.
        return "the container still holds the item, so that nobody took it away meanwhile"
    if crash.features.is_alone and issue.needs_threads and not fit.is_strong:
        return ALONE
    if issue.one_thread == "always" and not crash.features.is_alone:
        return "it happens in one thread, and the process has others"
    return None


def _level(found: _Match, others: Sequence[_Match]) -> str | None:
    """``exact``, ``likely``, ``possible``, or None: not worth saying."""
    if found.contradiction == ALONE:
        return None
    if (
        found.is_sure
        and found.may_have_it
        and (found.fit.is_strong or (found.is_reported and not _has_rival(found, others)))
    ):
        return "exact"
    if found.is_good and (found.may_have_it or found.is_sure):
        return "likely"
    return "possible" if found.is_good or not found.is_fixed else None


def _has_rival(found: _Match, others: Sequence[_Match]) -> bool:
    """Whether another defect of this version fits as well, or this is a duplicate."""
    for other in others:
        if not other.is_sure or other is found:
            continue
        if other.issue.group == found.issue.group:
            if found.is_duplicate and other.issue.id == found.issue.group:
                return True
        elif other.is_reported and not other.is_fixed and other.score >= found.score:
            return True
    return False


def _described(found: _Match, level: str, version: Version | None, text: str) -> KnownIssue:
    issue, why = found.issue, found.fit.why
    if found.is_fixed:
        why += f"; though {text} should have the fix: a patched or modified build, a regression, or another cause"
    elif version is not None and is_affected(version, issue.affected) is False:
        why += f"; though it is not reported for {text}"
    if found.contradiction:
        why += f"; but {found.contradiction}"
    return KnownIssue(
        issue.id,
        issue.url,
        level,
        issue.fixed_in,
        advice_for(issue, version, text),
        issue.title,
        why,
    )


def advice_for(issue: Issue, version: Version | None, text: str) -> str:
    """What to do: where to upgrade to, as seen from this version (``text``), and what helps without."""
    return " ".join(filter(None, (_upgrade(issue, version, text), issue.advice)))


def _upgrade(issue: Issue, version: Version | None, text: str) -> str:
    fixes = sorted((parse_version(fix), fix) for fix in issue.fixed_in)
    if not fixes:
        return "No release is known to have a fix." if issue.id.startswith("gh-") else ""
    if version is None:
        return f"Fixed in {', '.join(fix for _, fix in fixes)}."
    if has_fix(version, issue.fixed_in):
        return f"{text} should have the fix: check that the build is no older or modified one."
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


__all__ = ["CrashFeatures", "Identified", "Scene", "advice_for", "identify", "match"]
