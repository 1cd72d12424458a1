"""The comparison of two debuggers sees every part of a verdict, and nothing else."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import pytest

from lab.agreement import AGREE, DIED, PARTS, cases, disagreements, table

THREAD = {"operation": "append", "file": "/x.py", "suspect_line": None, "changes": True}
REPORT: dict[str, Any] = {
    "findings": [
        {
            "rule": "FT101",
            "confidence": "proven",
            "subject": {"address": "0x10", "type": "int", "expected_type": None},
            "container": {"address": "0x20", "type": "list", "index": 0},
            "threads": [3],
        }
    ],
    "race": {
        "confidence": "likely",
        "object": {"address": "0x20", "type": "list"},
        "threads": [{"lwp": 3, "line": 4, **THREAD}, {"lwp": 5, "line": 6, **THREAD}],
    },
    "known_issues": [{"id": "gh-1", "match": "likely", "title": "a"}],
    "signature": {"id": "ab", "frames": []},
    "errors": [],
    "threads": [{"native": ["one"]}],
}


def parts(*changes: tuple[list[str | int], object]) -> list[str]:
    """The parts that differ once these values are other ones."""
    report = copy.deepcopy(REPORT)
    for path, value in changes:
        owner: Any = report
        for key in path[:-1]:
            owner = owner[key]
        owner[path[-1]] = value
    return [each.part for each in disagreements(REPORT, report)]


@pytest.mark.parametrize(
    ("path", "value", "part"),
    [
        (["errors"], [{"section": "race", "message": "x"}], "report"),
        (["findings", 0, "rule"], "FT102", "rule"),
        (["findings", 0, "confidence"], "likely", "rule"),
        (["findings", 0, "subject", "address"], "0x18", "subject"),
        (["findings", 0, "subject"], None, "subject"),
        (["findings", 0, "container", "index"], 1, "subject"),
        (["race"], None, "race"),
        (["race", "threads", 1, "line"], 7, "race"),
        (["race", "threads", 1, "operation"], "pop", "race"),
        (["known_issues"], [], "issues"),
        (["known_issues", 0, "match"], "exact", "issues"),
        (["signature"], None, "signature"),
    ],
)
def test_every_part_of_a_verdict_is_compared(
    path: list[str | int], value: object, part: str
) -> None:
    assert part in PARTS
    assert parts((path, value)) == [part]


def test_what_is_no_verdict_may_differ() -> None:
    assert parts((["threads", 0, "native"], []), (["known_issues", 0, "title"], "b")) == []


def test_a_debugger_without_a_report_agrees_with_none() -> None:
    assert [d.part for d in disagreements(REPORT, {"no report": "exit status 3"})] == [*PARTS]


def test_the_table_has_a_row_for_each_build() -> None:
    counted = Counter({DIED: 3, AGREE: 2, "race": 1})
    assert [row.split() for row in table({"release": counted}).splitlines()][1] == (
        "release | 3 | 2 | 0 | 0 | 0 | 1 | 0 | 0".split()
    )


def test_scripts_of_a_shape_are_those_of_the_plain_build() -> None:
    names = ["list_union_freed", "ctypes_null", "healthy_queues"]
    found = [str(case) for case in cases(names, ["debug", "static-stripped"])]
    assert found == [
        "ctypes_null debug",
        "list_union_freed static-stripped",
        "ctypes_null static-stripped",
    ]
