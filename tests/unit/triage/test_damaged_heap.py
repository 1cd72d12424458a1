"""FT105's walk over the heap: whose pages come first, and where it ends."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gdbext.diagnosis.rules import heap as rule
from gdbext.model import Problems

CRASHED, OTHER = 11, 12


def page(lwp: int | None, free: int) -> Any:
    return SimpleNamespace(lwp=lwp, capacity=free + 3, used=3)


def walked(*pages: Any) -> tuple[list[Any], list[str]]:
    """The pages in the order in which their lists were looked at, and what the report says of it."""
    mimalloc = SimpleNamespace(
        owner=lambda page: (
            page.lwp and SimpleNamespace(thread=SimpleNamespace(native_thread_id=page.lwp))
        ),
    )
    heap = SimpleNamespace(
        records=SimpleNamespace(mimalloc=mimalloc),
        pages=lambda: iter(pages),
        freelist_health=list,
        free_list_health=lambda page: [page],
    )
    case: Any = SimpleNamespace(
        session=SimpleNamespace(heap=heap), lwp=CRASHED, problems=Problems()
    )
    return list(rule.damages(case)), [entry.message for entry in case.problems.entries]


def test_the_crashed_threads_pages_come_first() -> None:
    pages = [page(OTHER, 1), page(None, 1), page(CRASHED, 1), page(CRASHED, 2)]
    assert walked(*pages) == ([pages[2], pages[3], pages[0], pages[1]], [])


def test_what_was_not_walked_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [page(CRASHED, 10), page(CRASHED, 10), page(CRASHED, 10)]
    said = ["2 of the heap's 3 pages were searched for damaged lists; `ft scan` searches them all"]
    monkeypatch.setattr(rule, "MAX_FREE_BLOCKS", 25)
    assert walked(*pages) == (pages[:2], said)
    monkeypatch.setattr(rule, "MAX_FREE_BLOCKS", 1000)
    assert walked(*pages) == (pages, [])
    monkeypatch.setattr(rule, "MAX_PAGES", 2)
    assert walked(*pages) == (pages[:2], said)
