"""What texts on a terminal are made of: wrapped lines, tables, places in source, threads, stacks.

The reports and the ``ft`` commands share these.  Strings of the target go in raw and come out
harmless.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from gdbext.model import Confidence, NativeFrameInfo, PythonFrame, SourceLine, ThreadInfo, Verdict
from gdbext.reports import story
from gdbext.reports.options import Options
from gdbext.reports.sanitize import inert, source_line, visible
from gdbext.reports.stack import merged
from gdbext.reports.style import Language, Role, Style, plain

TELLING = re.compile(r"\b0x[0-9a-f]+\b|`(?P<code>[^`]+)`")
BROKEN = "✗"
GOOD = "✓"
MORE = "…"
CURRENT = "▸"
SEPARATOR = " · "

ASCII_SIGNS = {
    "✗": "X",
    "✓": "+",
    "…": "...",
    "·": "|",
    "→": "->",
    "←": "<-",
    "│": "|",
    "└": "`",
    "├": "|",
    "─": "-",
    "▸": ">",
    "×": "x",
}

CONFIDENCE_ROLES: dict[Confidence, Role] = {
    Confidence.PROVEN: "good",
    Confidence.LIKELY: "warning",
    Confidence.POSSIBLE: "dim",
}


class TextPage:
    """Collects lines of text in a style and a width."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.width = options.width
        self.style = Style(options.colors, options.style)
        self.lines: list[str] = []

    def line(self, text: str = "") -> None:
        """One line as it is."""
        self.lines.append(text.rstrip())

    def flow(self, text: str, indent: int = 0, lead: str = "", role: Role | None = None) -> None:
        """Free text, wrapped, its addresses in their colour.

        ``lead`` stands in the first line's indentation.
        """
        for piece in wrap(text, self.width - indent):
            self.line(lead + " " * (indent - display_width(lead)) + self.paint(piece, role))
            lead = ""

    def paint(self, text: str, role: Role | None = None) -> str:
        """Colours the addresses and the `code` in a text, and the rest in ``role``."""
        if not self.options.colors:
            return text
        pieces = []
        end = 0
        for found in TELLING.finditer(text):
            pieces += [self._painted(text[end : found.start()], role)]
            pieces += [
                self.style("function", found["code"])
                if found["code"]
                else self.style("address", found[0])
            ]
            end = found.end()
        return "".join([*pieces, self._painted(text[end:], role)])

    def _painted(self, text: str, role: Role | None) -> str:
        return self.style(role, text) if role else text

    def ends(self, left: str, right: str) -> None:
        """``left`` at the left and ``right`` at the right edge; on a narrow page ``left`` wraps
        beside it.  May be coloured.
        """
        room = self.width - display_width(right) - 2
        if display_width(left) <= room:
            self.line(
                left + " " * (self.width - display_width(left) - display_width(right)) + right
            )
            return
        self.line(left)
        self.line(" " * (self.width - display_width(right)) + right)

    def table(
        self,
        rows: Sequence[Sequence[str]],
        indent: int = 0,
        gap: int = 2,
        header: Sequence[str] = (),
    ) -> None:
        """Columns as wide as their widest cell.

        Cells may be coloured; the last one may be longer than the page.
        """
        top = [[self.style("heading", name) for name in header]] if header else []
        for row in aligned([*top, *rows], gap):
            self.line(" " * indent + row)

    def text(self) -> str:
        """Everything, ready to be written: ASCII if it must be, and without anything that a CI
        service would obey.
        """
        text = inert("\n".join(self.lines) + "\n")
        if self.options.ascii:
            text = (
                "".join(ASCII_SIGNS.get(c, c) for c in text)
                .encode("ascii", "backslashreplace")
                .decode("ascii")
            )
        return text


