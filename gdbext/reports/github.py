"""Annotations for GitHub Actions: workflow commands, one a line, to be printed on the job's
standard output.

``::error file=…,line=…,title=…::message`` puts the finding beside the line of Python that it
happened in.
"""

from __future__ import annotations

from gdbext.model import Confidence, Finding, Report
from gdbext.reports import story
from gdbext.reports.options import Options
from gdbext.reports.sanitize import command_data, command_property, visible
from gdbext.reports.stack import authors_frame
from gdbext.wording import sentence

MOST = 10
"""GitHub shows at most ten annotations of each kind from one step."""


def render(report: Report, options: Options) -> str:
    """Findings as errors (warnings where they are only possible), the other threads of the race as
    notices.
    """
    report = options.prepared(report)
    lines = [_finding(report, finding, options) for finding in report.findings[:MOST]]
    if report.race is not None:
        headline = report.findings[0].threads[:1] if report.findings else ()
        for thread in report.race.threads[:MOST]:
            if thread.lwp in headline or not thread.file:
                continue
            name = visible(thread.name or f"LWP {thread.lwp}", 60)
            what = f"{visible(report.race.object.type, 80)} {report.race.object.address:#x}"
            notes = ", ".join(story.race_notes(report, report.race, thread))
            message = f"{name} uses {what} at the same time: {notes} ({report.race.confidence})"
            lines.append(
                command(
                    "notice",
                    message,
                    title="the other side of the race",
                    path=thread.file,
                    line=thread.line,
                    root=options.root,
                )
            )
    lines += [
        command(
            "warning",
            f"{visible(e.section)}: {visible(e.message)}",
            title="gdbext: part of the triage failed",
        )
        for e in report.errors[:MOST]
    ]
    return "".join(f"{line}\n" for line in lines)


def command(
    kind: str,
    message: str,
    *,
    title: str,
    path: str | None = None,
    line: int | None = None,
    root: str | None = None,
) -> str:
    """One workflow command, ``kind`` being error, warning or notice.

    >>> command("error", "50% done", title="a, b", path="x.py", line=3)
    '::error file=x.py,line=3,title=a%2C b::50%25 done'
    """
    properties = []
    if path:
        properties.append(f"file={command_property(relative(path, root))}")
        if line is not None:
            properties.append(f"line={line}")
    properties.append(f"title={command_property(title)}")
    return f"::{kind} {','.join(properties)}::{command_data(message)}"


def relative(path: str, root: str | None) -> str:
    """The path below the checkout, where it is there."""
    prefix = (root or "").rstrip("/") + "/"
    return path[len(prefix) :] if root and path.startswith(prefix) else path


def _finding(report: Report, finding: Finding, options: Options) -> str:
    kind = (
        "notice"
        if finding.is_all_well
        else "warning"
        if finding.confidence is Confidence.POSSIBLE
        else "error"
    )
    frame = location(report, finding, options.root)
    lines = [
        " · ".join(story.headline(report)),
        f"{visible(sentence(finding.title))} ({finding.confidence})",
    ]
    lines += [f"{'✗ ' if e.broken else ''}{story.claim_text(e)}" for e in finding.evidence[:6]]
    if report.consensus is not None:
        lines.append(story.consensus_summary(report.consensus))
    for issue in report.known_issues[:1]:
        fixed = f", fixed in {', '.join(issue.fixed_in)}" if issue.fixed_in else ""
        lines.append(visible(f"known: {issue.id} {issue.title}{fixed} {issue.url}"))
    if finding.advice:
        lines.append(visible(finding.advice))
    path, line = frame or (None, None)
    return command(
        kind,
        "\n".join(lines),
        title=f"{finding.rule} {sentence(finding.title)}",
        path=path,
        line=line,
        root=options.root,
    )


def location(
    report: Report, finding: Finding, root: str | None = None
) -> tuple[str, int | None] | None:
    """(file, line) of the thread at fault: an extension's own code that died, where its source is
    at hand or Python has no frame there; else the innermost Python frame, one in the checkout where
    there is one.
    """
    lwps = list(finding.threads) or [t.lwp for t in report.threads if t.crashed]
    threads = [thread for lwp in lwps for thread in report.threads if thread.lwp == lwp]
    for thread in threads:
        own = authors_frame(thread) if thread.crashed else None
        if own is not None and own.file and (own.excerpt or not thread.python):
            return own.file, own.line
    for thread in threads:
        if thread.python:
            inside = [p for p in thread.python if root and relative(p.file, root) != p.file]
            frame = (inside or list(thread.python))[0]
            return frame.file, frame.line
    return None
