"""HTML and SVG, safe by default: text is escaped unless it is :class:`Html` already.

>>> el("p", "a < b ", el("b", "bold"), class_="x", hidden=True)
'<p class="x" hidden>a &lt; b <b>bold</b></p>'
"""

from __future__ import annotations

from collections.abc import Iterable

from gdbext.reports.sanitize import html, source_line
from gdbext.reports.style import Language, tokens

VOID = frozenset({"meta", "input", "br", "hr"})


class Html(str):
    """Markup that may go into a page as it is."""

    __slots__ = ()


def el(name: str, /, *content: str | None, **attributes: str | int | float | bool | None) -> Html:
    """An element.

    ``class_`` stands for ``class``, other underscores for hyphens; None and False leave an
    attribute out.
    """
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        shown = value if isinstance(value, Html) else html(str(value))
        written.append(f" {key}" if value is True else f' {key}="{shown}"')
    start = f"<{name}{''.join(written)}>"
    return Html(start if name in VOID else f"{start}{join(content)}</{name}>")


def join(content: Iterable[str | None], separator: str = "") -> Html:
    """Pieces one after the other, None left out."""
    return Html(
        html(separator).join(
            c if isinstance(c, Html) else html(c) for c in content if c is not None
        )
    )


def source(text: str, language: Language) -> Html:
    """A line of source, highlighted."""
    return join(
        el("span", piece, class_=f"s-{role}") if role else piece
        for role, piece in tokens(source_line(text), language)
    )
