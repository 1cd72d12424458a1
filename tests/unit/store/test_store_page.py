"""The page of a store, as text; ``integration/test_store.py`` opens it in a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gdbext.store import page, trends
from gdbext.store.database import Store
from unit.store.entries import DAY, EVIL, START, entry, failed, month


def render(
    path: Path, *entries: Mapping[str, Any], since: int | None = None, until: int | None = None
) -> str:
    with Store.create(str(path / "crashes.db")) as store:
        for each in entries:
            store.add(each)
        return page.render(store, trends.window(store), since, until)


def counts(text: str, plot: str) -> int:
    """The crashes that the bars of a plot stand for."""
    body = text.split(f'class="plot {plot}"')[1].split("</svg>")[0]
    return sum(map(int, re.findall(r'data-n="(\d+)"', body)))


def test_every_crash_is_in_the_plots(tmp_path: Path) -> None:
    text = render(tmp_path, *month())
    diagnosed = len(month()) - 1
    assert f"{diagnosed} crashes" in text
    assert counts(text, "all") == diagnosed
    assert text.count('class="card signature"') == 10
    assert "Crashes a day" in text
    assert "/c/empty" in text


def test_a_span(tmp_path: Path) -> None:
    text = render(tmp_path, *month(), since=START + 27 * DAY)
    assert "Crashes an hour" in text
    assert counts(text, "all") == 18
    assert text.count('class="card signature"') == 4


def test_signatures_without_a_row_are_in_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_ROWS", 2)
    text = render(tmp_path, *month())
    assert text.count('class="card signature"') == 2
    assert "and 8 more signatures with 37 crashes in all" in text
    assert counts(text, "all") == len(month()) - 1
    assert text.split("<svg")[1].count('data-r="-1"') == 31


@pytest.mark.parametrize(
    ("days", "width", "bars"),
    [
        (1, "an hour", 24),
        (9, "six hours", 36),
        (60, "a day", 60),
        (400, "a week", 59),
        (4000, "a year", 12),
    ],
)
def test_bars_are_neither_too_many_nor_too_few(days: int, width: str, bars: int) -> None:
    span = page.bars_of(START, START + days * DAY)
    assert page.WIDTHS[span.width] == width
    assert abs(span.count - bars) <= 1
    assert span.start <= START
    assert START + days * DAY <= span.start + span.count * span.width


def test_weeks_begin_on_mondays() -> None:
    assert page.bars_of(START + 3 * DAY, START + 300 * DAY).time(0) == "2026-11-02"


def test_an_empty_store_has_a_page(tmp_path: Path) -> None:
    assert "No crashes." in render(tmp_path)


def test_the_page_obeys_nothing_of_the_target(tmp_path: Path) -> None:
    issues = [{"id": EVIL, "url": "javascript:alert(1)", "advice": EVIL}]
    evil = entry(EVIL, "e" * 16, START, EVIL, (EVIL, EVIL), known_issues=issues)
    evil["report"]["signature"]["frames"] = [EVIL]
    evil["report"]["known_issues"] = issues
    text = render(tmp_path, evil, failed(EVIL, EVIL), entry("/c/1"))
    assert text.count("<script") == 1
    assert text.count("</title>") == text.count("<title>")
    assert "\x1b" not in text
    assert "javascript:" not in text
    assert not re.search(r"^\s*::", text, re.MULTILINE)