def display_width(text: str) -> int:
    """Columns that a text takes on a terminal, colours not counted."""
    text = plain(text)
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` columns, broken at spaces only: names stay whole."""
    lines: list[str] = []
    current = ""
    for word in text.split(" "):
        if current and display_width(current) + 1 + display_width(word) > width:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}" if current else word
    return [*lines, current]


def join_fitting(parts: Iterable[str], width: int, separator: str = SEPARATOR) -> list[str]:
    """Parts joined with separators to lines of at most ``width`` columns; a line that goes on ends
    without one.
    """
    lines: list[str] = []
    for part in parts:
        if lines and display_width(lines[-1]) + len(separator) + display_width(part) <= width:
            lines[-1] += separator + part
        else:
            lines.append(part)
    return lines


def aligned(rows: Sequence[Sequence[str]], gap: int = 2) -> list[str]:
    """The rows' cells in columns; trailing empty cells add no space."""
    columns = max((len(row) for row in rows), default=0)
    widths = [
        max((display_width(row[i]) for row in rows if i < len(row)), default=0)
        for i in range(columns)
    ]
    lines = []
    for row in rows:
        cells = [cell + " " * (widths[i] - display_width(cell) + gap) for i, cell in enumerate(row)]
        lines.append("".join(cells).rstrip())
    return lines


def place(
    style: Style,
    file: str | None,
    line: int | None,
    function: str | None = None,
    full: bool = False,
) -> str:
    """``det_list.py:18 in <lambda>``"""
    where = f"{visible(file, 200)}:{line}" if full and file else story.place(file, line)
    where = style("file", where)
    return f"{where} in {style('function', visible(function, 80))}" if function else where


def source(style: Style, frame: PythonFrame, room: int = 100) -> str:
    """The frame's line of source, highlighted, cut off after ``room`` columns."""
    return (
        style.highlight(clipped(source_line(frame.source).strip(), room), "python")
        if frame.source
        else ""
    )


def clipped(text: str, room: int) -> str:
    """The text in that many columns, with a sign where its end is cut off."""
    return text if display_width(text) <= room else text[: max(room - 1, 0)].rstrip() + MORE


def with_mark(parts: tuple[str, str, str], room: int) -> tuple[str, str]:
    """A line in that many columns, and what is to stand below it: a mark under the middle part.

    >>> with_mark(("f(); ", "g()", ""), 20)
    ('f(); g()', '     ^^^')
    """
    before, marked, after = parts
    if display_width(before + marked) > room:
        before = MORE
    line = clipped(before + marked + after, room)
    start = display_width(before)
    width = min(display_width(marked), display_width(line) - start)
    return line, " " * start + "^" * width


def verdict_text(style: Style, verdict: Verdict | None) -> str:
    """The heap's word, a dead one with its sign."""
    if verdict is None:
        return ""
    if verdict.is_dead:
        return style("error", f"{BROKEN} {verdict}")
    return style("good" if verdict in (Verdict.LIVE, Verdict.IMMORTAL) else "warning", str(verdict))


def thread_heading(page: TextPage, thread: ThreadInfo) -> None:
    """``thread 2 "reader" (LWP 18453) · ✗ crashed · attached · repr(list)``"""
    parts = [page.style("heading", story.thread_name(thread))]
    parts += [page.style("error", f"{BROKEN} crashed")] if thread.crashed else []
    parts += [visible(word, 100) for word in (thread.state, thread.doing, thread.test) if word]
    page.line(SEPARATOR.join(parts))


def excerpt(
    page: TextPage,
    lines: Sequence[SourceLine],
    current: int | None,
    language: Language,
    indent: int = 2,
) -> None:
    """Numbered lines of source, highlighted, the current one with a sign."""
    width = max((len(str(line.number)) for line in lines), default=0)
    for line in lines:
        sign = page.style("error", CURRENT) if line.number == current else " "
        number = page.style("dim", str(line.number).rjust(width))
        code = clipped(source_line(line.text), page.width - indent - width - 4)
        page.line(f"{' ' * indent}{sign} {number}  {page.style.highlight(code, language)}")


def excerpt_of(
    page: TextPage, frame: NativeFrameInfo | None, around: int | None = None, indent: int = 2
) -> None:
    """The C source of a frame, as far as it is at hand; ``around`` are the lines before and after
    its own, by default all.
    """
    if frame is None or frame.line is None:
        return
    lines = [
        line for line in frame.excerpt if around is None or abs(line.number - frame.line) <= around
    ]
    excerpt(page, lines, frame.line, "c", indent)


def stack(page: TextPage, thread: ThreadInfo, indent: int = 2, limit: int | None = None) -> None:
    """Native and Python frames merged, innermost first, with the Python lines' source.

    The frame at fault has a sign; what only passes calls on is dim.
    """
    style = page.style
    rows = []
    entries = merged(thread)
    for position, entry in enumerate(entries[:limit]):
        mark = style("error", BROKEN) if thread.crashed and position == 0 else " "
        if entry.python is not None:
            frame = entry.python
            rows.append(
                [
                    f"{mark} {style('good', 'py')}",
                    style("function", visible(frame.function, 80)),
                    place(style, frame.file, frame.line),
                    source(style, frame),
                ]
            )
            continue
        native = entry.native
        assert native is not None
        level, where = f"#{native.level}", story.native_place(native)
        if entry.is_machinery:
            rows.append(
                [
                    f"{mark} {style('dim', level)}",
                    style("dim", visible(entry.function, 80)),
                    style("dim", where),
                ]
            )
        else:
            rows.append(
                [
                    f"{mark} {level}",
                    call_text(page, entry.function, native.arguments),
                    style("file", where),
                ]
            )
    page.table(rows, indent)
    if limit is not None and len(entries) > limit:
        page.line(" " * indent + style("dim", f"{MORE} {len(entries) - limit} more frames"))
    with_source = sorted(
        (n for n in thread.native if n.excerpt), key=lambda n: str(n.file).endswith(".h")
    )
    if with_source:
        # What is inlined from a header says less than the function that it is used in.
        shown = with_source[0]
        page.line(
            f"{' ' * indent}#{shown.level} {place(style, shown.file, shown.line, shown.function)}"
        )
        excerpt_of(page, shown, indent=indent)


def call_text(page: TextPage, function: str, arguments: Sequence[str]) -> str:
    """``union_repr(self=0x200000aff10)``; arguments that would take more than half of the page's
    width are left out.
    """
    name = visible(function, 80)
    room = max(page.width // 2, 30) - display_width(name) - 5
    shown = []
    for argument in arguments:
        text = visible(argument, 60)
        room -= display_width(text) + 2
        if room < 0 and not page.options.verbose:
            shown.append(MORE)
            break
        shown.append(text)
    call = story.call(name, shown)
    return page.style("function", name) + page.paint(call.removeprefix(name))
