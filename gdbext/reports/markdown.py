"""A CI job's summary: the verdict, the race, the issue; evidence and threads fold out.

Strings of the target stand in code spans and code blocks only, where no Markdown dialect interprets
them.
"""

from __future__ import annotations

from gdbext.model import Consensus, Finding, Race, Report, SourceLine, ThreadInfo, hexaddr
from gdbext.reports import story
from gdbext.reports.options import Options
from gdbext.reports.sanitize import cell, code, fenced, inert, markdown, source_line
from gdbext.reports.stack import frames_of_interest, same_stacks
from gdbext.reports.text_parts import TextPage, stack
from gdbext.wording import sentence
from gdbext.wording.operations import operation_text

LIMIT = 900_000
"""GitHub takes at most 1 MiB in a job's summary."""
THREADS_SHOWN = 40
FRAMES_SHOWN = 64
FINDINGS_SHOWN = 10


def render(report: Report, options: Options) -> str:
    """The report for a job's summary or a comment."""
    report = options.prepared(report)
    parts = [_title(report)]
    parts += [
        _finding(report, finding, is_first=i == 0)
        for i, finding in enumerate(report.findings[:FINDINGS_SHOWN])
    ]
    if len(report.findings) > FINDINGS_SHOWN:
        parts.append(f"… {len(report.findings) - FINDINGS_SHOWN} more findings")
    if report.crash is not None and report.crash.victim:
        parts.append(f"**Victim:** {markdown(story.not_the_cause(report.crash))}")
    if report.race is not None:
        parts.append(_race(report, report.race))
    if report.consensus is not None:
        parts.append(_consensus(report.consensus))
    parts += [
        _known(report),
        _advice(report),
        _errors(report),
        _next(report),
        _threads(report, options),
    ]
    parts.append(f"<sub>{' · '.join(map(markdown, story.provenance(report)))}</sub>")
    text = "\n\n".join(part for part in parts if part) + "\n"
    return inert(text)


def _title(report: Report) -> str:
    is_good = bool(report.findings) and report.findings[0].is_all_well
    title = sentence(report.findings[0].title) if report.findings else "no verdict"
    headline = " · ".join(map(markdown, story.headline(report)))
    return f"## {'✅' if is_good else '💥'} {markdown(title)}\n\n{headline}"


def _finding(report: Report, finding: Finding, is_first: bool) -> str:
    title = "" if is_first else f" {markdown(sentence(finding.title))}"
    lines = [f"**{markdown(finding.rule)}**{title} — *{finding.confidence}*", ""]
    threads = {t.lwp: t for t in report.threads}
    for lwp in finding.threads[: (1 if report.race else 4) if is_first else 0]:
        if lwp in threads:
            lines += _thread_lines(finding, threads[lwp])
    if is_first and (test := story.other_test(report)) is not None:
        lines.append(f"- test {code(test[0])} runs in {markdown(test[1])}")
    if finding.subject is not None:
        subject = finding.subject
        words = [f"object {code(hexaddr(subject.address))}"]
        words += [f"expected {code(subject.expected_type)}"] if subject.expected_type else []
        words += (
            [f"found {code(subject.type)}"]
            if subject.type and subject.type != subject.expected_type
            else []
        )
        words += (
            [f"{'✗ ' if subject.liveness.is_dead else ''}**{subject.liveness}**"]
            if subject.liveness
            else []
        )
        lines.append(f"- {', '.join(words)}")
    if finding.container is not None:
        container = finding.container
        index = "" if container.index is None else f", item {code(str(container.index))}"
        lines.append(f"- in {code(container.type)} {code(hexaddr(container.address))}{index}")
    if finding.evidence:
        rows = ["| claim | address | value |", "| --- | --- | --- |"]
        for e in finding.evidence[:100]:
            address = cell(hexaddr(e.address)) if e.address is not None else ""
            value = cell(story.value_text(e.value)) if e.value is not None else ""
            rows.append(
                f"| {'✗ ' if e.broken else ''}{markdown(sentence(e.claim))} | {address} | {value} |"
            )
        lines += ["", _folded(f"Evidence ({len(finding.evidence)})", "\n".join(rows))]
    return "\n".join(lines)


def _thread_lines(finding: Finding, thread: ThreadInfo) -> list[str]:
    lines = []
    if thread.python:
        frame = thread.python[0]
        source = f": {code(source_line(frame.source).strip())}" if frame.source else ""
        lines.append(
            f"- {markdown(story.thread_name(thread))} at {_place(frame.file, frame.line)} "
            f"in {code(frame.function)}{source}"
        )
    else:
        lines.append(f"- {markdown(story.thread_name(thread))} {markdown(thread.doing or '')}")
    if thread.test:
        lines.append(f"  - test {code(thread.test)}")
    if thread.crashed:
        for native, note in frames_of_interest(finding, thread):
            call = story.call(native.function, native.arguments)
            where = f" {_place(native.file, native.line)}" if native.file else ""
            lines.append(f"  - {code(f'#{native.level} {call}')}{where} {note}".rstrip())
    return lines


