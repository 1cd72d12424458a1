"""How the rules about locks phrase what the locks' own state says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.rule import Rule
from gdbext.model import Finding


def problems(
    facts: Facts,
    rule: Rule,
    attached: str | None = None,
    advice: Mapping[str, str] | None = None,
) -> Iterator[Finding]:
    """The locks' problems that are cases of the rule; ``attached`` is the advice where a thread
    waits for a lock of C code's without having detached, ``advice`` that for kinds of claims.
    """
    for problem in facts.lock_problems:
        if problem.kind is rule.traits.lock_problem:
            yield rule.finding(
                facts,
                problem.detail,
                problem.confidence,
                problem.subject,
                evidence=problem.evidence,
                threads=problem.threads,
                advice=attached
                if problem.waits_attached
                else (advice or {}).get(problem.detail.kind),
            )
