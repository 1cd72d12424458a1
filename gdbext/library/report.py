"""A report that shows itself: as text, in a notebook, in every format."""

from __future__ import annotations

import dataclasses
import os
from html import escape
from typing import Any

from gdbext import model
from gdbext.reports import formats, story
from gdbext.reports.contract import to_json
from gdbext.reports.markup import Html, el
from gdbext.reports.options import DEFAULT_WIDTH, Options
from gdbext.reports.sanitize import visible
from gdbext.wording import sentence
from gdbext.wording.operations import operation_text

FRAME_HEIGHT = 720


def text_of(what: model.Claim | model.Evidence | model.Operation | str) -> str:
    """A claim or an operation in English, a piece of evidence with its value: as every format says
    it.

    A finding's ``title`` is a claim, what a thread of a race does is an operation.

    >>> finding = gdbext.triage("core").findings[0]             # doctest: +SKIP
    >>> text_of(finding.title)                                  # doctest: +SKIP
    'stale container item: repr(list) uses a types.UnionType that was freed'
    >>> text_of(model.Evidence(model.Claim("type-is", type="list"), 0x200000AFF28, 0x9C1A40))
    'ob_type is list: 0x9c1a40'
    >>> text_of(model.Operation(kind=model.OperationKind.NEXT))
    'next'
    """
    if isinstance(what, model.Evidence):
        return story.claim_text(what)
    text = operation_text(what) if isinstance(what, model.Operation) else sentence(what)
    return visible(text)


class Report(model.Report):
    """What a triage found: :class:`gdbext.model.Report`, which lists what is in it.

    ``print(report)`` shows the text; in a notebook a report is its HTML page.

    >>> report = gdbext.triage("core")                          # doctest: +SKIP
    >>> report.title                                            # doctest: +SKIP
    'FT101 proven: stale container item: repr(list) uses a types.UnionType that was freed'
    >>> [text_of(thread.operation) for thread in report.race.threads]    # doctest: +SKIP
    """

    @classmethod
    def of(cls, report: model.Report) -> Report:
        """The same report, able to show itself."""
        names = (field.name for field in dataclasses.fields(report))
        return cls(**{name: getattr(report, name) for name in names})

    @property
    def title(self) -> str:
        """The first finding in one line, ``no verdict`` where there is none."""
        if not self.findings:
            return "no verdict"
        first = self.findings[0]
        return f"{first.rule} {first.confidence}: {text_of(first.title)}"

    def render(
        self,
        format: str = "text",
        *,
        redact: bool = False,
        verbose: bool = False,
        width: int = DEFAULT_WIDTH,
    ) -> str:
        """The report in one of the formats of ``gdbext triage --format``.

        ``redact`` leaves every value of the program out.

        Raises:
            UnknownFormat: a ValueError that lists those that there are.
        """
        return formats.render(self, format, Options(redact=redact, verbose=verbose, width=width))

    def save(
        self,
        path: str | os.PathLike[str],
        format: str | None = None,
        *,
        redact: bool = False,
        verbose: bool = False,
    ) -> None:
        """Write it to a file, in the format that the name's ending says unless one is given.

        Raises:
            UnknownFormat: a ValueError; also for an ending that is of no format.
            OSError: when the file cannot be written.
        """
        chosen = format or formats.format_of(path)
        if chosen is None:
            raise formats.UnknownFormat(f"which format is {os.fspath(path)} to have?")
        formats.write(self, chosen, path, Options(redact=redact, verbose=verbose))

    def json(self) -> dict[str, Any]:
        """The content of the JSON report, schema ``gdbext.triage/1``."""
        found: dict[str, Any] = to_json(self)
        return found

    def __str__(self) -> str:
        return self.render()

    def __repr__(self) -> str:
        return f"<Report {self.title}>"

    def _repr_html_(self) -> str:
        # A page of its own: its style and script must not meet the notebook's.
        page = self.render("html")
        style = f"width: 100%; height: {FRAME_HEIGHT}px; border: 0"
        return el("iframe", srcdoc=Html(escape(page)), style=style, title=self.title)
