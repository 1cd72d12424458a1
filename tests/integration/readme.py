"""README.md and the site's pages taken apart: their blocks, the commands in them, and whether what
it prints is what is printed now.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from gdbext.engine import launch

ROOT = Path(launch.ROOT)
FILES = (ROOT / "README.md", *sorted((ROOT / ".github" / "docs" / "pages").rglob("*.md")))
TEXTS = {path: path.read_text(encoding="utf-8") for path in FILES}
TOKENS = {
    path: MarkdownIt("commonmark").enable("table").parse(text) for path, text in TEXTS.items()
}
ADDRESS = re.compile(r"0x(?!dddddddd)[0-9a-f]{6,}")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
VARYING = (
    # The other thread was at its work or already at its next lock, and a longer line has less room
    # for the source.
    (re.compile(r" · waits for 0x[0-9a-f]+"), ""),
    (re.compile(r"  # [^\n]*…$", re.MULTILINE), ""),
    (ADDRESS, "0xADDRESS"),
    (re.compile(r"LWP \d+"), "LWP N"),
    # How full a heap page is depends on what the environment made Python allocate at its start.
    (re.compile(r"number \d+ of \d+ on|\d+ blocks \d+ are on"), "COUNTS on"),
    (re.compile(r"(the rest is in use(?:: | 0xADDRESS = ))\w+"), r"\1COUNT"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its info string, its lines, and where in which file it begins."""

    language: str
    text: str
    line: int
    file: str = "README.md"

    def steps(self, prompt: str) -> list[tuple[str, str]]:
        """(command, what it prints) for each line that begins with the prompt."""
        found: list[tuple[str, str]] = []
        for line in self.text.splitlines():
            if line.startswith(prompt):
                found.append((line.removeprefix(prompt), ""))
            else:
                assert found, f"{self.file}:{self.line} does not begin with {prompt!r}"
                found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
        assert found, f"{self.file}:{self.line} has no command"
        return found


BLOCKS = [
    Block(token.info, token.content, token.map[0] + 1, path.name)
    for path, tokens in TOKENS.items()
    for token in tokens
    if token.type == "fence" and token.map
]


def blocks(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


def inline_code() -> list[str]:
    """Every `word` in backticks outside of the blocks."""
    return [
        child.content
        for tokens in TOKENS.values()
        for token in tokens
        for child in token.children or ()
        if child.type == "code_inline"
    ]


def tables(*heading: str) -> list[list[str]]:
    """The rows of all tables with just that heading."""
    found: list[list[str]] = []
    rows: list[list[str]] = []
    for token, following in itertools.chain(*map(itertools.pairwise, TOKENS.values())):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("td_open", "th_open"):
            rows[-1].append(following.content)
        elif token.type == "table_close":
            if rows[0] == list(heading):
                found += rows[1:]
            rows = []
    assert found, f"no page has a table with the heading {heading}"
    return found


def normal(text: str) -> str:
    """Text in which all runs on all machines are equal: no addresses, no thread numbers, no line
    breaks.
    """
    text = ESCAPES.sub("", text)
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text.strip()


def missing(expected: str, actual: str) -> str | None:
    """The first part of ``expected`` that is not in ``actual``, in order; ``...`` stands for
    anything.

    >>> missing("one ... three", "one two three four"), missing("one two ... three", "one three")
    (None, 'one two')
    """
    actual, position = normal(actual), 0
    for part in filter(None, (normal(part) for part in expected.split("..."))):
        position = actual.find(part, position)
        if position < 0:
            return part
        position += len(part)
    return None