def _race(report: Report, race: Race) -> str:
    lines = [
        f"### Race on {cell(race.object.type)} {cell(hexaddr(race.object.address))} "
        f"— *{race.confidence}*",
        "",
    ]
    lines += ["| thread | where | does | line |", "| --- | --- | --- | --- |"]
    for thread in race.threads[:10]:
        frame = story.race_frame(report, thread)
        source = (
            cell(source_line(frame.source).strip()) if frame is not None and frame.source else ""
        )
        where = (
            _place(thread.file, thread.line)
            + (f" in {cell(thread.function)}" if thread.function else "")
            if thread.file
            else ""
        )
        notes = markdown(", ".join(story.race_notes(report, race, thread)))
        lines.append(
            f"| {cell(thread.name or f'LWP {thread.lwp}')} | {where} | {notes} | {source} |"
        )
    lines += [
        "",
        *(f"- {markdown(story.claim_text(e))}" for e in story.race_claims(report, race)[:10]),
    ]
    for thread in race.threads[:4]:
        frame = story.race_frame(report, thread)
        if frame is not None and frame.excerpt:
            text = _excerpt(frame.excerpt, frame.line)
            lines += [
                "",
                f"{code(thread.name or f'LWP {thread.lwp}')} {_place(frame.file, frame.line)}",
                "",
                fenced(text, "python"),
            ]
    return "\n".join(lines)


def _consensus(agreed: Consensus) -> str:
    """What many deaths agree on."""
    lines = [f"### {markdown(story.consensus_summary(agreed))}", ""]
    lines += ["| shared | does | how many |", "| --- | --- | --- |"]
    if agreed.object_type:
        count = story.in_deaths(agreed.object_deaths, agreed)
        lines.append(f"| {cell(agreed.object_type)} | | {count} |")
    for line in agreed.lines:
        count = story.in_deaths(line.deaths, agreed)
        operation = markdown(operation_text(line.operation))
        lines.append(f"| {cell(story.agreed_place(line))} | {operation} | {count} |")
    lines.append("")
    lines += [f"- {what}: {markdown(', '.join(each))}" for what, each in story.differences(agreed)]
    if agreed.blame is not None:
        lines += [f"- **{markdown(story.freeing(one))}**" for one in agreed.blame.freeings]
        lines.append(f"- {markdown(story.blame_summary(agreed.blame))}")
    return "\n".join(lines)


def _excerpt(lines: tuple[SourceLine, ...], current: int | None) -> str:
    """Source with the line in question marked by a comment, so that the block stays valid code."""
    shown = []
    for line in lines:
        text = source_line(line.text)
        shown.append(f"{text}  # ◀ line {line.number}" if line.number == current else text)
    return "\n".join(shown).strip("\n")


def _known(report: Report) -> str:
    lines = []
    for issue in report.known_issues[:5]:
        link = (
            f"[{markdown(issue.id)}]({issue.url})"
            if issue.url.startswith("https://") and not set(issue.url) & set(" ()<>\\\"'")
            else markdown(issue.id)
        )
        words = [f"{link} {markdown(issue.title)}".strip()]
        words += [f"*{issue.match} match*"]
        words += [f"fixed in {', '.join(map(markdown, issue.fixed_in))}"] if issue.fixed_in else []
        words += [markdown(issue.advice)] if issue.advice else []
        lines.append(f"**Known issue:** {' · '.join(words)}")
    return "\n\n".join(lines)


def _advice(report: Report) -> str:
    return "\n\n".join(f"**Advice:** {markdown(each)}" for each in story.advice(report))


def _errors(report: Report) -> str:
    if not report.errors:
        return ""
    lines = [f"- {markdown(e.section)}: {markdown(e.message)}" for e in report.errors[:20]]
    return "\n".join(["⚠️ **Parts of the triage failed; the rest stands:**", "", *lines])


def _next(report: Report) -> str:
    commands = story.next_commands(report)
    return f"**Next, in the debugger:** {' · '.join(map(code, commands))}" if commands else ""


def _threads(report: Report, options: Options) -> str:
    """Stacks as plain text; equal ones together."""
    blocks = []
    room = LIMIT // 2
    groups = sorted(same_stacks(report.threads), key=lambda g: not g[0].crashed)
    for group in groups[:THREADS_SHOWN]:
        page = TextPage(Options(width=options.width))
        page.line(
            ", ".join(story.thread_name(t) for t in group[:5])
            + (f" and {len(group) - 5} more" if len(group) > 5 else "")
        )
        stack(page, group[0], limit=FRAMES_SHOWN)
        text = page.text().rstrip("\n")
        room -= len(text)
        if room < 0:
            break
        blocks.append(text)
    if not blocks:
        return ""
    left = f"\n\n… {len(groups) - len(blocks)} more stacks" if len(groups) > len(blocks) else ""
    return _folded(f"Threads ({len(report.threads)})", fenced("\n\n".join(blocks) + left))


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def _place(file: str | None, line: int | None) -> str:
    return cell(story.place(file, line))
