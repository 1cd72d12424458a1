"""The registry of formats.

>>> sorted(FORMATS)
['github', 'html', 'json', 'junit', 'markdown', 'sarif', 'text']
>>> format_of("out/report.html")
'html'
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from gdbext.model import Report
from gdbext.reports.options import Options, detect

FORMATS = {
    "text": "the verdict on one screen",
    "json": "the contract, gdbext.triage/1",
    "markdown": "a CI job's summary",
    "github": "annotations for GitHub Actions",
    "sarif": "SARIF 2.1.0",
    "junit": "JUnit XML",
    "html": "one self-contained page",
}
SUFFIXES = {
    ".txt": "text",
    ".json": "json",
    ".md": "markdown",
    ".sarif": "sarif",
    ".xml": "junit",
    ".html": "html",
    ".htm": "html",
}


class UnknownFormat(ValueError):
    """There is no such format; the message lists those that there are."""


def render(report: Report, format: str, options: Options) -> str:
    """The report in a format.  Only the format's own module is loaded.

    Raises:
        UnknownFormat
    """
    if format not in FORMATS:
        raise UnknownFormat(f"no report format {format!r}; there are {', '.join(FORMATS)}")
    return str(importlib.import_module(f"gdbext.reports.{format}").render(report, options))


def format_of(path: str | os.PathLike[str], default: str = "text") -> str:
    """The format that a file's name asks for."""
    name = Path(path).name.lower()
    double = {".sarif.json": "sarif", ".github.txt": "github"}
    return next(
        (format for ending, format in double.items() if name.endswith(ending)),
        SUFFIXES.get(Path(name).suffix, default),
    )


def write(
    report: Report,
    format: str,
    path: str | os.PathLike[str] | None = None,
    options: Options | None = None,
) -> None:
    """Write the report to a file, or to standard output.  A file never has colours and is always whole or absent.

    Raises:
        UnknownFormat
        OSError: when the file cannot be written.
    """
    if path is None:
        sys.stdout.write(render(report, format, options or detect(sys.stdout)))
        sys.stdout.flush()
        return
    from dataclasses import replace

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
