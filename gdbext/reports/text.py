"""The verdict on one screen: what died, what was wrong, who did it, which known issue it is, what
to type next.
"""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.model import (
    Confidence,
    Consensus,
    Evidence,
    Finding,
    NativeFrameInfo,
    Race,
    RaceThread,
    Report,
    ThreadInfo,
    hexaddr,
)
from gdbext.reports import story
from gdbext.reports.options import Options
from gdbext.reports.sanitize import source_line, visible
from gdbext.reports.stack import frames_of_interest, hanging_frames
from gdbext.reports.style import Role
from gdbext.reports.text_parts import (
    BROKEN,
    CONFIDENCE_ROLES,
    GOOD,
    MORE,
    SEPARATOR,
    TextPage,
    aligned,
    call_text,
    clipped,
    display_width,
    excerpt_of,
    join_fitting,
    place,
    source,
    stack,
    thread_heading,
    verdict_text,
    with_mark,
    wrap,
)
from gdbext.wording import sentence
from gdbext.wording.operations import operation_text

FINDINGS_SHOWN = 4
THREADS_SHOWN = 12
FRAMES_SHOWN = 16
MODULES_SHOWN = 6
"""Of a crash without a verdict."""
CLAIMS_SHOWN = {"object": 6, "container": 3, "other finding": 2, "race": 3}
LABEL = 7
CONTEXT = 1
"""Lines of C source shown before and after the one in question, where there is about one screen for
all.
"""


def render(report: Report, options: Options) -> str:
    """About one screen; all evidence and every thread's stack with ``verbose``."""
    report = options.prepared(report)
    page = TextPage(options)
    role: Role = "error" if report.crash is not None else "heading"
    parts = [
        page.style(role if part in story.crash(report.crash) else "heading", line)
        for part in story.headline(report)
        for line in wrap(part, page.width)
    ]
    for line in join_fitting(parts, page.width):
        page.line(line)
    findings = report.findings if options.verbose else report.findings[:FINDINGS_SHOWN]
    for number, finding in enumerate(findings):
        _finding(page, report, finding, in_full=number == 0 or options.verbose)
    if len(findings) < len(report.findings):
        page.line(page.style("dim", _more(len(report.findings) - len(findings), "findings")))
    if not findings:
        page.line(page.style("warning", "no verdict: the triage did not get far enough"))
        _undiagnosed(page, report)
    if story.is_a_look(report):
        _overview(page, report)
    if report.crash is not None and report.crash.victim:
        _labelled(page, "victim", visible(story.not_the_cause(report.crash)))
    if report.race is not None:
        _race(page, report, report.race)
    if report.consensus is not None:
        _consensus(page, report.consensus)
    _known(page, report)
    for number, advice in enumerate(story.advice(report)):
        _labelled(page, "advice" if number == 0 else "", visible(advice))
    commands = story.next_commands(report)
    if commands:
        for number, line in enumerate(join_fitting(commands, page.width - LABEL)):
            page.line(_label(page, "next" if number == 0 else "") + page.paint(line))
    _errors(page, report)
    if options.verbose:
        _threads(page, report)
    for line in join_fitting(story.provenance(report), page.width - LABEL):
        page.line(" " * LABEL + page.style("dim", line))
    return page.text()


def _finding(page: TextPage, report: Report, finding: Finding, in_full: bool) -> None:
    style = page.style
    is_good = finding.is_all_well
    confidence = style(CONFIDENCE_ROLES[finding.confidence], finding.confidence.value)
    limit = 400 if in_full else 160
    title = wrap(
        visible(sentence(finding.title), limit),
        page.width - len(finding.rule) - len(finding.confidence.value) - 3,
    )
    sign = f"{GOOD} " if is_good else ""
    page.ends(
        f"{sign}{style('good' if is_good else 'error', visible(finding.rule, 20))} "
        f"{style('heading', title[0])}",
        confidence,
    )
    for line in title[1:]:
        page.line(" " * (len(finding.rule) + 1) + style("heading", line))
    if not in_full:
        # The race has its own section.
        said = (*report.findings[0].evidence, *(report.race.evidence if report.race else ()))
        new = [e for e in finding.evidence if e not in said]
        _claims(page, new, "other finding", 4, finding.subject.address if finding.subject else None)
        return
    threads = {t.lwp: t for t in report.threads}
    for lwp in finding.threads[: 1 if report.race is not None else 4]:
        if lwp in threads:
            _thread(page, report, finding, threads[lwp])
    if (test := story.other_test(report)) is not None:
        page.flow(f"test {visible(test[0], 200)} runs in {visible(test[1], 40)}", 2)
    _object(page, finding)


