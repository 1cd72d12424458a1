"""A batch's groups, for people: as text, Markdown and one HTML page.

What comes from cores is made harmless first.
"""

from __future__ import annotations

import time

from gdbext.cli.groups import CrashGroup, Overview, issue_name
from gdbext.reports import sanitize
from gdbext.reports.markup import Html, el

SHOWN_CORES = 20
STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #777; --new: #b3261e; --known: #1a6b3c }
@media (prefers-color-scheme: dark) { :root { --new: #ff8a80; --known: #7bd88f; --dim: #aaa } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; padding: 0 1rem; max-width: 70rem }
h1 { font-size: 1.4rem } code { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem }
article { margin: .8rem 0 }
h2 { font-size: 1.05rem; margin: .2rem 0 }
h2 { display: flex; gap: .8rem; align-items: baseline; flex-wrap: wrap }
.title { flex: 1 1 0; min-width: 12rem; overflow-wrap: anywhere }
.count { font-variant-numeric: tabular-nums; min-width: 3ch; text-align: right }
.tag { font-size: .8rem; font-weight: 600; padding: 0 .6rem }
.tag { border: 1px solid currentcolor; border-radius: 1rem }
.new { color: var(--new) } .known { color: var(--known) }
.dim { color: var(--dim); margin: .2rem 0 }
summary { cursor: pointer } ul { padding-left: 1.2rem }
@media print { details > * { display: block } }
"""


def text(found: Overview) -> str:
    """A line or two for each group."""
    lines = [_headline(found)]
    for group in found.groups:
        marks = [f"known {issue}" for issue in _issues(group)] + (["NEW"] if group.is_new else [])
        lines.append(
            f"{group.size:>5}  {group.rule}  {sanitize.visible(group.title)}  "
            f"[{', '.join([group.confidence, *marks])}]"
        )
        lines.append(
            f"       {group.signature}  {_where(group)}  "
            f"for example {sanitize.visible(group.cores[0])}"
        )
    if found.failures:
        lines.append("not diagnosed:")
        lines += [
            f"       {sanitize.visible(core)}: {sanitize.visible(reason)}"
            for core, reason in found.failures
        ]
    return sanitize.inert("\n".join(lines)) + "\n"


def markdown(found: Overview) -> str:
    """A table of the groups, and below it the cores of each."""
    lines = [f"# {_headline(found)}", ""]
    if found.groups:
        lines += [
            "| crashes | rule | what | known issue | status | signature |",
            "| ---: | --- | --- | --- | --- | --- |",
        ]
    for group in found.groups:
        known = ", ".join(_markdown_issue(issue) for issue in group.known) or "–"
        status = "**new**" if group.is_new else "seen before" if found.has_baseline else "–"
        title = sanitize.markdown(group.title).replace("|", "¦")
        lines.append(
            f"| {group.size} | {group.rule} ({group.confidence}) | {title} | {known} | {status} "
            f"| `{_plain(group.signature)}` |"
        )
    for group in found.groups:
        lines += [
            "",
            f"<details><summary>{group.size} × {group.rule} {sanitize.html(group.title)}</summary>",
            "",
        ]
        lines += [f"- {sanitize.code(core)}" for core in group.cores[:SHOWN_CORES]]
        if group.size > SHOWN_CORES:
            lines.append(f"- and {group.size - SHOWN_CORES} more")
        lines += ["", "</details>"]
    if found.failures:
        lines += ["", "## Not diagnosed", ""]
        lines += [
            f"- {sanitize.code(core)}: {sanitize.markdown(reason)}"
            for core, reason in found.failures
        ]
    return "\n".join(lines) + "\n"


def html(found: Overview) -> str:
    """One page, nothing loaded from elsewhere."""
    failures = [el("li", el("code", core), f": {reason}") for core, reason in found.failures]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=Html(policy)),
        el("title", "gdbext: crashes"),
        el("style", Html(STYLE)),
    )
    body = el(
        "body",
        el("h1", _headline(found)),
        *map(_article, found.groups),
        el("article", el("h2", "not diagnosed"), el("ul", *failures)) if failures else None,
    )
    return f"<!doctype html>{el('html', head, body, lang='en')}\n"


def _article(group: CrashGroup) -> Html:
    tags = [el("span", issue, class_="tag known") for issue in _issues(group)]
    tags += [el("span", "new", class_="tag new")] if group.is_new else []
    cores = [el("li", el("code", core)) for core in group.cores[:SHOWN_CORES]]
    if group.size > SHOWN_CORES:
        cores.append(el("li", f"and {group.size - SHOWN_CORES} more"))
    advice = dict.fromkeys(str(issue["advice"]) for issue in group.known if issue.get("advice"))
    facts = " · ".join((group.confidence, _where(group), _when(group)))
    return el(
        "article",
        el(
            "h2",
            el("span", str(group.size), class_="count"),
            el("span", f"{group.rule} {group.title}", class_="title"),
            *tags,
        ),
        el("p", f"{facts} · ", el("code", group.signature), class_="dim"),
        *(el("p", text) for text in advice),
        el("details", el("summary", "cores"), el("ul", *cores)),
    )


def _headline(found: Overview) -> str:
    parts = [_count(found.size, "crash", "crashes"), _count(len(found.groups), "group", "groups")]
    if found.has_baseline:
        parts.append(f"{sum(group.is_new for group in found.groups)} new")
    if found.failures:
        parts.append(f"{len(found.failures)} not diagnosed")
    return ", ".join(parts)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _issues(group: CrashGroup) -> list[str]:
    return [sanitize.visible(issue_name(issue)) for issue in group.known]


def _markdown_issue(issue: dict[str, object]) -> str:
    identifier, url = issue_name(issue), str(issue.get("url") or "")
    safe = (
        url.startswith("https://github.com/") and url.isascii() and not set(url) & set("()<> |\\`")
    )
    return f"[{_plain(identifier)}]({url})" if safe else sanitize.code(identifier)


def _plain(word: str) -> str:
    return "".join(c for c in word if c.isascii() and (c.isalnum() or c in "-_."))


def _where(group: CrashGroup) -> str:
    frames = " < ".join(sanitize.visible(frame) for frame in group.frames[:3])
    return " · ".join(
        part
        for part in (frames, "CPython " + ", ".join(sanitize.visible(v) for v in group.versions))
        if part
    )


def _when(group: CrashGroup) -> str:
    first, last = (
        time.strftime("%Y-%m-%d %H:%M", time.gmtime(moment)) for moment in (group.first, group.last)
    )
    return f"{first} UTC" if first == last else f"{first} to {last} UTC"
