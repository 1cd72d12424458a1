"""Which signature is new, which rises."""

from __future__ import annotations

from pathlib import Path

import pytest

from gdbext.store import trends
from gdbext.store.database import Store
from gdbext.store.trends import Trend
from unit.store.entries import DAY, START, entry, month


def store_of(path: Path, days: list[int]) -> Store:
    """One signature that crashed once on each of these days."""
    store = Store.create(str(path / "crashes.db"))
    for number, day in enumerate(days):
        store.add(entry(f"/c/{number}", time=START + day * DAY + number))
    return store


def rises(path: Path, days: list[int]) -> bool:
    with store_of(path, days) as store:
        (row,) = trends.rows(store, trends.window(store))
        return row.trend.rises


def test_a_month(tmp_path: Path) -> None:
    with Store.create(str(tmp_path / "crashes.db")) as store:
        for each in month():
            store.add(each)
        looked_at = trends.window(store)
        assert looked_at is not None
        assert looked_at.until - looked_at.since == trends.WINDOW
        found = {row.summary.signature: row for row in trends.rows(store, looked_at)}
    assert {mark for mark, row in found.items() if row.is_new} == {"b" * 16}
    assert {mark for mark, row in found.items() if row.trend.rises} == {"a" * 16, "b" * 16}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([0, *[30] * 12], True),  # one, and then a dozen in the last week
        (list(range(35)), False),  # always the same
        ([*range(28), *[30] * 9], False),  # a little more, as chance will have it
        (
            [*[d for d in range(23) for _ in range(10)], *[30] * 130],
            False,
        ),  # surely more, but not twice
        ([*[d for d in range(23) for _ in range(10)], *[30] * 150], True),
        ([30] * 50, False),  # the store is no older
        ([23, *[30] * 50], False),  # or hardly
        ([0, 30, 31, 32], False),  # too few to say
    ],
)
def test_what_rises(tmp_path: Path, days: list[int], expected: bool) -> None:
    assert rises(tmp_path, days) is expected


def test_an_empty_store_has_no_window(tmp_path: Path) -> None:
    with Store.create(str(tmp_path / "crashes.db")) as store:
        assert trends.window(store) is None
        assert trends.rows(store, None) == []


def test_the_tail_is_the_binomial_one() -> None:
    assert trends.tail(3, 4, 0.5) == pytest.approx(5 / 16)
    assert trends.tail(1, 3, 0.1) == pytest.approx(1 - 0.9**3)
    assert trends.tail(600, 1000, 0.5) == pytest.approx(1.364e-10, rel=0.01)
    # No overflow, no underflow to nonsense, and no walk over millions of terms.
    assert 0 <= trends.tail(900_000, 1_000_000, 0.2) < 1e-100
    assert trends.tail(200_000, 1_000_000, 0.2) == pytest.approx(0.5, abs=0.01)
    assert Trend(recent=5, before=0, share=None).rises is False
