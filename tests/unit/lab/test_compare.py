"""The comparison of two checkouts' reports sees what changed, and passes what was declared."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from lab.compare import Rewording, declared, differences

REPORT: dict[str, Any] = {
    "tool": {"version": "1"},
    "findings": [
        {
            "rule": "FT101",
            "confidence": "proven",
            "subject": {"address": "0x10"},
            "threads": [3, 4],
            "evidence": [{"claim": "is no object", "address": "0x10", "value": "0x1"}],
        }
    ],
    "race": None,
    "signature": {"id": "ab", "features": ["FT101"]},
}


def changed(path: list[str | int], value: object) -> dict[str, Any]:
    """REPORT with one value replaced."""
    report = copy.deepcopy(REPORT)
    owner: Any = report
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = value
    return report


def test_equal_reports_have_no_differences() -> None:
    assert list(differences(REPORT, changed(["tool", "version"], "2"), ())) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["findings", 0, "rule"], "FT102"),
        (["findings", 0, "confidence"], "likely"),
        (["findings", 0, "subject", "address"], "0x20"),
        (["findings", 0, "subject"], None),
        (["findings", 0, "threads"], [4, 3]),
        (["findings", 0, "evidence"], []),
        (["findings", 0, "evidence", 0, "claim"], "is not an object"),
        (["findings", 0, "evidence", 0, "value"], "0x2"),
        (["race"], {"confidence": "likely"}),
        (["signature", "id"], "cd"),
    ],
)
def test_every_change_is_seen(path: list[str | int], value: object) -> None:
    assert list(differences(REPORT, changed(path, value), ()))


def test_a_field_that_is_gone_is_seen() -> None:
    report = {key: value for key, value in REPORT.items() if key != "race"}
    assert [d.path for d in differences(REPORT, report, ())] == ["race"]


def test_added_fields_are_allowed() -> None:
    assert list(differences(REPORT, {**REPORT, "added": 1}, ())) == []


def test_a_declared_rewording_passes_and_nothing_else() -> None:
    wording = [Rewording(was=re.compile(r"\bis no object\b"), now="is not an object")]
    path: list[str | int] = ["findings", 0, "evidence", 0, "claim"]
    assert list(differences(REPORT, changed(path, "is not an object"), wording)) == []
    assert len(list(differences(REPORT, changed(path, "is not a list"), wording))) == 1


def test_rewordings_apply_to_texts_only() -> None:
    wording = [Rewording(was=re.compile("FT101"), now="FT102")]
    assert len(list(differences(REPORT, changed(["findings", 0, "rule"], "FT102"), wording))) == 1


def test_the_declared_rewordings_can_be_read() -> None:
    assert all(isinstance(rewording, Rewording) for rewording in declared())
