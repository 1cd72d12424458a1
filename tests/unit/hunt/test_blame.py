"""``gdbext hunt --blame``, as far as no program is run."""

from __future__ import annotations

import argparse

from gdbext.cli import hunt
from gdbext.hunt.consensus import Run, conclude
from gdbext.hunt.grouping import group
from gdbext.reports import formats
from gdbext.reports.options import Options
from unit.hunt.deaths import death


def test_where_no_type_is_known_the_report_says_why_nothing_was_recorded() -> None:
    [deaths] = group([death("a", None)] * 3)
    report = conclude(deaths, [Run("as it is", 1.0, 1)] * 3, others=0)
    blamed = hunt.with_blame(report, argparse.Namespace(), "")
    assert blamed.consensus is not None
    assert blamed.consensus.blame is not None
    assert blamed.consensus.blame.runs == 0
    for name in ("text", "markdown", "html"):
        text = " ".join(formats.render(blamed, name, Options()).split())
        assert "nothing was recorded: the type of the object that the crash is about" in text
