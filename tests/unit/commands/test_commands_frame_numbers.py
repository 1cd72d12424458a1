"""Frames by the debugger's own numbers."""

from __future__ import annotations

import dataclasses

from fakes import FakeDebugger
from gdbext.commands.frame_numbers import numbered
from gdbext.model import Claim, Evidence, Report
from gdbext.reports import text
from gdbext.reports.options import Options
from unit.reports import samples


class Counts(FakeDebugger):
    """Of the crashed thread it shows a frame more, after the innermost one."""

    def frame_number(self, lwp: int, level: int) -> int:
        return level + 1 if lwp == samples.READER and level else level


def report() -> Report:
    claim = Claim("used-chunk", level=1, function="union_repr")
    claims = (Evidence(claim), Evidence(Claim("in-other-code", what=claim, each=(claim, 1))))
    base = samples.founding()
    first = dataclasses.replace(base.findings[0], evidence=claims)
    return dataclasses.replace(base, findings=(first, *base.findings[1:]))


def test_frames_and_what_is_said_of_them_have_them() -> None:
    told = numbered(report(), Counts())
    shown = text.render(told, Options(width=100))
    assert "#2  union_repr(self=0x200000aff10)" in shown
    assert "#4  list_repr_impl(v=0x20000375fb0)" in shown
    first, second = (evidence.claim for evidence in told.findings[0].evidence)
    assert isinstance(first, Claim)
    assert isinstance(second, Claim)
    assert first["level"] == 2
    # Numbers that count something else stay.
    assert second["each"] == (first, 1)
    assert second["what"] == first


def test_other_threads_have_theirs() -> None:
    before, after = report(), numbered(report(), Counts())
    assert [t.native for t in before.threads if t.lwp != samples.READER] == [
        t.native for t in after.threads if t.lwp != samples.READER
    ]


def test_without_a_crash_nothing_changes() -> None:
    assert numbered(samples.deadlock(), Counts()) == samples.deadlock()
