"""The registry of formats: a module with ``render(report, options) -> str`` and a row each.

Nothing heavy is imported here: the command line asks it for names and endings at every start.

>>> FORMATS["sarif"].endings
('.sarif', '.sarif.json')
>>> format_of("out/report.html"), FORMATS["html"].ending
('html', '.html')
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gdbext.model import Report
    from gdbext.reports.options import Options


class Format(NamedTuple):
    """A format: the module that renders it, and the endings of its files, the usual one first."""

    module: str
    endings: tuple[str, ...]

    @property
    def ending(self) -> str:
        """Of the names of files that gdbext makes."""
        return self.endings[0]


STDOUT = "-"
"""In place of a file: standard output."""
FORMATS = {
    "text": Format("text", (".txt",)),
    "json": Format("json_report", (".json",)),
    "sarif": Format("sarif", (".sarif", ".sarif.json")),
    "markdown": Format("markdown", (".md", ".markdown")),
    "html": Format("html_page", (".html", ".htm")),
    "junit": Format("junit", (".junit.xml", ".xml")),
    "github": Format("github", (".github.txt",)),
}


class UnknownFormat(ValueError):
    """There is no such format; the message lists those that there are."""


def render(report: Report, format: str, options: Options) -> str:
    """The report in a format.  Only the format's own module is loaded.

    Raises:
        UnknownFormat: when there is no such format.
    """
    if format not in FORMATS:
        raise UnknownFormat(f"no report format {format!r}; there are {', '.join(FORMATS)}")
    return str(
        importlib.import_module(f"gdbext.reports.{FORMATS[format].module}").render(report, options)
    )


def format_of(path: str | os.PathLike[str]) -> str | None:
    """The format that a file's name asks for; None if its ending is that of no format."""
    name = os.path.basename(path).lower()
    # The longest ending first: .github.txt is not .txt.
    endings = sorted(
        ((ending, format) for format, known in FORMATS.items() for ending in known.endings),
        key=lambda pair: -len(pair[0]),
    )
    return next((format for ending, format in endings if name.endswith(ending)), None)


def write(
    report: Report,
    format: str,
    path: str | os.PathLike[str] | None = None,
    options: Options | None = None,
) -> None:
    """Write the report to a file, or to standard output.

    A file never has colours and is always whole or absent.

    Raises:
        UnknownFormat: when there is no such format.
        OSError: when the file cannot be written.
    """
    from gdbext.reports.options import Options, detect

    if path is None:
        sys.stdout.write(render(report, format, options or detect(sys.stdout)))
        sys.stdout.flush()
        return
    from dataclasses import replace
    from pathlib import Path

    shown = replace(options or Options(), colors=0, ascii=False)
    text = render(report, format, shown)
    target = Path(path)
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not target.is_file():
        # A device or a pipe, /dev/stderr say: nothing to replace.
        target.write_text(text, encoding="utf-8")
        return
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
