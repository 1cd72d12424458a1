"""``gdbext explain RULE``: what a rule means, and what to do about it."""

from __future__ import annotations

import argparse
import textwrap

from gdbext.cli.main import COMMANDS, USAGE, Failure

WIDTH = 100


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="gdbext explain",
        description=COMMANDS["explain"].capitalize() + ".",
        epilog="examples:\n  gdbext explain FT101\n  gdbext explain            # lists all rules",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
        for entry in known.values():
            print(f"{entry.id}  {entry.title}")
        return 0
    for number, word in enumerate(arguments.rules):
        rule = known.get(word.upper())
        if rule is None:
            raise Failure(f"there is no rule {word}; there are {', '.join(known)}", USAGE)
        print(("\n" if number else "") + f"{rule.id}  {rule.title}\n")
        print(textwrap.fill(rule.explanation, WIDTH, initial_indent="  ", subsequent_indent="  "))
        print(
            "\n"
            + textwrap.fill(
                f"What to do: {rule.advice}", WIDTH, initial_indent="  ", subsequent_indent="  "
            )
        )
    return 0
