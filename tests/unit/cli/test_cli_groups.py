"""Grouping of a batch, and its overviews."""

from __future__ import annotations

import html
import re
from typing import Any

from gdbext.cli import groups, overview

EVIL = "\x1b[31m|<script>alert(1)</script>`x`\n::error::gone ##[group]"


def entry(core: str, mark: str, **report: Any) -> dict[str, Any]:
    made = {
        "findings": [{"rule": "FT101", "title": "stale list item", "confidence": "proven"}],
        "known_issues": [],
        "signature": {"id": mark, "frames": ["union_repr", "list_repr"], "features": ["FT101"]},
        "target": {"python_version": "3.13.5"},
        **report,
    }
    return {"core": core, "size": 1, "mtime": 1000, "status": 0, "error": None, "report": made}


def failed(core: str, error: str = "it is empty") -> dict[str, Any]:
    return {"core": core, "size": 0, "mtime": 0, "status": 3, "error": error, "report": None}


def test_equal_signatures_are_one_group() -> None:
    found = groups.make([entry("b", "1"), entry("a", "1"), entry("c", "2"), failed("d")])
    assert [(g.signature, g.size, g.cores) for g in found.groups] == [
        ("1", 2, ["a", "b"]),
        ("2", 1, ["c"]),
    ]
    assert found.failures == [("d", "it is empty")]
    assert found.size == 4


def test_the_most_frequent_first_of_equals_the_new_and_what_has_nothing_wrong_last() -> None:
    known = [{"id": "gh-132713", "match": "exact"}]
    well = [{"rule": "FT000", "title": "nothing wrong found", "confidence": "likely"}]
    entries = [
        *(entry(f"a{n}", "crash-well", findings=well) for n in range(9)),
        entry("b", "crash-known", known_issues=known),
        *(entry(f"c{n}", "crash-often") for n in range(3)),
        entry("d", "crash-new"),
    ]
    found = groups.make(entries, {"crash-well", "crash-known", "crash-often"})
    assert [g.signature for g in found.groups] == [
        "crash-often",
        "crash-new",
        "crash-known",
        "crash-well",
    ]
    assert [g.is_new for g in found.groups] == [False, True, False, False]
    for render in (overview.text, overview.markdown, overview.html):
        places = [render(found).index(group.signature) for group in found.groups]
        assert places == sorted(places)


def test_without_baseline_nothing_is_new() -> None:
    assert not groups.make([entry("a", "1")]).groups[0].is_new


def test_the_report_that_says_most_speaks_for_the_group() -> None:
    vague = entry(
        "a", "1", findings=[{"rule": "FT404", "title": "fault", "confidence": "possible"}]
    )
    assert groups.make([vague, entry("b", "1")]).groups[0].rule == "FT101"


def test_reports_without_findings_or_signature() -> None:
    found = groups.make([entry("a", "1", findings=[], signature=None, target=None)])
    assert (found.groups[0].signature, found.groups[0].rule) == ("unsigned", "none")
    for render in (overview.text, overview.markdown, overview.html):
        assert "unsigned" in render(found)


def hostile() -> groups.Overview:
    findings = [{"rule": "FT101", "title": EVIL, "confidence": "proven"}]
    known = [{"id": "gh-1", "url": "javascript:alert(1)", "advice": EVIL}]
    signature = {"id": "1", "frames": [EVIL], "features": []}
    return groups.make(
        [
            entry(EVIL, "1", findings=findings, known_issues=known, signature=signature),
            failed(EVIL, EVIL),
        ],
        set(),
    )


def test_text_obeys_nothing_in_the_names() -> None:
    shown = overview.text(hostile())
    assert "\x1b" not in shown
    assert not re.search(r"^\s*::", shown, re.MULTILINE)
    assert "##[" not in shown


def test_markdown_obeys_nothing_in_the_names() -> None:
    shown = overview.markdown(hostile())
    assert "\x1b" not in shown
    assert not re.search(r"^\s*::", shown, re.MULTILINE)
    outside_code = re.sub(r"(`+)(?:(?!\1).)*\1", "", shown)
    assert "<script" not in outside_code
    assert "javascript" not in shown
    table = [line for line in shown.splitlines() if line.startswith("| 1 |")]
    assert len(table) == 1
    assert table[0].count("|") == 7


def test_html_obeys_nothing_in_the_names() -> None:
    shown = overview.html(hostile())
    assert "<script" not in shown
    assert "javascript:" not in shown
    assert "\x1b" not in shown
    assert html.escape("<script>") in shown
    assert not re.search(r"(src|href)=", shown)


def test_markdown_links_known_issues() -> None:
    known = [{"id": "gh-132713", "url": "https://github.com/python/cpython/issues/132713"}]
    shown = overview.markdown(groups.make([entry("a", "1", known_issues=known)]))
    assert "[gh-132713](https://github.com/python/cpython/issues/132713)" in shown


def test_many_cores_of_one_group_are_cut() -> None:
    found = groups.make([entry(f"core.{n:03}", "1") for n in range(100)])
    assert "and 80 more" in overview.markdown(found)
    assert "and 80 more" in overview.html(found)
