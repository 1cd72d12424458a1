"""The page in a real browser: nothing from elsewhere, no complaints, search, print, phone and desk,
light and dark.

Set GDBEXT_PICTURES to a folder to get a screenshot of every sample in every form.
"""

import base64
import os
from pathlib import Path

import pytest

from gdbext.reports.html_page import render
from gdbext.reports.options import Options
from integration.chromium import Browser
from unit.reports import samples

FORMS = {
    "desk light": (1400, False),
    "desk dark": (1400, True),
    "phone light": (400, False),
    "phone dark": (400, True),
}
SHOWN = [
    "founding",
    "healthy",
    "assertion",
    "victim",
    "deadlock",
    "partial",
    "empty",
    "many threads",
    "huge",
    "hostile 2",
]

# The least contrast of any text with what is behind it, by WCAG's formula, and that text.
CONTRAST = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => {
    const linear = (v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    const [x, y, z] = [r, g, b].map((v) => linear(v / 255));
    return .2126 * x + .7152 * y + .0722 * z;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const color = rgba(getComputedStyle(element).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  let least = [21, ''];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || element.closest('svg, script') || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(rgba(style.color)), light(behind(element))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const shown = element.className + ': ' + element.textContent.slice(0, 40);
    if (ratio < least[0]) least = [ratio, shown];
  }
  return least;
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    written = {}
    for name, sample in samples.SAMPLES.items():
        written[name] = folder / f"{name.replace(' ', '_')}.html"
        written[name].write_text(render(sample(), Options()), encoding="utf-8")
    return written


def picture(browser, name, form):
    """Keep a screenshot, where somebody wants to look."""
    folder = os.environ.get("GDBEXT_PICTURES")
    if folder:
        shot = browser.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        Path(folder, f"{name} {form}.png".replace(" ", "_")).write_bytes(
            base64.b64decode(shot["data"])
        )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SHOWN)
def test_a_page_opens_alone_and_fits(browser, pages, name, form):
    width, dark = FORMS[form]
    browser.open(pages[name], width, dark=dark)
    picture(browser, name, form)
    assert browser.requests() == [pages[name].as_uri()]
    assert browser.complaints() == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("matchMedia('(prefers-color-scheme: dark)').matches") is dark
    ratio, where = browser.run(CONTRAST)
    assert ratio >= 4.5, where


@pytest.mark.parametrize("name", [name for name in samples.SAMPLES if name.startswith("hostile")])
def test_strings_of_the_target_do_nothing(browser, pages, name):
    browser.open(pages[name])
    assert browser.requests() == [pages[name].as_uri()]
    assert browser.complaints() == []
    assert browser.run("document.querySelectorAll('script').length") == 1
    assert (
        browser.run("document.querySelectorAll('img, iframe, object, embed, form, base').length")
        == 0
    )
    assert browser.run("document.title") != "owned"


def visible_threads(browser):
    return browser.run(
        "[...document.querySelectorAll('.thread')].filter((t) => t.offsetHeight > 0).length"
    )


def test_search_filters_threads_and_marks_frames(browser, pages):
    browser.open(pages["many threads"])
    assert visible_threads(browser) == 4
    browser.press("/")
    assert browser.run("document.activeElement.id") == "search"
    browser.type("LIST_REPR")
    assert visible_threads(browser) == 1
    assert browser.run(
        "[...document.querySelectorAll('.frame.hit .function')].map((f) => f.textContent)"
    ) == [
        "list_repr_impl",
        "list_repr",
    ]
    assert browser.run("document.getElementById('count').value") == "1 of 200"
    browser.run("document.getElementById('search').select()")
    browser.type("LWP 20150")
    assert visible_threads(browser) == 1
    assert browser.run("document.getElementById('count').value") == "4 of 200"
    browser.run("document.getElementById('search').select()")
    browser.type("serve queue.get")
    assert visible_threads(browser) == 2
    assert browser.run(
        "[...document.querySelectorAll('.thread')].filter((t) => t.offsetHeight > 0).every((t) => "
        "t.open)"
    )
    browser.run("document.getElementById('search').select()")
    browser.type("nothing like this")
    assert visible_threads(browser) == 0
    browser.run(
        "const e = document.getElementById('search'); e.value = ''; "
        "e.dispatchEvent(new Event('input'))"
    )
    assert visible_threads(browser) == 4
    assert browser.run("document.querySelectorAll('.hit').length") == 0
    assert browser.complaints() == []


def test_evidence_unfolds(browser, pages):
    browser.open(pages["founding"])
    claim = (
        "[...document.querySelectorAll('.claims details')].find((d) => "
        "d.textContent.includes('args is not a tuple'))"
    )
    assert browser.run(f"{claim}.open") is False
    browser.run(f"{claim}.querySelector('summary').click()")
    assert browser.run(f"{claim}.querySelector('.inside').offsetHeight") > 0
    assert "x/gx 0x200000aff30" in browser.run(f"{claim}.innerText")


def test_all_threads_unfold_at_once(browser, pages):
    browser.open(pages["many threads"])
    browser.run("document.getElementById('unfold').click()")
    assert browser.run("[...document.querySelectorAll('.thread')].every((t) => t.open)")
    browser.run("document.getElementById('unfold').click()")
    assert browser.run("[...document.querySelectorAll('.thread')].every((t) => !t.open)")


@pytest.mark.parametrize("dark", [False, True])
def test_print_unfolds_everything_on_white(browser, pages, dark):
    browser.open(pages["founding"], dark=dark)
    browser.media("print", dark)
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.run("document.querySelector('.search').offsetHeight") == 0
    ratio, where = browser.run(CONTRAST)
    assert ratio >= 4.5, where
    pdf = base64.b64decode(
        browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
    )
    assert pdf.startswith(b"%PDF")
    assert browser.run("[...document.querySelectorAll('details')].every((d) => d.open)")
    if os.environ.get("GDBEXT_PICTURES"):
        Path(os.environ["GDBEXT_PICTURES"], f"print_{dark}.pdf").write_bytes(pdf)


def test_each_form_has_its_own_pictures(browser, pages):
    seen = (
        "[...document.querySelectorAll('svg.picture')].filter((s) => "
        "s.getClientRects().length).map((s) => s.classList[1])"
    )
    browser.open(pages["founding"], 1400)
    assert browser.run(seen) == ["wide"] * 3
    browser.open(pages["founding"], 400)
    assert browser.run(seen) == ["narrow"] * 3
    # Text in them stays readable: their 12 px are not scaled down by much.
    assert browser.run("document.querySelector('svg.narrow').getBoundingClientRect().width") >= 320


def test_without_script_the_page_is_complete(browser, pages):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(pages["founding"])
        assert browser.run("document.documentElement.classList.contains('js')") is False
        assert browser.run("document.querySelector('.search').offsetHeight") == 0
        assert browser.run("document.querySelectorAll('.thread .frame').length") > 10
        assert visible_threads(browser) == 2
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
