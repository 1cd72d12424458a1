"""Which known CPython issue a crash is.

How far a match goes:

- ``exact``: the frames that the issue's own thread quotes, an assertion of its own, or its type of
  object with all of its operations, where no other issue fits as well; and this version is one that
  is known to have the defect.
- ``likely``: the same where this version should have the fix (a patched build, or a regression), or
  a part of the pattern.
- ``possible``: the nearest, for a person to look at.  All that there is where the object is only
  suspected, and the crash happened elsewhere: that threads share such an object does not make it
  the cause.

>>> from gdbext.diagnosis.known_issues.features import Candidate
>>> from gdbext.model import Operation, OperationKind
>>> both = frozenset(Operation(kind=OperationKind.CALL, name=name) for name in ("append", "clear"))
>>> race = Candidate(types=frozenset({"bytearray"}), operations=both)
>>> issues = identify("3.13.5", CrashFeatures(candidates=(race,))).issues
>>> issues[0].id, issues[0].match
('gh-129107', 'exact')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from gdbext.diagnosis import weights
from gdbext.diagnosis.known_issues.advice import advice_for
from gdbext.diagnosis.known_issues.catalogue import Issue, catalogue
from gdbext.diagnosis.known_issues.features import CrashFeatures
from gdbext.diagnosis.known_issues.match import CrashIndex, Match, matches
from gdbext.diagnosis.known_issues.versions import (
    Version,
    has_fix,
    is_affected,
    parse_version,
    precedes_fix,
)
from gdbext.frozen import dataclass
from gdbext.model import KnownIssue

MAX_ISSUES = 3
ORDER = ("exact", "likely", "possible")
BORROWED = "borrowed-item-uaf"
ALONE = "it takes two threads, and the process has one"
WRITTEN_OVER = "the object has a word that is not an address, which the issue does not leave there"
TURNS = "one thread is at a lock that the other one takes, too: they may take turns"
ELSEWHERE = "the crash is in other code of that module"
UNSHARED = "it takes two threads, and no other one has the object that the crashed code works on"


@dataclass(frozen=True, kw_only=True)
class _Identification:
    """The pattern of an issue that matches best, in the candidate where it does."""

    issue: Issue
    match: Match
    contradiction: str | None
    """What speaks against it, though the pattern is there."""
    is_fixed: bool
    is_reported: bool
    """For this version (or for no version in particular, where that of the interpreter is not
    known).
    """
    may_have_it: bool

    @property
    def score(self) -> float:
        return self.match.score + weights.REPORTED * self.is_reported

    @property
    def order(self) -> tuple[bool, bool, bool, float, int, bool]:
        """The best first of those that match as far: what speaks against one puts it behind, and of
        two that fit as well that of the better suspect is the nearer.
        """
        has_doubt, match = self.contradiction is not None, self.match
        return (
            self.is_fixed,
            has_doubt,
            match.is_elsewhere,
            -self.score,
            match.rank,
            self.is_duplicate,
        )

    @property
    def is_sure(self) -> bool:
        """What makes an exact match, where no other issue fits as well."""
        return not self.contradiction and (
            self.match.is_strong or (self.match.is_direct and self.match.is_certain)
        )

    @property
    def is_good(self) -> bool:
        return not self.contradiction and (
            self.match.is_strong or (self.match.is_good and self.match.is_founded)
        )

    @property
    def is_duplicate(self) -> bool:
        return self.issue.group != self.issue.id

    @property
    def defect(self) -> tuple[str, ...]:
        pattern = self.match.pattern
        # Where the pattern is of one type of object only, it is that one, though a crash may not
        # show it.
        types = pattern.types if len(pattern.types) == 1 else self.match.objects
        return (
            self.issue.group,
            pattern.module or "",
            *sorted(self.match.attributes),
            *sorted(types),
        )


@dataclass(frozen=True)
class Identified:
    """``defect`` names the defect of the first issue in words that are equal in each crash of it.

    Several issues may be of one defect, and one issue of several: the module, the attributes and
    the objects tell those apart. Empty where only a part of an issue's pattern was seen, or only on
    an object that is not the first suspect, and where the issue is about no object in particular.
    """

    issues: list[KnownIssue] = field(default_factory=list)
    defect: tuple[str, ...] = ()


def identify(version: str, features: CrashFeatures, limit: int = MAX_ISSUES) -> Identified:
    """The issues that the crash looks like, the best first, at most ``limit``; none where nothing
    comes near.

    ``version`` is that of the interpreter (``3.13.5``); one of another form counts as not known.
    """
    try:
        parsed: Version | None = parse_version(version)
    except ValueError:
        parsed = None
    crash = CrashIndex(features)
    found = [
        m
        for issue in catalogue()
        if _is_at_hand(issue, crash) and (m := _best(issue, crash, parsed))
    ]
    ranked = [(level, m) for m in found if (level := _level(m, found))]
    ranked.sort(key=lambda p: (ORDER.index(p[0]), *p[1].order))
    ranked = _originals_first(ranked)
    if ranked and ranked[0][0] == "exact":
        # What is only possible is of no use beside what it is.
        ranked = [(level, m) for level, m in ranked if level != "possible"]
    issues = [_described(m, level, parsed, version) for level, m in ranked[:limit]]
    level, first = ranked[0] if ranked else (None, None)
    is_reported = first and (
        level != "possible"
        or (first.match.is_whole and first.match.candidate is crash.candidates[0])
    )
    return Identified(
        issues, first.defect if first and is_reported and not first.match.pattern.is_general else ()
    )


def _originals_first(
    ranked: Sequence[tuple[str, _Identification]],
) -> list[tuple[str, _Identification]]:
    """(level, issue) with each issue before its duplicates, as sure as those: it is the same
    defect, and its page says what became of that.
    """
    ordered = list(ranked)
    for level, found in ranked:
        if level == "possible" or not found.is_duplicate:
            continue
        original = next((p for p in ordered if p[1].issue.id == found.issue.group), None)
        if original is None or original[0] == "possible" or original[1].is_fixed:
            continue
        place = ordered.index((level, found))
        if ordered.index(original) > place:
            ordered.remove(original)
            ordered.insert(place, (level, original[1]))
    return ordered


def _is_at_hand(issue: Issue, crash: CrashIndex) -> bool:
    """Whether what it is an issue of, where that is an extension, is loaded, as far as is known."""
    return not issue.project or not crash.features.loaded or issue.project in crash.features.loaded


def _best(issue: Issue, crash: CrashIndex, version: Version | None) -> _Identification | None:
    found = [match for pattern in issue.patterns for match in matches(issue, pattern, crash)]
    if not found:
        return None
    is_fixed = version is not None and has_fix(version, issue.fixed_in)
    reported = True if version is None else is_affected(version, issue.affected)
    if reported is None and version is not None and precedes_fix(version, issue.fixed_in):
        # It is later than all that was reported, and not yet as late as the fix.
        reported = True
    identified = (
        _Identification(
            issue=issue,
            match=match,
            contradiction=_contradiction(issue, match, crash),
            is_fixed=is_fixed,
            is_reported=reported is True,
            may_have_it=not is_fixed and reported is not False,
        )
        for match in found
    )
    return max(identified, key=lambda m: (m.is_sure, m.is_good, m.score))


def _contradiction(issue: Issue, match: Match, crash: CrashIndex) -> str | None:
    if (
        issue.defect == BORROWED
        and match.candidate.candidate.still_holds
        and match.objects
        and not match.has_assertion
    ):
        # A reference was dropped too many.
        return "the container still holds the item, so that nobody took it away meanwhile"
    if match.candidate.candidate.is_written_over and not match.is_strong:
        return WRITTEN_OVER
    if match.candidate.candidate.takes_turns and issue.needs_threads and not match.is_strong:
        return TURNS
    if crash.features.own_code and not issue.project and not match.is_strong:
        return f"{crash.features.own_code} faulted by itself, and is not CPython's"
    if crash.features.is_alone and issue.needs_threads and not match.is_strong:
        return ALONE
    if match.is_elsewhere and not match.is_strong:
        return ELSEWHERE
    if crash.features.is_unshared and issue.needs_threads and not match.is_strong:
        return UNSHARED
    if issue.one_thread == "always" and not crash.features.is_alone:
        return "it happens in one thread, and the process has others"
    return None


def _level(found: _Identification, others: Sequence[_Identification]) -> str | None:
    """``exact``, ``likely``, ``possible``, or None: not worth saying."""
    if found.contradiction == ALONE:
        return None
    if (
        found.is_sure
        and found.may_have_it
        and (found.match.is_strong or (found.is_reported and not _has_rival(found, others)))
    ):
        return "exact"
    is_likely = found.is_good and (found.may_have_it or found.is_sure)
    if is_likely and not _is_outdone(found, others):
        return "likely"
    return "possible" if found.is_good or not found.is_fixed else None


def _is_outdone(found: _Identification, others: Sequence[_Identification]) -> bool:
    """Whether what races is not the issue's, or another issue explains it that is better founded.

    That is one whose whole pattern is there and that is reported for this version: beside it a part
    of a pattern says nothing, nor does an issue that this version has not, nor what is done to an
    object that is a worse suspect, or that is not of the code in which the crash happened.
    """
    match = found.match
    if match.is_strong:
        return False
    if match.is_at_odds:
        return True
    for other in others:
        if other.issue.group == found.issue.group or not other.is_good or not other.may_have_it:
            continue
        for is_nearer in NEARER:
            if is_nearer(other, found):
                return True
            if is_nearer(found, other):
                break
        else:
            if _says_more(other, found):
                return True
    return False


def _says_more(one: _Identification, other: _Identification) -> bool:
    """Whether ``one`` explains more of what is seen, or what is seen of a better suspect."""
    mine, its = one.match, other.match
    if not its.is_whole and its.functions < mine.functions:
        return True
    if not one.is_reported or not (mine.is_whole or mine.is_strong):
        return False
    if not its.is_whole or other.is_fixed or not other.is_reported:
        return True
    if mine.rank < its.rank:
        return True
    return mine.candidate is not its.candidate and mine.is_at_site and not its.functions


def _is_by_threads(one: _Identification, other: _Identification) -> bool:
    """Whether ``one`` is an issue of threads that change the object at once, as these do, and
    ``other`` of Python code that an operation calls and that changes it meanwhile.
    """
    is_of_calls = other.issue.defect == BORROWED and other.issue.one_thread == "enough"
    is_same = one.match.candidate is other.match.candidate
    has_both_sides = len(one.match.direct) > 1 and all(one.match.direct)
    is_seen = has_both_sides or bool(one.match.functions)
    return is_of_calls and is_same and one.issue.needs_threads and is_seen


def _knows_the_user(one: _Identification, other: _Identification) -> bool:
    """Whether ``one``'s functions are what works on the object, and ``other``'s are on the stack
    for something else: an issue of C code is about the object that the code has.
    """
    mine, its = one.match, other.match
    return (
        mine.candidate is its.candidate
        and mine.is_whole
        and mine.is_user
        and bool(its.pattern.functions)
        and not its.is_user
    )


def _is_further_in(one: _Identification, other: _Identification) -> bool:
    """Whether ``one``'s functions work on a better suspect, and ``other`` is of what merely leads
    there: the ``map`` of one thread that steps an object which threads share.
    """
    mine, its = one.match, other.match
    return mine.is_user and mine.is_inner and mine.rank < its.rank and not its.functions


NEARER = (_is_by_threads, _knows_the_user, _is_further_in)
"""In this order: ways in which an issue is nearer to what is seen than another one."""


def _has_rival(found: _Identification, others: Sequence[_Identification]) -> bool:
    """Whether another defect of this version fits as well, or this is a duplicate."""
    for other in others:
        if not other.is_sure or other is found or _knows_the_user(found, other):
            continue
        if _knows_the_user(other, found):
            return True
        if other.issue.group == found.issue.group:
            if found.is_duplicate and other.issue.id == found.issue.group:
                return True
        elif other.is_reported and not other.is_fixed and other.score >= found.score:
            return True
    return False


def _described(
    found: _Identification, level: str, version: Version | None, text: str
) -> KnownIssue:
    issue, why = found.issue, found.match.why
    if found.is_fixed:
        why += (
            f"; though {text} should have the fix: a patched or modified build, a regression, "
            "or another cause"
        )
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
