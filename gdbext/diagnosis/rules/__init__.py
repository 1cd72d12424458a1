"""The rules, in the order in which their findings are listed: the most specific cause first."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gdbext.diagnosis.case import Case
from gdbext.diagnosis.rules import (
    concurrency,
    fields,
    heap,
    libc,
    null,
    plain,
    pointers,
    resized,
    stale,
    unions,
)
from gdbext.diagnosis.rules.catalog import DOCS, RuleDoc
from gdbext.model import Confidence, Finding, Race, Verdict
from gdbext.target.protocol import DebuggerError, MemoryFault

Check = Callable[[Case], Iterable[Finding]]


@dataclass(frozen=True)
class Rule:
    """``check`` yields the rule's findings for a case, most often none or one."""

    doc: RuleDoc
    check: Check


RULES = tuple(
    Rule(DOCS[identifier], check)
    for identifier, check in (
        ("FT403", plain.stack_overflow),
        ("FT204", fields.initialised_again),
        ("FT101", stale.container_item),
        ("FT104", stale.double_free),
        ("FT104", libc.double_free),
        ("FT103", stale.reused),
        ("FT201", unions.union_args),
        ("FT202", unions.union_parameters),
        ("FT102", stale.after_free),
        ("FT203", resized.container_changed),
        ("FT205", null.null_slot),
        ("FT206", pointers.no_pointer),
        ("FT206", fields.broken_invariant),
        ("FT105", heap.corrupted),
        ("FT105", libc.damaged),
        ("FT305", concurrency.detached),
        ("FT303", concurrency.locks),
        ("FT401", plain.assertion),
        ("FT402", plain.fatal_error),
    )
)
# What is said when no rule above had anything to say, the first that applies.
FALLBACKS = tuple(
    Rule(DOCS[identifier], check)
    for identifier, check in (
        ("FT405", plain.abort),
        ("FT404", plain.native_fault),
        ("FT000", plain.nothing_wrong),
    )
)


def apply(case: Case) -> list[Finding]:
    """All findings, the headline first.  A rule that fails is noted in ``case.problems``; the others still run."""
    found: list[Finding] = []
    for rule in RULES:
        found.extend(f for f in _checked(case, rule) if case.fault.is_crash or not _is_normal(f))
    order = {rule.doc.id: position for position, rule in enumerate(RULES)}
    # One check may yield findings of its rule's neighbours (the locks' FT302 to FT304).
    found.sort(
        key=lambda f: (
            _group(case, f),
            f.confidence is Confidence.POSSIBLE,
            order.get(f.rule, len(order)),
            f.rule,
        )
    )
    if case.fault.signal is not None and all(f.confidence is Confidence.POSSIBLE for f in found):
        # What is merely possible explains no crash: the plain account of it goes first.
        plainly = next((its for rule in FALLBACKS[:-1] if (its := _checked(case, rule))), [])
        found[:0] = plainly if not any(f.rule.startswith("FT4") for f in found) else []
    return found or _checked(case, FALLBACKS[-1])


def _is_normal(finding: Finding) -> bool:
    """What a healthy process, stopped at any moment, may show: code in the middle of its work has pointers to what just died."""
    return finding.confidence is Confidence.POSSIBLE and finding.rule.startswith(("FT1", "FT2"))


def _checked(case: Case, rule: Rule) -> list[Finding]:
    try:
        return list(rule.check(case))
    except (MemoryFault, DebuggerError) as error:
        case.problems.add(f"rule {rule.doc.id}", error)
        return []


def with_races(case: Case, findings: list[Finding], races: Sequence[Race]) -> list[Finding]:
    """The findings with the race put in: the other thread where a finding is about the object raced on, else FT301."""
    if not races:
        return findings
    race = races[0]
    lwps = tuple(t.lwp for t in race.threads)
    told = False
    found = []
    for finding in findings:
        places = {p.address for p in (finding.container, finding.subject) if p}
        if race.object.address in places and finding.threads:
            finding = dataclasses.replace(
                finding, threads=tuple(dict.fromkeys((*finding.threads, *lwps)))
            )
            told = True
        found.append(finding)
    return found if told else [*found, *concurrency.sharing(case, race)]


def _group(case: Case, finding: Finding) -> int:
    """What explains a failed assertion goes first; a cause that is not proven after one that is; plain crashes last."""
    if finding.rule.startswith("FT4"):
        return 0 if finding.rule == "FT403" else 6
    if finding.rule.startswith("FT3"):
        return 5
    if case.fault.assertion and finding.rule in ("FT103", "FT201", "FT204"):
        return 1
    consequence = (
        finding.rule == "FT201"
        and finding.subject is not None
        and finding.subject.liveness is not Verdict.LIVE
    )
    if consequence:
        return 4
    return 2 if finding.confidence.rank == 0 else 3
