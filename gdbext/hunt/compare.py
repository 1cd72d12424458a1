"""What reports share and in what they differ, as rows for people."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from gdbext.frozen import dataclass
from gdbext.hunt.deaths import UNSIGNED, Death, symptom
from gdbext.hunt.grouping import is_same_defect
from gdbext.model import Report, hexaddr
from gdbext.reports.options import Options
from gdbext.reports.sanitize import source_line, visible
from gdbext.reports.text_parts import TextPage
from gdbext.wording import sentence
from gdbext.wording.operations import operation_text

SCHEMA = "gdbext.diff/1"
SIGNATURE = "signature"
WIDE = 16
"""Columns before what a report says."""


@dataclass(frozen=True)
class Row:
    """One aspect: what each report says of it, in the reports' order."""

    what: str
    values: tuple[str, ...]

    @property
    def is_shared(self) -> bool:
        """Whether all reports say the same."""
        return len(set(self.values)) == 1


@dataclass(frozen=True)
class Comparison:
    """``is_one_defect``: by signature, or by object and lines (see :mod:`gdbext.hunt.grouping`)."""

    rows: tuple[Row, ...]
    is_one_defect: bool

    @property
    def shared(self) -> list[Row]:
        """What all reports agree on."""
        return [row for row in self.rows if row.is_shared and row.values[0]]

    @property
    def different(self) -> list[Row]:
        """What the reports differ in."""
        return [row for row in self.rows if not row.is_shared]


def compare(reports: Sequence[Report]) -> Comparison:
    """Compare two reports or more."""
    deaths = [Death(report=report) for report in reports]
    rows = [Row(what, tuple(read(death) for death in deaths)) for what, read in ASPECTS.items()]
    is_one = all(is_same_defect(deaths[0], other) for other in deaths[1:])
    return Comparison(tuple(rows), is_one)


def text(found: Comparison, names: Sequence[str], options: Options) -> str:
    """A comparison for people; ``names`` are those of the reports."""
    page = TextPage(options)
    shown = [source_line(name) for name in names]
    page.line(page.style("heading", _verdict(found)))
    letters = [chr(ord("A") + number) for number in range(len(names))]
    for letter, name in zip(letters, shown):
        page.line(f"  {page.style('heading', letter)}  {name}")
    if found.shared:
        page.line("both" if len(names) == 2 else "all")
        for row in found.shared:
            page.flow(visible(row.values[0]), WIDE, f"  {row.what}")
    if found.different:
        page.line("differ")
        for row in found.different:
            for number, (letter, value) in enumerate(zip(letters, row.values)):
                lead = f"  {'' if number else row.what:<{WIDE - 6}} {letter}"
                page.flow(visible(value) or "nothing", WIDE, lead)
    return page.text()


def data(found: Comparison, names: Sequence[str]) -> dict[str, Any]:
    """A comparison for programs."""
    return {
        "schema": SCHEMA,
        "reports": list(names),
        "is_one_defect": found.is_one_defect,
        "shared": {row.what: row.values[0] for row in found.shared},
        "different": {row.what: list(row.values) for row in found.different},
    }


def _verdict(found: Comparison) -> str:
    if any(row.what == SIGNATURE and row.values[0] != UNSIGNED for row in found.shared):
        return "one defect: the signature is the same"
    if found.is_one_defect:
        return "one defect, by what raced where; the signatures differ"
    return "not known to be one defect"


def _interpreter(death: Death) -> str:
    target = death.report.target
    kind = "debug" if target.debug_build else "release"
    return f"CPython {target.python_version or '?'} ({kind})"


def _headline(death: Death) -> str:
    findings = death.report.findings
    return (
        f"{findings[0].rule} {sentence(findings[0].title)} ({findings[0].confidence})"
        if findings
        else ""
    )


def _race(death: Death) -> str:
    race = death.report.race
    if race is None:
        return ""
    return f"{race.object.type}: " + " and ".join(
        sorted({operation_text(t.operation) for t in race.threads})
    )


def _lines(death: Death) -> str:
    return ", ".join(f"{os.path.basename(line.file)}:{line.line}" for line in sorted(death.lines))


def _issue(death: Death) -> str:
    return ", ".join(f"{issue.id} ({issue.match})" for issue in death.report.known_issues[:3])


def _frames(death: Death) -> str:
    signature = death.report.signature
    return " < ".join(signature.frames) if signature else ""


def _others(death: Death) -> str:
    return ", ".join(
        f"{finding.rule} {sentence(finding.title)}" for finding in death.report.findings[1:]
    )


def _liveness(death: Death) -> str:
    findings = death.report.findings
    subject = findings[0].subject if findings else None
    return str(subject.liveness or "") if subject else ""


def _access(death: Death) -> str:
    crash = death.report.crash
    if crash is None:
        return ""
    parts = (crash.access, hexaddr(crash.address) if crash.address is not None else None)
    return " ".join(part for part in parts if part)


def _crashed_in(death: Death) -> str:
    thread = next((thread for thread in death.report.threads if thread.crashed), None)
    if thread is None or not thread.python:
        return ""
    frame = thread.python[0]
    return f"{os.path.basename(frame.file)}:{frame.line or '?'} in {frame.function}"


def _threads(death: Death) -> str:
    return str(len(death.report.threads))


ASPECTS: dict[str, Callable[[Death], str]] = {
    SIGNATURE: lambda death: death.signature,
    "interpreter": _interpreter,
    "died": lambda death: symptom(death.report),
    "at": _access,
    "python": _crashed_in,
    "headline": _headline,
    "also": _others,
    "it is": _liveness,
    "object": lambda death: death.object_type or "",
    "race": _race,
    "lines": _lines,
    "issue": _issue,
    "frames": _frames,
    "threads": _threads,
    "layouts": lambda death: death.report.target.layout_source or "",
    "debugger": lambda death: death.report.tool.debugger,
}
