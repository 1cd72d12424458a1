"""What a rule is, and how its findings are made.

A rule is one file, ``rules/ftNNN_name.py``, with one ``RULE``; :mod:`gdbext.diagnosis.registry`
finds it there, and everything else that depends on rules goes by the rule's traits.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence

from gdbext.diagnosis.facts.facts import Facts
from gdbext.frozen import dataclass
from gdbext.model import (
    Claim,
    Confidence,
    Container,
    Evidence,
    Finding,
    LockProblemKind,
    Race,
    Subject,
)

MAX_EVIDENCE = 24


class Kind(str, enum.Enum):
    """What a rule's findings are about; the value is in the JSON."""

    MEMORY = "memory"
    """An object or its memory is not what the code takes it for."""
    CONCURRENCY = "concurrency"
    """Threads, and the locks between them."""
    PLAIN = "plain"
    """The crash says itself what it is, not why."""
    EXHAUSTION = "exhaustion"
    """A resource was used up: the crash is its own cause."""
    NOTHING = "nothing"
    """Nothing is wrong."""
    UNKNOWN = "unknown"
    """Something is wrong, and nothing says what."""

    def __str__(self) -> str:
        return self.value


class Lost(enum.Enum):
    """Whose content was lost under its reader; the race is searched for there."""

    ITEM = "an item that the finding's container held"
    CONTENT = "a field or the storage of the finding's subject"


class Defect(str, enum.Enum):
    """Classes of known issues that may show as a rule's finding."""

    MEMORY = "memory"
    """All that have no class of their own here."""
    LAZY_INIT_RACE = "lazy-init-race"
    MUTEX_MISUSE = "mutex-misuse"
    DEADLOCK = "deadlock"
    STACK_OVERFLOW = "stack-overflow"


@dataclass(frozen=True, kw_only=True)
class RuleTraits:
    """What other parts of the diagnosis ask about a rule."""

    kind: Kind
    order: int
    """Place among findings of equal standing: the more specific cause has the lower number."""
    defects: frozenset[Defect] = frozenset()
    """The classes of known issues that may show as this rule."""
    explains_assertions: bool = False
    """The finding says why an assertion failed: it goes before causes that do not."""
    needs_live_subject: bool = False
    """Where its subject is dead, what killed that is the cause, and this a consequence."""
    is_fallback: bool = False
    """Only checked where no other rule explains the crash."""
    lost: Lost | None = None
    has_own_race: bool = False
    """The finding's own threads race on its subject."""
    suspects_subject: bool = False
    """The subject itself, not only a container, may be what a known issue is about."""
    lock_problem: LockProblemKind | None = None
    """What is wrong with the locks, as their own state says, in each case of the rule."""
    operation: str | None = None
    """What was done to the subject, as a Python operation."""
    is_race: bool = False
    """The finding is the race itself."""
    is_victim: bool = False
    """The damage is old: the crashing code is not the cause, and any thread may be the culprit."""
    is_freeing: bool = False
    """The thread at fault was giving the subject back as it died."""
    has_no_site: bool = False
    """Where the crash happened tells nothing of the defect."""
    may_come_of_race: bool = False
    """A crash without a cause of its own: a race that is merely possible may be it."""
    family: str | None = None
    """Rules of one family are one defect, seen at another moment: their signatures are equal."""


Check = Callable[[Facts], Iterable[Finding]]
RaceCheck = Callable[[Facts, Race], Iterable[Finding]]


def no_findings(facts: Facts) -> Iterable[Finding]:
    """The check of a rule that has only a race check."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: what it means, what to do about it, and how it is found.

    ``check`` yields its findings for a stop, most often none or one; ``check_race`` those for a
    race on an object that no finding is about.
    """

    id: str
    title: str
    explanation: str
    advice: str
    traits: RuleTraits
    check: Check = no_findings
    check_race: RaceCheck | None = None

    def finding(
        self,
        facts: Facts,
        detail: Claim | None,
        confidence: Confidence,
        subject: Subject | None = None,
        container: Container | None = None,
        evidence: Sequence[Evidence] = (),
        threads: Sequence[int] | None = None,
        advice: str | None = None,
    ) -> Finding:
        """A finding titled as the rule, with ``detail`` behind; by default of the
        thread at fault.
        """
        at_fault = (facts.stack.lwp,) if facts.stack.lwp is not None else ()
        return Finding(
            rule=self.id,
            title=Claim("finding", rule=self.title, detail=detail),
            confidence=confidence,
            subject=subject,
            container=container,
            threads=tuple(threads) if threads is not None else at_fault,
            evidence=tuple(dict.fromkeys(evidence))[:MAX_EVIDENCE],
            advice=self.advice if advice is None else advice,
            name=self.title,
            kind=str(self.traits.kind),
        )
