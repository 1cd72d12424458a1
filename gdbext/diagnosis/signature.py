"""A signature that is equal for one defect over runs, builds, threads and line drift, and differs
between defects.

The id is made of the cause, as far as it was found: real races die at another victim each time.
The first of these that is known goes into it:

1. the known issue, with the object's type and attribute where the issue is about several
   (``gh-146452 pickle dict``);
2. the race: the object's type and what is wrong to do to it (:func:`racing_operations`).  One that
   is merely possible counts only where the fault could be its consequence and its site tells
   nothing;
3. the headline finding: its rule, the types of container and subject, a failed assertion's text,
   and the fault site (:attr:`CrashSite.functions`); where that tells nothing, the innermost
   functions that there are (:attr:`CrashSite.called`), the innermost Python functions, and the
   extension module, if one is loaded: it may have done the damage.

Never in it: addresses, thread ids, line numbers, confidences, and which thread did what (a race is
an unordered pair).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from gdbext.diagnosis.conclude.candidates import candidate_of
from gdbext.diagnosis.conclude.code_owners import is_others_type
from gdbext.diagnosis.facts.accesses import Accesses
from gdbext.diagnosis.facts.crash_site import CrashSite
from gdbext.diagnosis.known_issues.catalogue import COMMON_TYPES, WORD_CLASSES
from gdbext.diagnosis.known_issues.features import Candidate, bare
from gdbext.diagnosis.known_issues.identify import Identified
from gdbext.diagnosis.registry import traits
from gdbext.diagnosis.rule import Kind
from gdbext.model import Confidence, Finding, Operation, OperationKind, Race, Signature

AGAIN = frozenset({"init", "setstate"})
"""An object that is in use is not to be initialised again, whatever its type."""
OWN = frozenset(
    bare(word)
    for name, words in WORD_CLASSES.items()
    if name != "@advance"
    for word in words.split()
) | frozenset(
    (
        "getitem len iter next contains index count copy get keys values items compare call "
        "getattr setattr delattr"
    ).split()
)
"""What the methods and operators of containers do, under the container's lock."""

ATTRIBUTE_CHANGES = (OperationKind.SETATTR, OperationKind.DELATTR)


def signature(
    site: CrashSite,
    findings: Sequence[Finding],
    races: Sequence[Race],
    accesses: Accesses,
    known: Identified,
) -> Signature:
    """Frames and features for people, and the id made of the cause."""
    headline = findings[0] if findings else None
    features: list[Operation | str] = [*_of_finding(headline)]
    called = site.called if not site.functions and site.is_crash else ()
    race = races[0] if races and _is_cause(site, races[0], headline) else None
    certain = [issue.id for issue in known.issues[:1] if issue.match != "possible"]
    if race:
        features += [race.object.type, *(thread.operation for thread in race.threads)]
    features += certain
    if known.defect and (certain or race):
        key = ["issue", *known.defect]
    elif race:
        candidate = candidate_of(accesses, race, site.holder)
        key = ["race", race.object.type, *racing_operations(candidate)]
    else:
        key = _site(site, headline, called)
    has_site = headline is None or not traits(headline.rule).has_no_site
    digest = hashlib.sha256("\n".join(key).encode(errors="backslashreplace")).hexdigest()[:16]
    frames = site.functions or called if has_site else ()
    return Signature(digest, frames, tuple(dict.fromkeys(features)))


def racing_operations(candidate: Candidate) -> list[str]:
    """What is wrong to do to the object, of all that the threads do to it: in each crash of one
    defect the same.

    That is setting an attribute, or initialising it again.  Of the containers that all programs
    share, whose own methods lock, the type says nothing, and the functions that walk them from
    outside are at fault.  A type of an extension's may have several defects, each in the methods
    that meet on one of its fields; other objects are just not to be shared.

    >>> from gdbext.model import Operation
    >>> done = [Operation(kind=OperationKind.CALL, name=name) for name in ("clear", "maketrans")]
    >>> racing_operations(Candidate(types=frozenset({"dict"}), operations=frozenset(done)))
    ['maketrans']
    """
    seen = candidate.around or candidate.operations
    words = {bare(operation.verb) for operation in seen if operation.verb}
    changed = {o.name for o in seen if o.verb in ATTRIBUTE_CHANGES and o.attribute and o.name}
    wrong = changed | words & AGAIN
    if candidate.types & COMMON_TYPES and not wrong:
        wrong = words - OWN or {bare(o.verb) for o in candidate.operations if o.verb}
    if not wrong and any(map(is_others_type, candidate.types)):
        wrong = words
    return sorted(wrong)


def _is_cause(site: CrashSite, race: Race, headline: Finding | None) -> bool:
    """Whether the crash is laid to the race.

    One that is merely possible explains damaged memory, and a fault in CPython's own code that has
    no site to be known by. A failed check, an abort and a fault in other code have causes of their
    own.
    """
    if (
        race.confidence is not Confidence.POSSIBLE
        or headline is None
        or traits(headline.rule).kind is not Kind.PLAIN
    ):
        return True
    return (
        traits(headline.rule).may_come_of_race and not site.functions and not site.is_in_other_code
    )


def _of_finding(headline: Finding | None) -> list[str]:
    """Its rule and the types that it names."""
    if headline is None:
        return []
    subject = headline.subject
    kinds = (
        headline.container.type if headline.container else None,
        subject.expected_type or subject.type if subject else None,
    )
    return [headline.rule, *(kind for kind in kinds if kind)]


def _site(site: CrashSite, headline: Finding | None, called: Sequence[str]) -> list[str]:
    rule = traits(headline.rule) if headline else None
    key = _of_finding(headline)
    if rule and rule.family:
        key[0] = rule.family
    extension = [site.extension] if site.extension else []
    if site.assertion and not (rule and rule.family):
        key.append(site.assertion)
    if rule and rule.has_no_site:
        return [*key, *extension]
    if rule and rule.kind is Kind.NOTHING:
        # Whoever is stopped from outside may be anywhere.
        return key
    if site.functions:
        return [*key, "--", *site.functions]
    return [*key, "--", *called, *extension, *site.callers]