def _undiagnosed(page: TextPage, report: Report) -> None:
    """Of a crash without a verdict: where it was, and in which files."""
    thread = next((t for t in report.threads if t.crashed), None)
    if thread is not None:
        thread_heading(page, thread)
        stack(page, thread, limit=FRAMES_SHOWN)
    files = report.modules if page.options.verbose else report.modules[:MODULES_SHOWN]
    for number, module in enumerate(files):
        text = f"{visible(module.path, 200)}  build id {module.build_id or 'none'}"
        _labelled(page, "files" if number == 0 else "", text)
    if len(files) < len(report.modules):
        page.line(" " * LABEL + page.style("dim", _more(len(report.modules) - len(files), "files")))


def _thread(page: TextPage, report: Report, finding: Finding, thread: ThreadInfo) -> None:
    """Where the thread is, in Python and in C."""
    parts = [story.thread_name(thread)]
    if thread.python:
        frame = thread.python[0]
        parts += [
            place(page.style, frame.file, frame.line, frame.function),
            source(page.style, frame),
        ]
    elif thread.doing:
        parts.append(visible(thread.doing, 100))
    if thread.test:
        parts.append(f"test {visible(thread.test, 200)}")
    for number, line in enumerate(
        join_fitting([part for part in parts if part], page.width - 4, "  ")
    ):
        page.line("  " * (number + 1) + line)
    _waits_in(page, hanging_frames(report, finding, thread))
    if thread.crashed:
        rows = []
        telling = frames_of_interest(finding, thread)
        for native, note in telling:
            where = story.native_place(native)
            rows.append(
                [
                    f"#{native.level}",
                    call_text(page, native.function or "??", native.arguments),
                    page.style("file", where),
                    note,
                ]
            )
        page.table(rows, indent=4)
        around = CONTEXT if not page.options.verbose else None
        excerpt_of(
            page, next((native for native, _ in telling if native.excerpt), None), around, indent=6
        )
    if thread.waits_for is not None:
        page.line("    " + page.paint(f"waits for {hexaddr(thread.waits_for)}"))
    if thread.holds and not report.race:
        page.line("    " + page.paint(f"holds {', '.join(map(hexaddr, thread.holds))}"))


def _waits_in(page: TextPage, frames: list[NativeFrameInfo]) -> None:
    """The C code of an extension that the thread waits in."""
    rows = [
        [
            f"#{native.level}",
            call_text(page, native.function or "??", native.arguments),
            page.style("file", story.native_place(native)),
        ]
        for native in frames
    ]
    page.table(rows, indent=4)


def _overview(page: TextPage, report: Report) -> None:
    """Of a process in which nothing is known to be wrong: what its threads do, a line each."""
    limit = None if page.options.verbose else THREADS_SHOWN
    rows: list[list[str]] = []
    sources: list[str] = []
    for thread in report.threads[:limit]:
        frame = thread.python[0] if thread.python else None
        where = (
            place(page.style, frame.file, frame.line, frame.function)
            if frame
            else visible(thread.doing or "", 60)
        )
        waits = (
            page.paint(f"waits for {hexaddr(thread.waits_for)}")
            if thread.waits_for is not None
            else ""
        )
        name = visible(thread.name or f"LWP {thread.lwp}", 40)
        rows.append([name, visible(thread.state or "", 20), where, waits])
        sources.append(source_line(frame.source).strip() if frame and frame.source else "")
    rows = [row if any(r[-1] for r in rows) else row[:-1] for row in rows]
    room = (
        page.width
        - 3
        - max((display_width(line) for line in aligned([[*row, MORE] for row in rows])), default=0)
    )
    if room >= 10:
        rows = [
            [*row, page.style.highlight(clipped(line, room), "python")]
            for row, line in zip(rows, sources)
        ]
    page.table(rows, indent=4)
    if len(rows) < len(report.threads):
        page.line("    " + page.style("dim", _more(len(report.threads) - len(rows), "threads")))


