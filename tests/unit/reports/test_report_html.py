"""The page's markup.  How it looks and works in a browser: tests/integration/test_html.py."""

import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdbext.model import BlockRun, HeapPage, Verdict
from gdbext.reports import page_parts, pictures
from gdbext.reports.html_page import render
from gdbext.reports.markup import el, join, source
from gdbext.reports.options import Options
from gdbext.reports.pictures import NARROW, WIDE
from unit.reports import samples

VOID = {"meta", "input", "br"}
OUTWARD = {"src", "href", "action", "formaction", "data", "poster", "srcset", "xlink:href", "style"}


class Outline(HTMLParser):
    """Elements with their attributes, and whether all of them are closed."""

    def __init__(self, text):
        super().__init__()
        self.open: list[Any] = []
        self.elements: list[Any] = []
        self.text: list[Any] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def checked(text):
    outline = Outline(text)
    for tag, attributes in outline.elements:
        assert tag not in (
            "img",
            "iframe",
            "object",
            "embed",
            "form",
            "base",
            "link",
            "audio",
            "video",
        )
        assert not any(name.startswith("on") for name in attributes)
        for name in OUTWARD & set(attributes):
            assert (tag, name) == ("a", "href")
            assert attributes[name].startswith("https://github.com/python/cpython/issues/")
    assert sum(tag == "script" for tag, _ in outline.elements) == 1
    assert not re.search(r"url\((?!#tip\))|@import|https?://(?!github\.com/python/cpython)", text)
    return outline


@pytest.mark.parametrize("name", samples.SAMPLES)
@pytest.mark.parametrize("redact", [False, True])
def test_every_sample_is_self_contained(name, redact):
    text = render(samples.SAMPLES[name](), Options(redact=redact))
    text = text.replace("http://a.example", "").replace("www.example.com", "")
    checked(text)
    assert len(text) < 1_000_000


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("<>&\"'/= \n\x00`;:abonscript\u202e\ud800"), max_size=30))
def test_any_string_of_the_target_is_only_text(text):
    expected = {tag for tag, _ in checked(render(samples.founding(), Options())).elements}
    assert {
        tag for tag, _ in checked(render(samples.hostile(text), Options())).elements
    } <= expected


