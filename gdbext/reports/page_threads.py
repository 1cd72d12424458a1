"""The page's threads: native and Python frames merged, with their source; equal stacks together; a
search box.
"""

from __future__ import annotations

from gdbext.model import NativeFrameInfo, PythonFrame, Report, ThreadInfo, hexaddr
from gdbext.reports import story
from gdbext.reports.markup import Html, el, join, source
from gdbext.reports.page_parts import excerpt
from gdbext.reports.stack import StackEntry, merged, same_stacks

FRAMES_SHOWN = 100
FRAMES_OF_ALL = 4000
"""Frames on the whole page, so that it stays one that a phone can open."""


def section(report: Report) -> Html | None:
    """All threads, equal stacks together, with a search box."""
    if not report.threads:
        return None
    racing = {t.lwp for t in report.race.threads} if report.race else set()
    involved = racing | set(report.findings[0].threads if report.findings else ())
    groups = sorted(
        same_stacks(report.threads), key=lambda g: (not g[0].crashed, g[0].lwp not in involved)
    )
    left = FRAMES_OF_ALL
    blocks = []
    for group in groups:
        frames = min(left, FRAMES_SHOWN)
        if frames <= 0:
            break
        is_open = group[0].crashed or (len(group) == 1 and group[0].lwp in involved)
        blocks.append(_thread(group, frames, is_open))
        left -= min(len(group[0].native) + len(group[0].python), frames) + 1
    count = len(report.threads)
    more = (
        el("p", f"… and {len(groups) - len(blocks)} more stacks", class_="soft")
        if len(groups) > len(blocks)
        else None
    )
    return el(
        "section", el("h2", f"Threads ({count})"), _search_box(count), *blocks, more, class_="card"
    )


def _thread(group: list[ThreadInfo], limit: int, is_open: bool) -> Html:
    thread = group[0]
    notes = [el("span", "✗ crashed", class_="badge bad")] if thread.crashed else []
    notes += [
        el("span", word, class_="soft")
        for word in (thread.state, thread.doing, thread.test)
        if word
    ]
    notes += (
        [el("span", f"holds {', '.join(map(hexaddr, thread.holds[:4]))}", class_="soft")]
        if thread.holds
        else []
    )
    notes += (
        [el("span", f"waits for {hexaddr(thread.waits_for)}", class_="soft")]
        if thread.waits_for is not None
        else []
    )
    name = story.thread_name(thread) if len(group) == 1 else f"{len(group)} threads with one stack"
    names = (
        el("p", join((story.thread_name(t) for t in group), ", "), class_="soft")
        if len(group) > 1
        else None
    )
    entries = merged(thread)
    frames = [_frame(e, is_fault=thread.crashed and i == 0) for i, e in enumerate(entries[:limit])]
    if len(entries) > limit:
        frames.append(el("p", f"… and {len(entries) - limit} more frames", class_="soft"))
    if not frames:
        frames.append(el("p", "no frames", class_="soft"))
    inside = el("div", names, *frames, class_="inside")
    return el(
        "details",
        el("summary", el("span", name, class_="name"), *notes),
        inside,
        class_="thread",
        open=is_open,
        data_count=len(group),
    )


def _search_box(count: int) -> Html:
    """Shown only where the script runs."""
    label = "Search threads and frames"
    box = el(
        "input",
        type="search",
        id="search",
        placeholder=f"{label}  ( / )",
        aria_label=label,
        autocomplete="off",
        data_count=count,
    )
    return el(
        "div",
        box,
        el("output", id="count"),
        el("button", "Unfold all", type="button", id="unfold"),
        class_="search",
    )


def _frame(entry: StackEntry, is_fault: bool) -> Html:
    looks = (
        ["frame"]
        + ["fault"] * is_fault
        + ["machinery"] * entry.is_machinery
        + ["py"] * (entry.python is not None)
    )
    if entry.python is not None:
        return _python_frame(entry.python, " ".join(looks), is_fault)
    assert entry.native is not None
    return _native_frame(entry.native, " ".join(looks), is_fault)


def _python_frame(frame: PythonFrame, looks: str, is_fault: bool) -> Html:
    if frame.excerpt:
        line: Html | None = excerpt(frame.excerpt, frame.line, "python")
    else:
        line = (
            el("span", source(frame.source.strip(), "python"), class_="line")
            if frame.source
            else None
        )
    return _frame_row(
        "✗ py" if is_fault else "py",
        el("span", frame.function, class_="function"),
        story.place(frame.file, frame.line),
        frame.file,
        line,
        looks,
    )


def _native_frame(frame: NativeFrameInfo, looks: str, is_fault: bool) -> Html:
    where = story.native_place(frame)
    call = join(
        [
            el("span", frame.function or "??", class_="function"),
            f"({', '.join(frame.arguments)})" if frame.arguments else None,
        ]
    )
    line = excerpt(frame.excerpt, frame.line, "c") if frame.excerpt else None
    return _frame_row(
        f"{'✗ ' if is_fault else ''}#{frame.level}",
        call,
        where,
        frame.file or frame.module,
        line,
        looks,
    )


def _frame_row(
    level: str, call: Html, where: str, path: str | None, line: Html | None, looks: str
) -> Html:
    return el(
        "div",
        el("span", level, class_="level"),
        el("span", call),
        el("span", where, class_="where", title=path),
        line,
        class_=looks,
    )
