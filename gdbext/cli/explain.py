"""``gdbext explain RULE``: what a rule means, and what to do about it."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Mapping
from itertools import groupby

from gdbext.cli import parsers
from gdbext.diagnosis.rule import Rule
from gdbext.engine.outcome import USAGE, Failure

EXAMPLES = """\
examples:
  gdbext explain FT101
  gdbext explain            # lists all rules"""
WIDTH = 100
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
        help="a rule's id, as a report names it; without any, all are listed",
    )
    return made


def run(arguments: argparse.Namespace) -> int:
    from gdbext.diagnosis.registry import rules

    known = rules()
    if not arguments.rules:
        print(listing(known))
        return 0
    chosen = [_chosen(word, known) for word in arguments.rules]
    print("\n\n".join(explanation(rule) for rule in chosen))
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
    filled = (
        textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="  ") for text in texts
    )
    return "\n\n".join([f"{rule.id}  {rule.title}", *filled])


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
