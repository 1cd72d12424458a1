"""Makes strings that come from the target harmless wherever they are shown.

A core is untrusted input.

First :func:`visible`, always: what would move a cursor, change a colour, reorder text or hide
itself is spelt out. Then the escape of the format that it goes into: :func:`code` and
:func:`markdown`, :func:`html`, :func:`command_data` and :func:`command_property`.  :func:`inert` is
for whole texts on their way to a CI log.

>>> visible("name\\x1b[31m")
'name\\\\x1b[31m'
"""

from __future__ import annotations

import re

LIMIT = 400
"""Characters that one string of the target gets at most; who needs more reads the memory."""

PLAIN_WORD = re.compile(r"[^\W_]+(?:[.,:;'=%+/-][^\W_]+)*|[-+=–—·…→✗✓]*")
"""A word in which no Markdown dialect finds anything to interpret."""

CI_COMMAND = re.compile(r"##(\w*\[)")
CI_COMMAND_LINE = re.compile(r"^((?:\x1b\[[0-9;]*m|\s)*)::", re.MULTILINE)


def visible(text: str, limit: int = LIMIT) -> str:
    """One line of printable characters, at most about ``limit`` of them.

    Control characters, escape sequences, line breaks, bidirectional controls, invisible and private
    characters and lone surrogates become Python escapes (``\\n``, ``\\x1b``, ``\\u202e``).
    """
    if len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…"
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def source_line(text: str, limit: int = LIMIT) -> str:
    """A line of a program's source: tabs become spaces, everything else as in :func:`visible`."""
    return visible(text.rstrip("\r\n").expandtabs(4), limit)


def inert(text: str) -> str:
    """A text of ours, with colours, in which no CI service finds a command when it reads the log.

    GitHub obeys lines that begin with ``::`` and any ``##[…]``; Azure and TeamCity have
    ``##vso[…]`` and ``##teamcity[…]``.
    """
    return CI_COMMAND_LINE.sub(r"\1\\::", CI_COMMAND.sub(r"#\\#\1", text))


def code(text: str, limit: int = LIMIT) -> str:
    """A Markdown code span, whatever backticks are in the text.

    Not for tables, where a bar ends even a code span.
    """
    shown = visible(text, limit) or " "
    fence = "`" * (_longest_run(shown, "`") + 1)
    # CommonMark takes one space away from both ends, but not from a span of spaces only.
    space = " " if shown.strip() and (shown[0] in "` " or shown[-1] in "` ") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def cell(text: str, limit: int = LIMIT) -> str:
    """A code span for a table's cell: bars become broken bars."""
    return code(text.replace("|", "¦"), limit)


def fenced(text: str, language: str = "") -> str:
    """A Markdown code block.  ``text`` may have many lines, each of them made visible already."""
    fence = "`" * max(3, _longest_run(text, "`") + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def markdown(text: str, limit: int = LIMIT) -> str:
    """Markdown for running text and tables: what is more than a plain word becomes a code span."""
    return " ".join(
        _word(word) for word in visible(text, limit).replace("|", "¦").split(" ") if word
    )


def _word(word: str) -> str:
    """One word, its brackets and punctuation left outside a code span."""
    before = after = ""
    while (word and word[-1] in ".,:;!?") or (
        word.endswith(")") and word.count(")") > word.count("(")
    ):
        word, after = word[:-1], word[-1] + after
    if len(word) > 2 and word[0] == "(" and word[-1] == ")":
        word, before, after = word[1:-1], "(", ")" + after
    while word.startswith("(") and word.count("(") > word.count(")"):
        word, before = word[1:], before + "("
    if len(word) > 2 and word[0] == word[-1] == "`" and "`" not in word[1:-1]:
        return f"{before}{code(word[1:-1])}{after}"
    is_plain = PLAIN_WORD.fullmatch(word) and not _is_link(word)
    return f"{before}{word if is_plain else code(word)}{after}"


def html(text: str, limit: int = LIMIT) -> str:
    """For HTML text and for attributes in double quotes."""
    shown = visible(text, limit)
    return (
        shown.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&quot;")
        .replace("'", "&#x27;")
    )


def command_data(text: str) -> str:
    """The message of a GitHub workflow command.

    Its line breaks are the caller's, so they are kept (as ``%0A``).
    """
    text = CI_COMMAND.sub(r"#\\#\1", text)  # the older syntax is obeyed anywhere in a line
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """The value of a property (``file=``, ``title=``) of a GitHub workflow command."""
    return command_data(visible(text)).replace(":", "%3A").replace(",", "%2C")


def _longest_run(text: str, character: str) -> int:
    return max((len(run) for run in re.findall(re.escape(character) + "+", text)), default=0)


def _is_link(word: str) -> bool:
    """Words that some dialects turn into links by themselves."""
    lowered = word.lower()
    return (
        "www." in lowered
        or ":/" in lowered
        or lowered.startswith(("http:", "https:", "ftp:", "mailto:"))
    )
