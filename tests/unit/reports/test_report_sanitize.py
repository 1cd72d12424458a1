"""Strings of the target do nothing anywhere."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gdbext.reports import sanitize
from unit.reports.samples import HOSTILE

TEXT = st.text(st.characters(), max_size=60)
"""Any characters, lone surrogates and unassigned ones too."""
MARKDOWN = st.text(st.sampled_from("`*_[]()<>!|~#@\\&;:/-+=.1 ab\n\t'\"{}$^"), max_size=40)


def hostile(test):
    for text in HOSTILE:
        test = example(text)(test)
    return test


@hostile
@given(TEXT)
def test_visible_text_is_one_printable_line(text):
    shown = sanitize.visible(text)
    assert shown.isprintable()
    assert "\n" not in shown
    assert sanitize.visible(shown, limit=len(shown)) == shown


@given(TEXT)
def test_printable_text_stays_as_it_is(text):
    printable = "".join(c for c in text if c.isprintable())
    assert sanitize.visible(printable) == printable


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb\nc\td", "a\\rb\\nc\\td"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\udc80", "\\udc80"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("Zoë, 雪, ✗", "Zoë, 雪, ✗"),
    ],
)
def test_what_cannot_be_seen_is_spelt_out(raw, shown):
    assert sanitize.visible(raw) == shown


def test_long_text_is_cut_with_a_sign():
    shown = sanitize.visible("x" * 10_000, 50)
    assert shown == "x" * 49 + "…"


def test_source_lines_keep_their_indentation():
    assert sanitize.source_line("\tif x:\x1b[2J\r\n") == "    if x:\\x1b[2J"


@hostile
@given(TEXT)
def test_html_has_no_markup_left(text):
    shown = sanitize.html(text)
    assert not set(shown) & set("<>\"'")
    assert shown.isprintable()


@example("::error::x")
@example("   ::set-output name=x::y")
@example("\x1b[31m::error::x")
@example("text ##[error]x")
@example("##vso[task.setvariable]x")
@given(st.text(st.sampled_from(":#[]va \x1b31m;\n"), max_size=40))
def test_no_line_of_an_inert_text_is_a_command(text):
    for line in sanitize.inert(text).split("\n"):
        assert not sanitize.CI_COMMAND.search(line)
        bare = line
        while bare[:1].isspace() or (bare.startswith("\x1b[") and "m" in bare):
            after_colour = bare[2:].lstrip("0123456789;") if bare.startswith("\x1b[") else bare[1:]
            if bare.startswith("\x1b["):
                if not after_colour.startswith("m"):
                    break
                after_colour = after_colour[1:]
            bare = after_colour
        assert not bare.startswith("::")


@hostile
@given(TEXT)
def test_workflow_command_data_is_one_line(text):
    assert not set(sanitize.command_data(text)) & set("\r\n")
    assert not sanitize.CI_COMMAND.search(sanitize.command_data(text))
    assert not sanitize.CI_COMMAND.search(sanitize.command_property(text))
    assert not set(sanitize.command_property(text)) & set("\r\n:,")


@pytest.mark.parametrize("text", ["", "`", "``", " a ", "a`b", "``a", "a\\", "\\`", "`a`"])
def test_code_spans_show_exactly_their_text(text):
    (span,) = MarkdownIt("commonmark").parse(f"x {sanitize.code(text)} y")[1].children[1:-1]
    assert span.type == "code_inline"
    assert span.content == (text or " ")


@hostile
@given(MARKDOWN)
def test_nothing_in_a_code_span_is_interpreted(text):
    shown = sanitize.visible(text) or " "
    children = MarkdownIt("commonmark").parse(f"x {sanitize.code(text)} y")[1].children
    assert [child.type for child in children] == ["text", "code_inline", "text"]
    assert children[1].content == shown


@hostile
@given(MARKDOWN)
def test_nothing_in_running_text_is_interpreted(text):
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(f"**x** {sanitize.markdown(text)} y")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children
    assert {child.type for child in children} <= {
        "strong_open",
        "strong_close",
        "text",
        "code_inline",
    }
    assert sum(child.type == "strong_open" for child in children) == 1
    for child in children:
        if child.type == "text":
            assert not set(child.content) & set("@#<>|`*_[]\\")
            assert "www." not in child.content
            assert "://" not in child.content


@hostile
@given(MARKDOWN)
def test_nothing_breaks_out_of_a_tables_cell(text):
    parser = MarkdownIt("commonmark").enable("table")
    table = f"| a | b |\n| --- | --- |\n| {sanitize.cell(text)} | {sanitize.markdown(text)} |\n"
    tokens = parser.parse(table)
    assert [t.type for t in tokens].count("td_open") == 2
    first = tokens[[t.type for t in tokens].index("td_open") + 1]
    assert [child.type for child in first.children] == ["code_inline"]


def test_plain_words_stay_readable():
    assert (
        sanitize.markdown("freed by the thread, in 2 steps (see 0x10).")
        == "freed by the thread, in 2 steps (see 0x10)."
    )
    assert sanitize.markdown("(debug) (a_b) f(x).") == "(debug) (`a_b`) `f(x)`."
    assert (
        sanitize.markdown("its local `i`, ob_type: repr(list).")
        == "its local `i`, `ob_type`: `repr(list)`."
    )


@given(st.text(string.printable, max_size=80))
def test_a_fence_is_longer_than_any_in_the_text(text):
    body = "\n".join(sanitize.source_line(line) for line in text.split("\n"))
    tokens = MarkdownIt("commonmark").parse(sanitize.fenced(body, "python"))
    assert [t.type for t in tokens] == ["fence"]
    assert tokens[0].content == body + "\n"
