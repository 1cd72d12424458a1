"""One death of a command that is run again and again, and what it says of its cause."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import field
from functools import cached_property

from gdbext.frozen import dataclass
from gdbext.model import Race, RaceThread, Report

UNSIGNED = "unsigned"
"""In place of the signature of a report that has none."""


@dataclass(frozen=True, order=True)
class ProgramLine:
    """A line of the program: the same in every run of one command.

    ``line`` is 0 where only the file is known.
    """

    file: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Death:
    """A report, and how its process came to die: ``condition`` as :class:`gdbext.model.Condition`
    has it.
    """

    report: Report
    condition: str = "as it is"
    files: tuple[str, ...] = field(default=(), compare=False)
    """Paths of what was kept of it."""

    @property
    def signature(self) -> str:
        """The signature's id; ``unsigned`` where the report has none."""
        return self.report.signature.id if self.report.signature else UNSIGNED

    @property
    def object_type(self) -> str | None:
        """The type of the object that the threads raced on, else of the one that the headline is
        about.
        """
        if self.report.race is not None:
            return self.report.race.object.type
        headline = self.report.findings[0] if self.report.findings else None
        if headline is None:
            return None
        if headline.container is not None:
            return headline.container.type
        subject = headline.subject
        return (subject.expected_type or subject.type) if subject is not None else None

    @property
    def site(self) -> tuple[str, ...]:
        """The rule and the functions at fault, where the headline is about an object and no race is
        named; else empty.
        """
        report = self.report
        headline = report.findings[0] if report.findings else None
        if report.race is not None or headline is None or headline.subject is None:
            return ()
        frames = report.signature.frames if report.signature else ()
        return (headline.rule, *frames) if frames else ()

    @cached_property
    def lines(self) -> frozenset[ProgramLine]:
        """The lines of the threads that raced."""
        return race_lines(self.report.race)

    @cached_property
    def suspected(self) -> frozenset[tuple[str, frozenset[ProgramLine]]]:
        """(type, lines) of every race that is thought possible."""
        return frozenset(
            (race.object.type, race_lines(race))
            for race in (*self.report.suspects, self.report.race)
            if race
        )

    @cached_property
    def stopped_at(self) -> frozenset[ProgramLine]:
        """The lines of all Python frames of all threads at the moment of death."""
        return frozenset(
            ProgramLine(frame.file, frame.line or 0)
            for thread in self.report.threads
            for frame in thread.python
        )


def line_of(thread: RaceThread) -> ProgramLine | None:
    """The line where a racing thread did the damage, else the one that it is in; None without a
    Python frame.
    """
    if thread.file is None:
        return None
    return ProgramLine(thread.file, thread.suspect_line or thread.line or 0)


def race_lines(race: Race | None) -> frozenset[ProgramLine]:
    """The lines of a race's threads."""
    threads: Iterable[RaceThread] = race.threads if race else ()
    return frozenset(line for thread in threads if (line := line_of(thread)) is not None)


def symptom(report: Report) -> str:
    """How it died, in a few words: ``SIGSEGV in union_repr``, ``assertion failed: …``."""
    crash = report.crash
    if crash is None:
        # Its title names threads, which are others in each run.
        return report.findings[0].name if report.findings else "stopped"
    if crash.assertion:
        return f"assertion failed: {crash.assertion}"
    if crash.fatal_error:
        return f"fatal error: {crash.fatal_error}"
    crashed = next((thread for thread in report.threads if thread.crashed), None)
    # What is inlined from a header says less than the function that it is used in.
    named = [frame for frame in crashed.native if frame.function] if crashed else []
    frame = next((f for f in named if not (f.file or "").endswith(".h")), None)
    name = (frame.function or "").split(".")[0] if frame else ""
    if not name and crashed and crashed.native and crashed.native[0].module:
        name = os.path.basename(crashed.native[0].module)
    return f"{crash.signal or 'died'} in {name}" if name else f"{crash.signal or 'died'}"
