"""The job summary."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gdbext.reports.markdown import render
from gdbext.reports.options import Options
from unit.reports import samples

OUR_TAGS = {"<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>"}
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def walk(tokens):
    for token in tokens:
        yield token
        yield from walk(token.children or ())


def check_harmless(text):
    tokens = list(walk(PARSER.parse(text)))
    for token in tokens:
        if token.type == "html_inline":
            assert token.content in OUR_TAGS
        if token.type == "html_block":
            assert token.content.startswith(("<details><summary>", "</details>")), token.content
            assert "<" not in token.content.replace("<details><summary>", "").replace(
                "</summary>", ""
            ).replace("</details>", "")
        if token.type == "link_open":
            assert token.attrs["href"].startswith("https://github.com/python/cpython/issues/")
        assert token.type not in (
            "image",
            "s_open",
            "hr",
            "lheading_open",
            "blockquote_open",
            "ordered_list_open",
        )
        if token.type == "text":
            assert not set(token.content) & set("@#<>[]`*_"), token.content
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in text.split("\n"))
    return tokens


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_every_sample_is_harmless_and_small_enough(name):
    text = render(samples.SAMPLES[name](), Options())
    check_harmless(text)
    assert len(text.encode()) < 1 << 20


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("`*_[]()<>!|~#@\\&;:/-+=.1 ab\n\t'\"{}$^\x1b"), max_size=30))
def test_any_string_of_the_target_is_harmless(text):
    check_harmless(render(samples.hostile(text), Options()))


def test_the_founding_crash():
    text = render(samples.founding(), Options())
    assert text.startswith(
        "## 💥 stale list item: `repr(list)` uses a typing.Union that was freed\n"
    )
    row = (
        "| `MainThread` | `det_list.py:14` in `mutate` | list.clear | `lst.clear()  # frees the "
        "unions that"
    )
    assert row in text
    assert "[gh-132713](https://github.com/python/cpython/issues/132713)" in text
    tokens = check_harmless(text)
    assert sum(token.type == "table_open" for token in tokens) == 3
    fences = [token for token in tokens if token.type == "fence"]
    assert [fence.info for fence in fences] == ["python", "python", ""]
    assert "# ◀ line 14" in fences[0].content


def test_a_healthy_process_is_good_news():
    assert render(samples.healthy(), Options()).startswith("## ✅ nothing wrong found")


def test_failed_sections_are_told():
    assert "Parts of the triage failed" in render(samples.partial(), Options())


def test_many_threads_are_grouped():
    text = render(samples.many_threads(), Options())
    assert "and 189 more" in text
    assert len(text) < 20_000
