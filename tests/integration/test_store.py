"""The store's page in a real browser: it stands alone, fits, filters, and shows what there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gdbext.store import trends
from gdbext.store.database import Store
from gdbext.store.page import render
from integration.chromium import Browser
from integration.test_html import CONTRAST, FORMS, picture
from unit.store.entries import EVIL, START, entry, failed, month

ALL = "document.querySelector('.plot.all')"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    with Store.create(str(folder / "crashes.db")) as store:
        for each in (*month(), failed(EVIL, EVIL)):
            store.add(each)
        store.add(entry(EVIL, "e" * 16, START, EVIL, ("FT999", EVIL)))
        (folder / "page.html").write_text(render(store, trends.window(store), None, None))
    return folder / "page.html"


def shown(browser: Browser) -> list[str]:
    """The rules of the signatures that are to be seen, in their order."""
    found: list[str] = browser.run(
        "[...document.querySelectorAll('.signature')].filter((s) => s.offsetHeight > 0)"
        ".map((s) => s.querySelector('h2').textContent.match(/FT\\d+/)[0])"
    )
    return found


def drawn(browser: Browser, plot: str = ALL) -> int:
    """The crashes that the bars to be seen stand for."""
    return int(
        browser.run(
            f"[...{plot}.querySelectorAll('[data-n]')]"
            ".filter((r) => r.getBoundingClientRect().height > 0)"
            ".reduce((sum, r) => sum + Number(r.dataset.n), 0)"
        )
    )


def tallest(browser: Browser, plot: str = ALL) -> float:
    """The height of the highest bar as a part of the plot's; bars stand on its ground."""
    return float(
        browser.run(
            f"(() => {{ const box = {plot}.querySelector('svg').getBoundingClientRect();"
            f"const bars = [...{plot}.querySelectorAll('[data-n]:not(.hidden)')];"
            "const tops = bars.map((bar) => bar.getBoundingClientRect().top);"
            "return (box.bottom - Math.min(...tops)) / box.height; })()"
        )
    )


def enter(browser: Browser, field: str, value: Any) -> None:
    name = "checked" if isinstance(value, bool) else "value"
    script = str(value).lower() if isinstance(value, bool) else f"'{value}'"
    browser.run(
        f"(() => {{ const e = document.getElementById('{field}'); e.{name} = {script};"
        "e.dispatchEvent(new Event('input')); })()"
    )


@pytest.mark.parametrize("form", FORMS)
def test_the_page_stands_alone_and_fits(browser: Browser, page: Path, form: str) -> None:
    width, dark = FORMS[form]
    browser.open(page, width, dark=dark)
    picture(browser, "store", form)
    assert browser.requests() == [page.as_uri()]
    assert browser.complaints() == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    ratio, where = browser.run(CONTRAST)
    assert ratio >= 4.5, where
    assert drawn(browser) == 199
    assert len(shown(browser)) == 11
    assert tallest(browser) == pytest.approx(1, abs=0.03)
    # Every bar can be seen and told from its neighbour.
    assert browser.run(
        f"[...{ALL}.querySelectorAll('[data-n]')]"
        ".every((bar) => bar.getBoundingClientRect().width > 4)"
    )


def test_it_filters(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.press("/")
    browser.type("ordereddict")
    assert shown(browser) == ["FT102"]
    assert drawn(browser) == 78
    assert tallest(browser) == pytest.approx(1, abs=0.03)
    assert browser.run("document.getElementById('count').value") == "1 of 11 signatures, 78 crashes"
    enter(browser, "search", "")
    assert drawn(browser) == 199

    enter(
        browser,
        "version",
        browser.run(
            "[...document.getElementById('version').options].find((o) => o.text === '3.14.0').value"
        ),
    )
    assert shown(browser) == ["FT102", "FT105"]
    assert drawn(browser) == 87
    enter(browser, "only-new", True)
    assert shown(browser) == ["FT105"]
    enter(browser, "only-new", False)
    enter(browser, "version", "")
    enter(browser, "only-rising", True)
    assert shown(browser) == ["FT102", "FT105"]
    enter(browser, "only-rising", False)
    enter(browser, "only-unknown", True)
    assert len(shown(browser)) == 10
    enter(browser, "search", "no such crash")
    assert shown(browser) == []
    assert drawn(browser) == 0
    assert browser.complaints() == []


def test_it_shows_one_and_sorts(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("document.querySelectorAll('.swatch')[1].click()")
    assert drawn(browser) == 78
    assert len(shown(browser)) == 11
    browser.run("document.querySelectorAll('.swatch')[1].click()")
    assert drawn(browser) == 199
    enter(browser, "sort", "appeared")
    assert shown(browser)[0] == "FT105"
    enter(browser, "sort", "recent")
    assert shown(browser)[:2] == ["FT102", "FT101"]


def test_without_script_the_page_is_complete(browser: Browser, page: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
        assert browser.run("document.querySelector('.search').offsetHeight") == 0
        assert len(shown(browser)) == 11
        assert drawn(browser) == 199
        assert tallest(browser) == pytest.approx(1, abs=0.03)
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
