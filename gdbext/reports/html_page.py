"""One self-contained page: the verdict, the race as a picture, evidence that unfolds, every thread
with its source.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from gdbext.model import (
    ContainerView,
    Finding,
    HeapPage,
    ItemView,
    KnownIssue,
    Race,
    RaceThread,
    Report,
    SourceLine,
    ThreadInfo,
    Verdict,
    hexaddr,
)
from gdbext.reports import page_threads, pictures, story
from gdbext.reports.html_document import document
from gdbext.reports.markup import Html, el, join, source
from gdbext.reports.options import Options
from gdbext.reports.page_parts import address, badge, claim, claims, excerpt, prose, subject
from gdbext.reports.sanitize import visible
from gdbext.reports.stack import frames_of_interest, hanging_frames
from gdbext.wording import sentence
from gdbext.wording.operations import operation_text

FINDINGS_SHOWN = 20
HERE = Path(__file__).parent


def render(report: Report, options: Options) -> str:
    """The report as one page without anything beside it."""
    report = options.prepared(report)
    style, script = (
        HERE.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
    )
    title = sentence(report.findings[0].title) if report.findings else "no verdict"
    main = el(
        "main",
        _verdict(report),
        _pictures(report),
        _race(report),
        _consensus(report),
        _findings(report),
        page_threads.section(report),
        _errors(report),
        _footer(report),
    )
    return document(
        f"{report.findings[0].rule} {title}" if report.findings else title,
        join((pictures.MARKERS, _top(report), main)),
        style,
        script,
        f"{report.tool.name} {report.tool.version}",
    )


def _top(report: Report) -> Html:
    crash = story.crash(report.crash)
    parts = [
        el("span", part, class_="crash" if part in crash else None)
        for part in story.headline(report)
    ]
    return el("header", el("p", *parts, class_="headline"), class_="top")


def _verdict(report: Report) -> Html:
    """What one must know, and what to do."""
    if not report.findings:
        return el(
            "section",
            el("h1", "no verdict"),
            el("p", "The triage did not get far enough."),
            class_="card verdict",
        )
    finding = report.findings[0]
    is_good = finding.is_all_well
    facts: list[tuple[str, Html | None]] = []
    threads = {t.lwp: t for t in report.threads}
    for lwp in finding.threads[: 1 if report.race else 4]:
        if lwp in threads:
            facts.append(
                (
                    "crashed in" if threads[lwp].crashed else "thread",
                    _where(report, finding, threads[lwp]),
                )
            )
    if (test := story.other_test(report)) is not None:
        facts.append(("test", join([el("code", test[0]), f" runs in {test[1]}"])))
    if finding.subject is not None:
        facts.append(("object", subject(finding.subject)))
    if finding.container is not None:
        container = finding.container
        index = (
            join([", item ", el("code", str(container.index))])
            if container.index is not None
            else None
        )
        facts.append(
            ("held by", join([el("code", container.type), " ", address(container.address), index]))
        )
    broken = [e for e in finding.evidence if e.broken]
    if broken:
        facts.append(
            ("broken", join(el("div", "✗ ", claim(e), class_="broken") for e in broken[:6]))
        )
    facts += [("known issue", _known(issue)) for issue in report.known_issues[:3]]
    facts += [("advice", prose(advice)) for advice in story.advice(report)]
    commands = story.next_commands(report)
    if commands:
        facts.append(("next", el("div", *(el("code", c) for c in commands), class_="commands")))
    victim = None
    if report.crash is not None and report.crash.victim:
        victim = el(
            "p",
            prose(story.not_the_cause(report.crash)),
            class_="note",
        )
    rule = el("span", finding.rule, class_="badge rule")
    is_said = sentence(finding.title).startswith(finding.name)
    family = None if is_said else el("span", finding.name, class_="soft")
    listed = (piece for name, fact in facts if fact for piece in (el("dt", name), el("dd", fact)))
    return el(
        "section",
        el("div", rule, badge(finding.confidence), family, class_="badges"),
        el("h1", sentence(finding.title)),
        victim,
        el("dl", *listed, class_="facts"),
        class_=f"card verdict{' healthy' if is_good else ''}",
    )


def _where(report: Report, finding: Finding, thread: ThreadInfo) -> Html:
    lines = [
        el(
            "div",
            story.thread_name(thread),
            *(f" · {word}" for word in (thread.doing, thread.test) if word),
        )
    ]
    if thread.python:
        frame = thread.python[0]
        line = (
            join([": ", el("code", source(frame.source.strip(), "python"))])
            if frame.source
            else None
        )
        lines.append(
            el(
                "div",
                el("code", story.place(frame.file, frame.line)),
                " in ",
                el("code", frame.function),
                line,
            )
        )
    telling = (
        frames_of_interest(finding, thread)
        if thread.crashed
        else [(native, "") for native in hanging_frames(report, finding, thread)]
    )
    for native, note in telling:
        call = story.call(native.function, native.arguments)
        where = story.place(native.file, native.line) if native.file else ""
        lines.append(
            el(
                "div",
                el("code", f"#{native.level} {call}"),
                f" {where} ",
                el("span", note, class_="soft"),
            )
        )
    # One of them: the others' source is with the thread's whole stack.
    with_source = next((native for native, _ in telling if native.excerpt), None)
    if with_source is not None:
        lines += filter(None, [excerpt(with_source.excerpt, with_source.line, "c")])
    return join(lines)


def _known(issue: KnownIssue) -> Html:
    is_link = issue.url.startswith("https://")
    name = (
        el("a", issue.id, href=issue.url, rel="noreferrer noopener")
        if is_link
        else el("b", issue.id)
    )
    words = [f"{issue.match} match"]
    words += [f"fixed in {', '.join(issue.fixed_in)}"] if issue.fixed_in else []
    words += [issue.advice] if issue.advice else []
    why = el("div", issue.why, class_="soft") if issue.why else None
    return join([name, f" {issue.title}", "".join(f" · {word}" for word in words), why])


def _pictures(report: Report) -> Html | None:
    """The race, the containers with their stale slots, the heap pages, and who waits for whom."""
    figures = []
    if report.race is not None:
        shared = f"{report.race.object.type} {hexaddr(report.race.object.address)}"
        count, confidence = len(report.race.threads), report.race.confidence
        caption = f"The race: {shared}, used by {count} threads at once ({confidence})"
        figures.append(
            _figure(caption, pictures.for_both(partial(pictures.race, report, report.race)))
        )
    waits = pictures.for_both(partial(pictures.waits, report))
    if waits:
        figures.append(_figure("Who waits for whose lock", waits))
    for view in report.containers[:3]:
        view, focus = _with_item(report, view)
        if view.slots:
            picture = pictures.for_both(partial(pictures.container, view, focus))
            figures.append(_figure("The container's slots, judged one by one", picture))
    for heap in (heap for heap in report.pages[:3] if _is_about_memory(report, heap)):
        figures.append(
            _figure(
                "The heap page, block by block", pictures.for_both(partial(pictures.page, heap))
            )
        )
    return (
        el("section", el("h2", "What happened"), *figures, class_="card pictures")
        if figures
        else None
    )


def _with_item(report: Report, view: ContainerView) -> tuple[ContainerView, int | str | None]:
    """The container with the item that a finding is about, which may have been taken out meanwhile,
    and that item's index.
    """
    for finding in report.findings:
        if (
            finding.container is None
            or finding.container.address != view.address
            or finding.subject is None
        ):
            continue
        index = finding.container.index
        if index is not None and all(slot.index != index for slot in view.slots):
            item = finding.subject
            slot = ItemView(index, item.address, item.liveness, item.type or item.expected_type)
            view = replace(view, slots=(*view.slots, slot))
        return view, index
    return view, None


def _is_about_memory(report: Report, heap: HeapPage) -> bool:
    """Whether the page tells something: a page with a block in use does not tell why threads wait,
    say.
    """
    framed = next(
        (run.state for run in heap.runs if 0 <= (heap.focus or 0) - run.first < run.count), None
    )
    return framed != Verdict.LIVE or any(finding.kind == "memory" for finding in report.findings)


def _figure(caption: str, picture: Html) -> Html:
    return el("figure", el("figcaption", caption), picture)


def _race(report: Report) -> Html | None:
    """The two sides' source beside each other, and why it is this race."""
    if report.race is None:
        return None
    sides = [_side(report, report.race, thread) for thread in report.race.threads[:6]]
    others = [s for s in report.suspects if s != report.race][:5]
    also = (
        el("p", "Else perhaps: ", ", ".join(_suspect(s) for s in others), class_="soft")
        if others
        else None
    )
    return el(
        "section",
        el("h2", "The two sides" if len(sides) == 2 else "The sides"),
        el("div", *sides, class_="sides"),
        claims(report, story.race_claims(report, report.race)),
        also,
        class_="card",
    )


