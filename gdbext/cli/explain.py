"""``gdbext explain RULE``: what a rule or a known issue means, and what to do about it."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Mapping
from itertools import groupby

from gdbext.cli import parsers
from gdbext.diagnosis.known_issues.catalogue import Issue, catalogue
from gdbext.diagnosis.rule import Rule
from gdbext.engine.outcome import USAGE, Failure

EXAMPLES = """\
examples:
  gdbext explain FT101
  gdbext explain gh-132713  # a known issue that a report names
  gdbext explain            # lists all rules"""
WIDTH = 100
NUMBER = re.compile(r"(?:https://github\.com/python/cpython/issues/|gh-?|#)?(\d+)", re.IGNORECASE)
"""How people write the number of one of CPython's issues."""
GROUPS = {
    "FT0": "Nothing wrong",
    "FT1": "Memory that is gone",
    "FT2": "Objects in a broken state",
    "FT3": "Threads and locks",
    "FT4": "Plain crashes",
}


def parser() -> argparse.ArgumentParser:
    made = parsers.new("explain", EXAMPLES)
    made.add_argument(
        "rules",
        metavar="RULE",
        nargs="*",
        help="the id of a rule or of a known issue, as reports name it; without any, "
        "all rules are listed",
    )
    return made


def run(arguments: argparse.Namespace) -> int:
    from gdbext.diagnosis.registry import rules

    known = rules()
    if not arguments.rules:
        print(listing(known))
        return 0
    print("\n\n".join(_explained(word, known) for word in arguments.rules))
    return 0


def listing(known: Mapping[str, Rule]) -> str:
    """All rules, in groups."""
    groups = groupby(known.values(), key=lambda rule: rule.id[:3])
    parts = [
        "\n".join([GROUPS.get(start, start), *(f"  {rule.id}  {rule.title}" for rule in group)])
        for start, group in groups
    ]
    return "\n\n".join([*parts, "gdbext explain FT101 says what that rule means and what to do."])


def explanation(rule: Rule) -> str:
    """A rule's title, what it means, and what to do."""
    texts = (rule.explanation, f"What to do: {rule.advice}")
    return "\n\n".join([f"{rule.id}  {rule.title}", *map(_filled, texts)])


def issue_explanation(issue: Issue) -> str:
    """An issue's title and address, which versions have it, and what to do.

    A crash that shows it is named in its report; nothing is said here of any crash.
    """
    same = [each.id for each in catalogue() if each.group == issue.group and each is not issue]
    facts = (
        f"Affects {', '.join(issue.affected)}." if issue.affected else "",
        f"Fixed in {', '.join(issue.fixed_in)}." if issue.fixed_in else "No release has a fix.",
        f"The same defect: {', '.join(same)}." if same else "",
    )
    texts = (
        issue.url,
        " ".join(filter(None, facts)),
        issue.advice and f"What to do: {issue.advice}",
    )
    return "\n\n".join([f"{issue.id}  {issue.title}", *map(_filled, filter(None, texts))])


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def _explained(word: str, known: Mapping[str, Rule]) -> str:
    number = NUMBER.fullmatch(word)
    wanted = f"gh-{number[1]}" if number else word.lower()
    issue = next((each for each in catalogue() if each.id.lower() == wanted), None)
    if issue is not None:
        return issue_explanation(issue)
    if number:
        raise Failure(f"{wanted} is not among the {len(catalogue())} known issues", USAGE)
    return explanation(_chosen(word, known))


def _chosen(word: str, known: Mapping[str, Rule]) -> Rule:
    """By id or by title."""
    rule = known.get(word.upper())
    if rule is not None:
        return rule
    from gdbext.wording.suggest import nearest

    titles = {rule.title.lower(): rule for rule in known.values()}
    if word.lower() in titles:
        return titles[word.lower()]
    near = [known[name] for name in nearest(word.upper(), known)]
    near = near or [titles[title] for title in nearest(word.lower(), titles)]
    meant = " or ".join(f"{rule.id} ({rule.title})" for rule in near)
    hint = f"did you mean {meant}?" if meant else "gdbext explain lists all"
    raise Failure(f"there is no rule {word}; {hint}", USAGE)
