"""What reports share and in what they differ, as rows for people."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gdbext.hunt.deaths import Death, symptom
from gdbext.hunt.grouping import is_same_defect
from gdbext.model import Report
from gdbext.wording import sentence
from gdbext.wording.operations import operation_text


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
    return ", ".join(f"{issue.id} ({issue.match})" for issue in death.report.known_issues[:1])


def _frames(death: Death) -> str:
    signature = death.report.signature
    return " < ".join(signature.frames) if signature else ""


ASPECTS: dict[str, Callable[[Death], str]] = {
    "signature": lambda death: death.signature,
    "interpreter": _interpreter,
    "died": lambda death: symptom(death.report),
    "headline": _headline,
    "object": lambda death: death.object_type or "",
    "race": _race,
    "lines": _lines,
    "issue": _issue,
    "frames": _frames,
}
