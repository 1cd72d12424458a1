"""``--format F`` and ``-o FILE``, as often as wanted: which report goes where."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from gdbext.cli import parsers
from gdbext.reports.formats import FORMATS, STDOUT, format_of


class _Collect(argparse.Action):
    """Keeps both options in one list, in the order in which they were given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option: str | None = None,
    ) -> None:
        namespace.outputs = [*(namespace.outputs or []), (self.metavar, values)]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that writes reports of one crash."""
    group = parser.add_argument_group("reports")
    group.add_argument(
        "--format",
        metavar="FORMAT",
        dest="outputs",
        choices=tuple(FORMATS),
        action=_Collect,
        help=f"{', '.join(FORMATS)}; may be repeated",
    )
    group.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        dest="outputs",
        action=_Collect,
        help="where the report goes (- is stdout); may be repeated",
    )
    parsers.add_looks(group)


def pair(given: Sequence[tuple[str, str]] | None) -> list[tuple[str, str]]:
    """(format, file) of each report.

    As many files as formats: the first goes with the first, and so on.  Otherwise a file belongs to
    the format before it, a file alone tells its format by its ending, and a format alone goes to
    stdout.

    Raises:
        ValueError: when that leaves something open; the message is for people.

    >>> pair([("FORMAT", "json"), ("FILE", "a"), ("FILE", "b.html")])
    [('json', 'a'), ('html', 'b.html')]
    """
    given = given or [("FORMAT", "text")]
    formats = [value for kind, value in given if kind == "FORMAT"]
    files = [value for kind, value in given if kind == "FILE"]
    if len(formats) == len(files):
        chosen = list(zip(formats, files))
    else:
        chosen = []
        waiting: str | None = None
        for kind, value in given:
            if kind == "FORMAT":
                if waiting:
                    chosen.append((waiting, STDOUT))
                waiting = value
            else:
                chosen.append((waiting or _by_ending(value), value))
                waiting = None
        if waiting:
            chosen.append((waiting, STDOUT))
    on_stdout = [name for name, file in chosen if file == STDOUT]
    if len(on_stdout) > 1:
        raise ValueError(
            f"only one report can go to stdout, not {' and '.join(on_stdout)}; "
            "give the others an -o FILE"
        )
    return chosen


def _by_ending(file: str) -> str:
    if file == STDOUT:
        return "text"
    if format := format_of(file):
        return format
    known = ", ".join(format.ending for format in FORMATS.values())
    raise ValueError(
        f"which format is {file} to have? Say so with --format, or use one of the endings {known}"
    )
