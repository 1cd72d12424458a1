"""``gdbext crashes list|show|new|html STORE``: what a store of crashes has."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from gdbext.cli import outputs, parsers
from gdbext.engine.outcome import USAGE, Failure
from gdbext.reports.formats import STDOUT
from gdbext.reports.sanitize import inert, visible
from gdbext.store import trends
from gdbext.store.database import Store, StoreError, Summary
from gdbext.store.trends import SignatureTrend, rows

SCHEMA = "gdbext.crashes/1"
NEW_FOUND = 1
SHOWN_CORES = 10
UNITS = {"h": 3600, "d": 86400, "w": 7 * 86400}
HELP = """\
A store is made by gdbext batch --store FILE. A crash's time is that of its
core. Times are UTC.

A signature rises if it is at least twice as frequent in the last days (--days)
as in the time before, four times as long at most, and if chance makes that in
fewer than one of a thousand cases.

exit status:
  0  done
  1  there are new crashes, and --fail-on-new was given
  2  wrong usage
  3  the store cannot be read

examples:
  gdbext crashes list crashes.db
  gdbext crashes new crashes.db --since 2026-11-01 --fail-on-new
  gdbext crashes show crashes.db f21a279f
  gdbext crashes html crashes.db -o crashes.html"""


def parser() -> argparse.ArgumentParser:
    made = parsers.new("crashes", HELP)
    commands = made.add_subparsers(dest="what", metavar="WHAT", required=True)

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        inner = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        inner.add_argument("store", metavar="FILE", help="the store")
        inner.add_argument(
            "--days",
            metavar="N",
            type=_days,
            default=trends.WINDOW // trends.DAY,
            help="the last days, in which a crash may rise (default: %(default)s)",
        )
        return inner

    listing = add("list", "the signatures, the most frequent first")
    _add_span(listing)
    _add_form(listing)
    show = add("show", "one signature: its cores, and the report that says most")
    show.add_argument("signature", metavar="SIGNATURE", help="its id, or how that begins")
    show.add_argument(
        "--cores",
        metavar="N",
        type=_days,
        default=SHOWN_CORES,
        help="list so many of its cores (default: %(default)s)",
    )
    outputs.add_options(show)
    new = add("new", "signatures that came, and those that rise")
    new.add_argument(
        "--since",
        metavar="DATE",
        type=_moment,
        help="which did not crash before: 2026-11-01, 2026-11-01T12:00, or 24h, 7d, 2w ago",
    )
    new.add_argument(
        "--baseline",
        metavar="FILE",
        help="which are not in this file: a store, JSON lines of gdbext batch, or a report",
    )
    new.add_argument(
        "--fail-on-new", action="store_true", help="exit with 1 when there are new signatures"
    )
    _add_form(new)
    html = add("html", "one page with a plot for each signature")
    _add_span(html)
    html.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default=STDOUT,
        help="where the page goes (default: stdout)",
    )
    return made


def _add_span(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--since", metavar="DATE", type=_moment, help="only crashes of that time or later"
    )
    made.add_argument("--until", metavar="DATE", type=_moment, help="only crashes before that time")


def _add_form(made: argparse.ArgumentParser) -> None:
    made.add_argument("--json", action="store_true", help="as JSON")


def _days(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _moment(text: str) -> int:
    """Seconds since the epoch of a date, UTC unless it says otherwise, or of so much time ago.

    >>> _moment("1970-01-02"), _moment("1970-01-01T01:00+01:00")
    (86400, 0)
    """
    if ago := re.fullmatch(r"(\d{1,5})([hdw])", text):
        return int(time.time()) - int(ago[1]) * UNITS[ago[2]]
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return int(moment.timestamp())
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a date; as 2026-11-01, 2026-11-01T12:00, or 24h, 7d, 2w "
            "for so long ago"
        ) from None


def run(arguments: argparse.Namespace) -> int:
    commands: dict[str, Callable[[Store, argparse.Namespace], int]] = {
        "list": _list,
        "show": _show,
        "new": _new,
        "html": _html,
    }
    try:
        with Store.open(arguments.store) as store:
            return commands[arguments.what](store, arguments)
    except StoreError as error:
        raise Failure(str(error)) from None


def _window(store: Store, arguments: argparse.Namespace, until: int | None) -> trends.Window | None:
    return trends.window(store, arguments.days * trends.DAY, until)


# --- list and new
# ------------------------------------------------------------------------------------


def _list(store: Store, arguments: argparse.Namespace) -> int:
    looked_at = _window(store, arguments, arguments.until)
    found = rows(store, looked_at, arguments.since, arguments.until)
    if arguments.json:
        _print_json(store, looked_at, found)
        return 0
    _print([_headline(found), *_lines(found, looked_at, mark_new=True)])
    if failures := store.failures(SHOWN_CORES):
        _print(["not diagnosed:"])
        _print(f"       {visible(c.core)}: {visible(c.error or '')}" for c in failures)
    return 0


def _new(store: Store, arguments: argparse.Namespace) -> int:
    if arguments.since is not None and arguments.baseline:
        raise Failure("new since a date, or not in a baseline? give one of both", USAGE)
    looked_at = _window(store, arguments, None)
    found = rows(store, looked_at)
    if arguments.baseline:
        from gdbext.cli.groups import signatures_of

        known = signatures_of(arguments.baseline)
        new = [row for row in found if row.summary.signature not in known]
        what = f"not in {visible(arguments.baseline)}"
    else:
        since = arguments.since
        if since is None:
            since = looked_at.since if looked_at else 0
        new = [row for row in found if row.summary.appeared >= since]
        what = f"since {_time(since)}"
    rising = [row for row in found if row.trend.rises and row not in new]
    if arguments.json:
        _print_json(store, looked_at, [*new, *rising], {row.summary.signature for row in new})
    else:
        _print([f"{_number(len(new), 'new signature')} {what}", *_lines(new, looked_at)])
        if rising:
            _print(["rising:", *_lines(rising, looked_at)])
    return NEW_FOUND if new and arguments.fail_on_new else 0


def _headline(found: Sequence[SignatureTrend]) -> str:
    crashes = sum(row.summary.count for row in found)
    parts = [
        f"{crashes} crash{'' if crashes == 1 else 'es'}",
        _number(len(found), "signature"),
    ]
    if found:
        first = min(row.summary.first for row in found)
        last = max(row.summary.last for row in found)
        parts.append(_span(first, last))
    rising = sum(row.trend.rises for row in found)
    return ", ".join([*parts, f"{rising} rising"] if rising else parts)


def _lines(
    found: Sequence[SignatureTrend], looked_at: trends.Window | None, mark_new: bool = False
) -> Iterator[str]:
    """Two lines for each signature."""
    from gdbext.cli.groups import issue_name

    for row in found:
        summary = row.summary
        marks = [summary.confidence, *(f"known {issue_name(issue)}" for issue in summary.issues)]
        marks += ["NEW"] if mark_new and row.is_new else []
        marks += [_rise(row.trend, looked_at)] if row.trend.rises and looked_at else []
        yield (
            f"{summary.count:>5}  {visible(summary.rule)}  {visible(summary.title)}  "
            f"[{', '.join(map(visible, marks))}]"
        )
        facts = (
            _span(summary.first, summary.last),
            f"CPython {_versions(summary)}",
            " < ".join(visible(frame) for frame in summary.frames[:3]),
        )
        yield f"       {visible(summary.signature)}  {' · '.join(filter(None, facts))}"


def _rise(trend: trends.Trend, looked_at: trends.Window) -> str:
    return f"RISES: {_trend(trend, looked_at)}"


def _trend(trend: trends.Trend, looked_at: trends.Window) -> str:
    said = f"{trend.recent} in the last {_length(looked_at.until - looked_at.since)}"
    if looked_at.before is None:
        return said
    return f"{said}, {trend.before} in the {_length(looked_at.since - looked_at.before)} before"


def _length(seconds: int) -> str:
    days = round(seconds / trends.DAY)
    return _number(days, "day") if days else _number(round(seconds / 3600), "hour")


def _versions(summary: Summary) -> str:
    shown = [(visible(version or "?"), count) for version, count in summary.versions.items()]
    if len(shown) == 1:
        return shown[0][0]
    return ", ".join(f"{version} ({count})" for version, count in shown)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _time(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))


def _span(first: int, last: int) -> str:
    if _time(first) == _time(last):
        return _time(first)
    return f"{_time(first).removesuffix(' UTC')} to {_time(last)}"


def _print(lines: Sequence[str] | Iterator[str]) -> None:
    for line in lines:
        print(inert(line))


def _print_json(
    store: Store,
    looked_at: trends.Window | None,
    found: Sequence[SignatureTrend],
    new: set[str] | None = None,
) -> None:
    content = {
        "schema": SCHEMA,
        "cores": store.size,
        "window": None
        if looked_at is None
        else {
            "since": looked_at.since,
            "until": looked_at.until,
            "before": looked_at.before,
        },
        "signatures": [
            _data(row, row.is_new if new is None else row.summary.signature in new) for row in found
        ],
    }
    print(json.dumps(content, indent=2))


def _data(row: SignatureTrend, is_new: bool) -> dict[str, Any]:
    summary = row.summary
    return {
        "id": summary.signature,
        "rule": summary.rule,
        "title": summary.title,
        "confidence": summary.confidence,
        "frames": summary.frames,
        "features": summary.features,
        "known_issues": [issue.get("id") for issue in summary.issues],
        "crashes": summary.count,
        "first": summary.first,
        "last": summary.last,
        "appeared": summary.appeared,
        "versions": summary.versions,
        "recent": row.trend.recent,
        "before": row.trend.before,
        "is_new": is_new,
        "rises": row.trend.rises,
    }


# --- show and html
# -----------------------------------------------------------------------------------


def _show(store: Store, arguments: argparse.Namespace) -> int:
    from gdbext.cli.hunt import write_report
    from gdbext.reports.json_report import NotAReport, from_data

    signature = _signature(store, arguments.signature)
    chosen = _paired(arguments)
    try:
        report = from_data(store.report(signature))
    except NotAReport as error:
        raise Failure(f"the report of {signature} cannot be read: {error}") from None
    if not arguments.outputs:
        looked_at = _window(store, arguments, None)
        row = next(row for row in rows(store, looked_at) if row.summary.signature == signature)
        _print(_lines([row], looked_at, mark_new=True))
        if looked_at is not None and not row.trend.rises:
            _print([f"       {_trend(row.trend, looked_at)}"])
        listed = store.crashes(signature, arguments.cores)
        _print(f"       {_time(crash.crashed)}  {visible(crash.core)}" for crash in listed)
        if row.summary.count > len(listed):
            _print([f"       and {row.summary.count - len(listed)} more (--cores N)"])
        print(flush=True)
    write_report(report, chosen, arguments)
    return 0


def _paired(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    try:
        return outputs.pair(arguments.outputs)
    except ValueError as error:
        raise Failure(str(error), USAGE) from None


def _signature(store: Store, start: str) -> str:
    found = store.matching(start)
    if start in found:
        return start
    if len(found) == 1:
        return found[0]
    if not found:
        raise Failure(
            f"no signature in the store begins with {start}; gdbext crashes list shows all", USAGE
        )
    some = ", ".join(found[:5])
    raise Failure(f"{len(found)} signatures begin with {start}: {some}; give more of it", USAGE)


def _html(store: Store, arguments: argparse.Namespace) -> int:
    from gdbext.store.page import render

    looked_at = _window(store, arguments, arguments.until)
    page = render(store, looked_at, arguments.since, arguments.until)
    if arguments.output == STDOUT:
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.write(page)
        return 0
    try:
        with open(arguments.output, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(page)
    except OSError as error:
        raise Failure(f"cannot write {arguments.output}: {error.strerror}", USAGE) from None
    return 0
