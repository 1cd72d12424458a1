"""What two reports share."""

from __future__ import annotations

from gdbext.hunt.compare import compare
from unit.hunt.deaths import death, race

ONE = death("a", race("bytearray", (20, 25)), function="mi_free").report
OTHER = death("a", race("bytearray", (20, 30)), function="mi_malloc").report


def test_what_is_shared_and_what_differs() -> None:
    found = compare([ONE, OTHER])
    assert found.is_one_defect
    assert {"signature", "interpreter", "object", "headline"} <= {row.what for row in found.shared}
    different = {row.what: row.values for row in found.different}
    assert different["lines"] == ("stress.py:20, stress.py:25", "stress.py:20, stress.py:30")
    assert different["died"] == ("SIGSEGV in mi_free", "SIGSEGV in mi_malloc")


def test_two_defects() -> None:
    other = death("b", race("types.SimpleNamespace", (50, 55))).report
    assert not compare([ONE, other]).is_one_defect


def test_a_report_shares_everything_with_itself() -> None:
    assert compare([ONE, ONE]).different == []