def _consensus(report: Report) -> Html | None:
    """What many deaths agree on, with how many of them, and what they differ in."""
    agreed = report.consensus
    if agreed is None:
        return None
    facts: list[tuple[str, Html]] = []
    if agreed.object_type:
        count = f" {story.in_deaths(agreed.object_deaths, agreed)}"
        facts.append(("object", join([el("code", agreed.object_type), count])))
    for line in agreed.lines:
        said = f" {operation_text(line.operation)}, {story.in_deaths(line.deaths, agreed)}"
        facts.append(("line", join([el("code", story.agreed_place(line)), said])))
    facts += [(what, el("span", ", ".join(each))) for what, each in story.differences(agreed)]
    if agreed.blame is not None:
        facts += [("blame", el("b", story.freeing(one))) for one in agreed.blame.freeings]
        facts.append(("recorded", el("span", story.blame_summary(agreed.blame))))
    listed = (piece for name, fact in facts for piece in (el("dt", name), el("dd", fact)))
    return el(
        "section",
        el("h2", story.consensus_summary(agreed)),
        el("dl", *listed, class_="facts"),
        class_="card",
    )


def _side(report: Report, race: Race, thread: RaceThread) -> Html:
    """One thread of the race: where it is, what it does, its source."""
    where = [el("code", story.place(thread.file, thread.line)), " "] if thread.file else []
    where += ["in ", el("code", thread.function), " "] if thread.function else []
    frame = story.race_frame(report, thread)
    lines: tuple[SourceLine, ...] = frame.excerpt if frame is not None else ()
    if not lines and frame is not None and frame.source and frame.line is not None:
        lines = (SourceLine(frame.line, frame.source),)
    notes = ", ".join(story.race_notes(report, race, thread))
    return el(
        "div",
        el("h3", thread.name or f"LWP {thread.lwp}"),
        el("p", *where, notes),
        excerpt(lines, thread.line, "python", thread.suspect_line),
    )