def _object(page: TextPage, finding: Finding) -> None:
    """The object and the container, each with what is known of it."""
    style = page.style
    subject, container = finding.subject, finding.container
    about_container, about_subject = story.sorted_evidence(finding)
    if subject is not None:
        parts = [f"object {style('address', hexaddr(subject.address))}"]
        if subject.expected_type:
            parts.append(f"expected {style('type', visible(subject.expected_type, 80))}")
        if subject.type and subject.type != subject.expected_type:
            word = "found" if subject.expected_type else "is"
            parts.append(f"{word} {style('type', visible(subject.type, 80))}")
        parts.append(verdict_text(style, subject.liveness))
        page.line("  " + "  ".join(part for part in parts if part))
    known = subject.address if subject is not None else None
    _claims(page, about_subject, "object", 4 if subject is not None else 2, known)
    if container is not None:
        where = "" if container.index is None else f"  item {visible(str(container.index), 80)}"
        page.line(
            f"  {style('type', visible(container.type, 80))} "
            f"{style('address', hexaddr(container.address))}{where}"
        )
        _claims(page, about_container, "container", indent=4)


def _claims(
    page: TextPage, evidence: list[Evidence], kind: str, indent: int, known: int | None = None
) -> None:
    """Claims, wrapped; short ones share a line.

    Broken invariants get the sign and a line of their own.
    """
    verbose = page.options.verbose
    shown = evidence if verbose else _chosen(evidence, CLAIMS_SHOWN[kind])
    together: list[str] = []

    def flush() -> None:
        for line in join_fitting(together, page.width - indent):
            page.flow(line, indent)
        together.clear()

    for item in shown:
        text = story.claim_text(item, verbose, known)
        if item.broken:
            flush()
            page.flow(
                text, indent, lead=" " * (indent - 2) + page.style("error", BROKEN), role="error"
            )
        elif verbose:
            page.flow(text, indent)
        else:
            together.append(text)
    flush()
    if len(shown) < len(evidence):
        page.line(" " * indent + page.style("dim", _more(len(evidence) - len(shown), "claims")))


def _chosen(evidence: list[Evidence], count: int) -> list[Evidence]:
    """The first claims, but never without the broken ones."""
    broken = [e for e in evidence if e.broken][:count]
    others = [e for e in evidence if not e.broken][: count - len(broken)]
    return [e for e in evidence if e in broken or e in others]


def _race(page: TextPage, report: Report, race: Race) -> None:
    style = page.style
    shared = race.object
    what = f"{style('type', visible(shared.type, 80))} {style('address', hexaddr(shared.address))}"
    confidence = style(CONFIDENCE_ROLES[race.confidence], race.confidence.value)
    page.ends(
        f"{_label(page, 'race')}{what} used by {len(race.threads)} threads at once", confidence
    )
    threads = race.threads[: None if page.options.verbose else 4]
    page.table(_race_rows(page, report, race, threads), indent=LABEL)
    if len(race.threads) > len(threads):
        page.line(" " * LABEL + style("dim", _more(len(race.threads) - len(threads), "threads")))
    _claims(page, story.race_claims(report, race), "race", indent=LABEL)
    others = [s for s in report.suspects if s != race]
    if others and (page.options.verbose or race.confidence is Confidence.POSSIBLE):
        names = [
            f"{visible(s.object.type, 60)} {hexaddr(s.object.address)} ({s.confidence})"
            for s in others[:3]
        ]
        page.flow(f"other candidates: {', '.join(names)}", LABEL, role="dim")