@pytest.mark.parametrize("name", ["founding", "hostile 1", "hostile 2"])
def test_the_policy_allows_exactly_our_style_and_script(name):
    text = render(samples.SAMPLES[name](), Options())
    outline = Outline(text)
    policy = next(
        a["content"]
        for tag, a in outline.elements
        if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    for tag in ("style", "script"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_the_verdict_comes_first():
    body = re.sub(
        r"<head>.*?</head>|<script>.*?</script>",
        "",
        render(samples.founding(), Options()),
        flags=re.S,
    )
    text = "".join(Outline(body).text)
    order = [
        "SIGSEGV reading 0x19",
        "stale list item",
        "known issue",
        "What happened",
        "The two sides",
        "Evidence",
        "Threads (2)",
    ]
    places = [text.rindex(part) if part == "Evidence" else text.index(part) for part in order]
    assert places == sorted(places)


def test_every_thread_is_on_the_page_and_can_be_searched():
    text = render(samples.many_threads(), Options())
    for number in range(198):
        assert f"(LWP {20000 + number})" in text
    counts = [
        int(a["data-count"])
        for tag, a in checked(text).elements
        if tag == "details" and "thread" in a.get("class", "")
    ]
    assert counts == [1, 1, 4, 194]


def test_evidence_says_how_to_check_it():
    assert "x/gx 0x200000aff30" in render(samples.founding(), Options())
    tool = dataclasses.replace(samples.founding().tool, examine="memory read -fx -s8 -c1")
    in_lldb = dataclasses.replace(samples.founding(), tool=tool)
    assert "memory read -fx -s8 -c1 0x200000aff30" in render(in_lldb, Options())
    assert "memory read -fx -s8 -c1 0x200000aff30" in render(in_lldb, Options(redact=True))
    assert "Check it" not in render(samples.deadlock(), Options()), (
        "an address without a word has nothing to compare"
    )


def test_pictures_have_a_form_for_desk_and_phone():
    outline = checked(render(samples.founding(), Options()))
    looks = [a["class"] for tag, a in outline.elements if tag == "svg"]
    assert looks == ["defs", *["picture wide", "picture narrow"] * 3]


def coordinates(svg, width):
    for _, attributes in Outline(svg).elements:
        if "x" in attributes:
            assert 0 <= float(attributes["x"]) <= width
            assert float(attributes["x"]) + float(attributes.get("width", 0)) <= width + 1
            yield float(attributes["y"]) + float(attributes.get("height", 0))


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", ["founding", "huge", "hostile 2", "deadlock"])
def test_everything_lies_inside_the_picture(width, name):
    report = samples.SAMPLES[name]()
    drawn = [pictures.container(view, 2, width, "") for view in report.containers]
    drawn += [pictures.page(page, width, "") for page in report.pages]
    drawn += [pictures.race(report, report.race, width, "")] if report.race else []
    waits = pictures.waits(report, width, "")
    drawn += [waits] if waits else []
    assert drawn
    for svg in drawn:
        height = float(re.search(r'viewBox="-1 -1 \S+ (\S+)"', svg)[1])
        assert max(coordinates(svg, width)) <= height


def test_dead_blocks_are_marked_not_only_coloured():
    page = HeapPage(
        1, 0x1000, 16, (BlockRun(0, 3, Verdict.LIVE), BlockRun(3, 2, Verdict.FREED)), focus=3
    )
    svg = pictures.page(page, WIDE, "")
    looks = [a.get("class") for tag, a in Outline(svg).elements if tag == "path"]
    assert looks[:3] == ["block live", "block dead", "block dead mark"]
    assert "framed: block 3 at 0x1030" in svg


def test_a_block_far_into_a_page_is_still_in_the_picture():
    page = HeapPage(1, 0x1000, 16, (BlockRun(0, 4000, Verdict.LIVE),), focus=3900)
    assert "framed: block 3900" in pictures.page(page, NARROW, "")


def test_stale_slots_are_chosen_over_live_ones():
    view = samples.huge().containers[0]
    svg = pictures.container(view, 250, WIDE, "")
    assert "[250] reader" in svg
    assert svg.count("✗ freed") > 15
    assert "and 476 more slots" in svg


def test_an_item_that_was_taken_out_meanwhile_is_shown():
    base = samples.founding()
    emptied = dataclasses.replace(base.containers[0], slots=())
    page = render(dataclasses.replace(base, containers=(emptied,)), Options())
    picture = page[page.index("judged one by one") :]
    assert (
        picture.index("[2] reader")
        < picture.index("✗ freed")
        < picture.index("types.UnionType")
        < picture.index("</figure>")
    )
    assert 'class="slot dead beyond focus"' in picture


def test_a_container_without_slots_has_no_empty_picture():
    base = samples.founding()
    finding = dataclasses.replace(
        base.findings[0], container=dataclasses.replace(base.findings[0].container, index=None)
    )
    emptied = dataclasses.replace(base.containers[0], slots=())
    page = render(dataclasses.replace(base, findings=(finding,), containers=(emptied,)), Options())
    assert "judged one by one" not in page


def test_a_heap_page_is_shown_where_it_tells_something():
    heap = samples.founding().pages[0]
    live = dataclasses.replace(heap, focus=1)
    assert "block by block" in render(samples.founding(), Options())
    assert "block by block" in render(
        dataclasses.replace(samples.deadlock(), pages=(heap,)), Options()
    )
    assert "block by block" not in render(
        dataclasses.replace(samples.deadlock(), pages=(live,)), Options()
    )


@pytest.mark.parametrize(
    ("verdict", "look"),
    [
        (Verdict.LIVE, "alive"),
        (Verdict.FREED, "dead"),
        (Verdict.FOREIGN, "soft"),
        (Verdict.UNKNOWN, "soft"),
    ],
)
def test_only_what_is_alive_looks_alive(verdict, look):
    subject = dataclasses.replace(samples.founding().findings[0].subject, liveness=verdict)
    sign = "✗ " if look == "dead" else ""
    assert f'<span class="{look}">{sign}{verdict}</span>' in page_parts.subject(subject)


def test_the_family_is_not_said_twice():
    page = render(samples.founding(), Options())
    assert '<span class="soft">stale container item</span>' in page
    longer = dataclasses.replace(
        samples.founding().findings[0], title="stale container item: repr(list)"
    )
    page = render(dataclasses.replace(samples.founding(), findings=(longer,)), Options())
    assert '<span class="soft">stale container item</span>' not in page


def test_nobody_waits_in_a_report_without_locks():
    assert pictures.waits(samples.founding(), WIDE, "") is None


def test_the_picture_of_a_deadlock_says_what_each_lock_is():
    drawn = str(pictures.waits(samples.deadlock(), WIDE, ""))
    assert "mutex of list<" in drawn
    assert "native lock queue in mine<" in drawn


def test_elements_escape_everything_but_markup():
    assert (
        el("p", "<b>", el("b", "&"), title='"x"')
        == '<p title="&quot;x&quot;">&lt;b&gt;<b>&amp;</b></p>'
    )
    assert join(["<", None, el("i", "x")], ", ") == "&lt;, <i>x</i>"
    assert source("if x<1: pass", "python").startswith('<span class="s-keyword">if</span>')


def test_the_c_code_that_a_thread_of_a_hang_waits_in_is_in_the_verdict() -> None:
    report = samples.deadlock()
    frames = tuple(
        dataclasses.replace(samples.native(level, function), module=module)
        for level, function, module in (
            (0, "__lll_lock_wait", "/usr/lib/libc.so.6"),
            (1, "flush", "/app/mine.cpython-313t.so"),
        )
    )
    lwp = report.findings[0].threads[0]
    threads = tuple(
        dataclasses.replace(t, native=frames, crashed=False) if t.lwp == lwp else t
        for t in report.threads
    )
    shown = render(dataclasses.replace(report, threads=threads, crash=None), Options())
    verdict = shown[shown.index("card verdict") :].partition("</section>")[0]
    assert "#1 flush()" in verdict
    assert "#0 __lll_lock_wait()" in verdict


def test_the_verdict_shows_the_source_at_the_fault():
    verdict = render(samples.founding(), Options()).split("What happened")[0]
    assert re.search(r'class="l now" data-n="257"', verdict)


def test_the_line_that_did_the_damage_is_marked_beside_the_one_that_the_thread_is_in():
    report = samples.founding()
    assert report.race is not None
    changer, reader = report.race.threads
    changer = dataclasses.replace(changer, line=16, suspect_line=14)
    race = dataclasses.replace(report.race, threads=(changer, reader))
    sides = render(dataclasses.replace(report, race=race), Options()).split("The two sides")[1]
    side = sides.split("</pre>")[0]
    assert re.findall(r'class="l (now|did)" data-n="(\d+)"', side) == [("did", "14"), ("now", "16")]