def _suspect(race: Race) -> str:
    return f"{race.object.type} {hexaddr(race.object.address)} ({race.confidence})"


def _findings(report: Report) -> Html | None:
    """Each finding unfolds to its evidence."""
    if not any(f.evidence for f in report.findings):
        return None
    blocks = []
    for number, finding in enumerate(report.findings[:FINDINGS_SHOWN]):
        summary = el(
            "summary",
            el("b", f"{finding.rule} "),
            sentence(finding.title),
            " ",
            badge(finding.confidence),
        )
        about = (
            el("p", "Object: ", subject(finding.subject)) if finding.subject is not None else None
        )
        inside = el("div", about, claims(report, finding.evidence), class_="inside")
        blocks.append(el("details", summary, inside, open=number == 0))
    more = len(report.findings) - len(blocks)
    return el(
        "section",
        el("h2", "Evidence"),
        *blocks,
        el("p", f"… and {more} more findings", class_="soft") if more else None,
        class_="card",
    )


def _errors(report: Report) -> Html | None:
    if not report.errors:
        return None
    items = [el("li", el("b", e.section), f": {visible(e.message)}") for e in report.errors[:50]]
    return el(
        "section",
        el("h2", "Sections that failed"),
        el("p", "The rest of this report stands."),
        el("ul", *items),
        class_="card",
    )


def _footer(report: Report) -> Html:
    target = report.target
    facts = [
        ("file", target.path),
        ("executable", target.executable),
        ("build id", target.build_id),
    ]
    lines = [el("div", f"{name}: ", el("code", value)) for name, value in facts if value]
    return el("footer", el("p", " · ".join(story.provenance(report))), *lines)