def _race_rows(
    page: TextPage, report: Report, race: Race, threads: Sequence[RaceThread]
) -> list[list[str]]:
    """Name, place, what it does and holds, line of source with a mark below what of it runs.

    Where there is no room for all, the line says what it does.
    """
    style = page.style
    rows, notes = [], []
    for thread in threads:
        where = (
            place(style, thread.file, thread.line, thread.function)
            if thread.file
            else style("dim", "no Python frame")
        )
        rows.append([visible(thread.name or f"LWP {thread.lwp}", 40), where])
        notes.append(story.race_notes(report, race, thread))
    frames = [story.race_frame(report, thread) for thread in threads]
    lines = [
        source_line(frame.source).strip() if frame and frame.source else "" for frame in frames
    ]

    def room(rows: list[list[str]]) -> int:
        return page.width - LABEL - max(display_width(line) for line in aligned([*rows, []])) - 2

    in_full = [[*row, page.paint(SEPARATOR.join(note))] for row, note in zip(rows, notes)]
    if room(in_full) < min(20, max(map(display_width, lines))):
        in_full = [
            [*row, page.paint(SEPARATOR.join(note[1:] if line else note))]
            for row, note, line in zip(rows, notes, lines)
        ]
    left = max(room(in_full), 16)
    marked = []
    for row, line, frame in zip(in_full, lines, frames):
        parts = story.running_part(frame) if frame else None
        shown, mark = with_mark(parts, left) if parts else (clipped(line, left), "")
        marked.append([*row, style.highlight(shown, "python")])
        if mark:
            marked.append([*[""] * len(row), mark])
    return marked


def _consensus(page: TextPage, agreed: Consensus) -> None:
    """What many deaths agree on, and what they differ in."""
    _labelled(page, "hunt", story.consensus_summary(agreed))
    rows = []
    if agreed.object_type:
        kind = page.style("type", visible(agreed.object_type, 80))
        rows.append([kind, "", story.in_deaths(agreed.object_deaths, agreed)])
    for line in agreed.lines:
        where = page.style("file", story.agreed_place(line))
        operation = visible(operation_text(line.operation), 60)
        rows.append([where, operation, story.in_deaths(line.deaths, agreed)])
    page.table(rows, indent=LABEL)
    for what, each in story.differences(agreed):
        page.flow(f"{what} {', '.join(each)}", LABEL, role="dim")
    if agreed.blame is not None:
        for one in agreed.blame.freeings:
            _labelled(page, "blame", story.freeing(one))
        page.flow(story.blame_summary(agreed.blame), LABEL, role="dim")


def _known(page: TextPage, report: Report) -> None:
    for number, issue in enumerate(report.known_issues[: None if page.options.verbose else 3]):
        words = [f"{issue.id}  {issue.title}".strip()]
        words.append(f"{issue.match} match")
        if issue.fixed_in:
            words.append(f"fixed in {', '.join(issue.fixed_in)}")
        words += [
            word
            for word in (
                issue.advice,
                issue.why if page.options.verbose else "",
                issue.url if page.options.verbose else "",
            )
            if word
        ]
        _labelled(
            page, "known" if number == 0 else "", SEPARATOR.join(visible(word) for word in words)
        )


def _errors(page: TextPage, report: Report) -> None:
    if not report.errors:
        return
    count = len(report.errors)
    page.line(
        _label(page, "errors")
        + page.style(
            "warning",
            f"{count} section{'s' if count > 1 else ''} failed; the rest of the report is valid",
        )
    )
    verbose = page.options.verbose
    for error in report.errors[: None if verbose else 6]:
        text = f"{visible(error.section, 40)}: {visible(error.message, 400 if verbose else 160)}"
        page.flow(text, LABEL, lead=" " * (LABEL - 2) + page.style("warning", BROKEN))
    if count > 6 and not verbose:
        page.line(" " * LABEL + page.style("dim", _more(count - 6, "parts")))


def _threads(page: TextPage, report: Report) -> None:
    for thread in report.threads:
        page.line()
        thread_heading(page, thread)
        stack(page, thread, limit=64)
    page.line()


def _more(count: int, what: str) -> str:
    """``… 3 more claims (verbose shows all)``"""
    return (
        f"{MORE} {count} more {what.removesuffix('s') if count == 1 else what} (verbose shows all)"
    )


def _labelled(page: TextPage, label: str, text: str) -> None:
    page.flow(text, LABEL, lead=_label(page, label))


def _label(page: TextPage, label: str) -> str:
    return page.style("heading", label) + " " * (LABEL - len(label))
