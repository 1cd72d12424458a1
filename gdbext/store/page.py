"""One page of a store: all crashes over time, and for each signature a plot and what it is.

Bars are drawn here; the page's script only filters and stacks them anew.  Without it the page is
complete.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gdbext import __version__
from gdbext.frozen import dataclass
from gdbext.reports import html_page
from gdbext.reports.html_document import document
from gdbext.reports.markup import Html, el, join
from gdbext.reports.sanitize import visible
from gdbext.store.database import Store
from gdbext.store.trends import DAY, SignatureTrend, Window, rows

HERE = Path(__file__).parent
MOST_BARS = 62
WIDTHS = {
    3600: "an hour",
    6 * 3600: "six hours",
    DAY: "a day",
    7 * DAY: "a week",
    28 * DAY: "four weeks",
    364 * DAY: "a year",
}
"""Seconds that a bar stands for."""
MONDAY = 4 * DAY
"""Weeks are counted from 1970-01-05, a Monday."""
MOST_ROWS = 200
COLOURS = 8
HEIGHT = 100


@dataclass(frozen=True)
class Bars:
    """The bars of a plot: ``count`` stretches of ``width`` seconds from ``start`` on."""

    start: int
    width: int
    count: int

    def time(self, number: int) -> str:
        """When the bar of that number begins."""
        form = "%Y-%m-%d" if self.width >= DAY else "%Y-%m-%d %H:%M"
        return time.strftime(form, time.gmtime(self.start + number * self.width))


@dataclass(frozen=True)
class Piece:
    """Crashes of one signature and version in one bar.  ``row`` is -1 for signatures that have no
    row.
    """

    bar: int
    row: int
    version: int
    count: int


def bars_of(since: int, until: int) -> Bars:
    """The finest bars for that span of which there are not too many.

    >>> bars_of(10 * DAY + 5, 13 * DAY), bars_of(0, 30 * DAY).count
    (Bars(start=864000, width=21600, count=12), 30)
    """
    last = max(until - 1, since)
    for width in WIDTHS:
        origin = MONDAY if width > DAY else 0
        first = (since - origin) // width
        count = (last - origin) // width - first + 1
        if count <= MOST_BARS:
            break
    return Bars(first * width + origin, width, count)


def render(store: Store, looked_at: Window | None, since: int | None, until: int | None) -> str:
    """The page for crashes at ``since`` or later, before ``until``; their trends are those of the
    window.
    """
    found = rows(store, looked_at, since, until)
    style = "\n".join(
        folder.joinpath("page.css").read_text(encoding="utf-8") for folder in (html_page.HERE, HERE)
    )
    script = HERE.joinpath("page.js").read_text(encoding="utf-8")
    crashes = sum(row.summary.count for row in found)
    shown = found[:MOST_ROWS]
    if not shown or looked_at is None:
        body = join((_top(0, 0, None), el("main", el("p", "No crashes.", class_="card"))))
        return document("Crashes", body, style, script, f"gdbext {__version__}")
    first = min(row.summary.first for row in found)
    last = max(row.summary.last for row in found)
    span = bars_of(first, last + 1)
    versions = sorted({version for row in shown for version in row.summary.versions})
    pieces = _pieces(store, span, since, until, shown, versions)
    main = el(
        "main",
        _filters(shown, versions),
        el(
            "section",
            el("h2", f"Crashes {WIDTHS[span.width]}"),
            _plot(span, pieces, "all", "all crashes over time"),
            class_="card",
        ),
        el(
            "div",
            *(
                _row(number, row, span, [p for p in pieces if p.row == number], versions, looked_at)
                for number, row in enumerate(shown)
            ),
            id="rows",
        ),
        _rest(found),
        _failures(store),
        el("footer", f"Times are UTC. gdbext {__version__}"),
    )
    body = join((_top(crashes, len(found), (first, last)), main))
    return document("Crashes", body, style, script, f"gdbext {__version__}")


def _pieces(
    store: Store,
    span: Bars,
    since: int | None,
    until: int | None,
    shown: Sequence[SignatureTrend],
    versions: Sequence[str],
) -> list[Piece]:
    row_of = {row.summary.signature: number for number, row in enumerate(shown)}
    version_of = {version: number for number, version in enumerate(versions)}
    counted: dict[tuple[int, int, int], int] = {}
    for signature, version, bar, count in store.counts(span.width, span.start, since, until):
        key = (bar, row_of.get(signature, -1), version_of.get(version, -1))
        counted[key] = counted.get(key, 0) + count
    # From the bottom up: rows as they are listed, and what has none on top.
    ordered = sorted(counted.items(), key=lambda c: (c[0][0], c[0][1] % (len(shown) + 1), c[0][2]))
    return [Piece(*key, count) for key, count in ordered]


# --- the plots
# ---------------------------------------------------------------------------------------


def _plot(span: Bars, pieces: Sequence[Piece], kind: str, label: str) -> Html:
    """Stacked bars over time, as wide as there is room."""
    totals: dict[int, int] = {}
    for piece in pieces:
        totals[piece.bar] = totals.get(piece.bar, 0) + piece.count
    top = max(totals.values(), default=1)
    level: dict[int, int] = {}
    rectangles = []
    for piece in pieces:
        below = level.get(piece.bar, 0)
        level[piece.bar] = below + piece.count
        rectangles.append(
            el(
                "rect",
                x=_short(piece.bar + 0.06),
                width="0.88",
                y=_short(HEIGHT - HEIGHT * level[piece.bar] / top),
                height=_short(HEIGHT * piece.count / top),
                class_=f"c{piece.row}" if 0 <= piece.row < COLOURS else "other",
                data_b=piece.bar,
                data_r=piece.row,
                data_v=piece.version,
                data_n=piece.count,
            )
        )
    # What is pointed at: the whole height of a bar, with its time and number.
    hovers = [
        el(
            "rect",
            el("title", f"{span.time(bar)}: {total}"),
            x=bar,
            y=0,
            width=1,
            height=HEIGHT,
            class_="hover",
            data_b=bar,
            data_time=span.time(bar),
        )
        for bar, total in sorted(totals.items())
    ]
    picture = el(
        "svg",
        *rectangles,
        *hovers,
        viewBox=f"0 0 {span.count} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )
    return el(
        "div",
        el("span", str(top), class_="most"),
        picture,
        el(
            "div",
            el("span", span.time(0)),
            el("span", span.time(span.count // 2)) if span.count > 4 else None,
            el("span", span.time(span.count - 1)) if span.count > 1 else None,
            class_="times",
        ),
        class_=f"plot {kind}",
    )


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


# --- the rest
# ----------------------------------------------------------------------------------------


def _top(crashes: int, signatures: int, span: tuple[int, int] | None) -> Html:
    facts = [f"{crashes} crashes", f"{signatures} signatures"]
    if span is not None:
        facts.append(_from_to(*span))
    return el(
        "header",
        el("h1", "Crashes"),
        el("p", *(el("span", fact) for fact in facts), class_="headline"),
        class_="top",
    )


def _filters(shown: Sequence[SignatureTrend], versions: Sequence[str]) -> Html:
    options = [el("option", "every version", value="")]
    options += [
        el("option", version or "unknown version", value=number)
        for number, version in enumerate(versions)
    ]
    sorts = {
        "count": "most crashes first",
        "last": "latest first",
        "appeared": "newest first",
        "recent": "most in the last days first",
    }
    ticks = [
        el("label", el("input", type="checkbox", id=f"only-{name}"), f" {text}")
        for name, text, is_there in (
            ("new", "new", any(row.is_new for row in shown)),
            ("rising", "rising", any(row.trend.rises for row in shown)),
            ("unknown", "no known issue", any(row.summary.issues for row in shown)),
        )
        if is_there
    ]
    return el(
        "div",
        el(
            "input",
            type="search",
            id="search",
            placeholder="title, function, type, issue, signature …",
            aria_label="filter the signatures",
        ),
        el("select", *options, id="version", aria_label="version of Python")
        if len(versions) > 1
        else None,
        el(
            "select",
            *(el("option", text, value=name) for name, text in sorts.items()),
            id="sort",
            aria_label="order",
        ),
        *ticks,
        el("output", id="count"),
        class_="search filters",
    )


def _row(
    number: int,
    row: SignatureTrend,
    span: Bars,
    pieces: Sequence[Piece],
    versions: Sequence[str],
    looked_at: Window,
) -> Html:
    summary, trend = row.summary, row.trend
    badges = [el("span", visible(summary.confidence), class_=f"badge {_word(summary.confidence)}")]
    badges += [el("span", "new", class_="badge bad")] if row.is_new else []
    badges += [el("span", "rises", class_="badge bad")] if trend.rises else []
    badges += [_issue(issue) for issue in summary.issues[:3]]
    by_version = {versions.index(version): count for version, count in summary.versions.items()}
    recent = f"{trend.recent} in the last {_days(looked_at.until - looked_at.since)}"
    if looked_at.before is not None:
        recent += f", {trend.before} in the {_days(looked_at.since - looked_at.before)} before"
    facts = [
        _from_to(summary.first, summary.last),
        recent,
        "CPython "
        + ", ".join(f"{visible(name or '?')} ({n})" for name, n in summary.versions.items()),
    ]
    colour = f"c{number}" if number < COLOURS else "other"
    return el(
        "article",
        el(
            "div",
            el(
                "button",
                class_=f"swatch {colour}",
                type="button",
                aria_pressed="false",
                aria_label="show only this in the plot",
                title="show only this in the plot",
            ),
            el(
                "h2",
                el("span", str(summary.count), class_="number"),
                f" {summary.rule} {summary.title}",
            ),
            class_="what",
        ),
        el("div", *badges, class_="badges"),
        _plot(span, pieces, "one", f"crashes of {summary.signature} over time"),
        el("p", *(el("span", fact) for fact in facts), class_="headline"),
        el(
            "p",
            el("code", summary.signature, class_="address"),
            f" {' < '.join(visible(frame) for frame in summary.frames[:6])}",
            class_="soft",
        ),
        _advice(summary.issues),
        class_="card signature",
        data_row=number,
        data_count=summary.count,
        data_last=summary.last,
        data_appeared=summary.appeared,
        data_recent=trend.recent,
        data_new=row.is_new,
        data_rising=trend.rises,
        data_known=bool(summary.issues),
        data_versions=" ".join(f"{v}:{n}" for v, n in sorted(by_version.items())),
    )


def _issue(issue: Mapping[str, Any]) -> Html:
    identifier, url = str(issue.get("id")), str(issue.get("url") or "")
    name = el("span", identifier, class_="badge good")
    if not url.startswith("https://github.com/"):
        return name
    return el("a", name, href=url, rel="noreferrer")


def _advice(issues: Sequence[Mapping[str, Any]]) -> Html | None:
    said = [
        el("p", f"{issue.get('id')}: {issue['advice']}") for issue in issues if issue.get("advice")
    ]
    if not said:
        return None
    return el("details", el("summary", "what to do"), el("div", *said, class_="inside"))


def _rest(found: Sequence[SignatureTrend]) -> Html | None:
    rest = found[MOST_ROWS:]
    if not rest:
        return None
    crashes = sum(row.summary.count for row in rest)
    return el(
        "p", f"and {len(rest)} more signatures with {crashes} crashes in all", class_="card soft"
    )


def _failures(store: Store) -> Html | None:
    failures = store.failures(50)
    if not failures:
        return None
    said = [el("li", el("code", crash.core), f": {crash.error}") for crash in failures]
    return el(
        "details",
        el("summary", "cores that could not be diagnosed, the newest"),
        el("ul", *said, class_="inside"),
        class_="card",
    )


def _word(text: str) -> str:
    return text if text in ("proven", "likely", "possible") else "possible"


def _from_to(first: int, last: int) -> str:
    """
    >>> _from_to(0, 86400), _from_to(0, 60)
    ('1970-01-01 to 1970-01-02', '1970-01-01')
    """
    begin, end = _day(first), _day(last)
    return begin if begin == end else f"{begin} to {end}"


def _day(moment: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(moment))


def _days(seconds: int) -> str:
    days = round(seconds / DAY)
    if not days:
        return f"{max(round(seconds / 3600), 1)} h"
    return f"{days} day{'' if days == 1 else 's'}"
