"""Frames by the numbers that the debugger's own commands take: ``frame 6`` has to select what a
text at the debugger's prompt calls #6.

Elsewhere a report counts the frames that all debuggers have, so that it is the same in each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from gdbext.model import Argument, Claim, Evidence, Finding, Report, ThreadInfo
from gdbext.target.protocol import Debugger

Number = Callable[[int], int]
"""The debugger's own number of a level."""


def numbered(report: Report, debugger: Debugger) -> Report:
    """The report with the debugger's own numbers."""
    crashed = next((thread.lwp for thread in report.threads if thread.crashed), None)
    findings = report.findings
    if crashed is not None:
        number = partial(debugger.frame_number, crashed)
        findings = tuple(_finding(finding, number) for finding in findings)
    threads = tuple(numbered_thread(thread, debugger) for thread in report.threads)
    return replace(report, findings=findings, threads=threads)


def numbered_thread(thread: ThreadInfo, debugger: Debugger) -> ThreadInfo:
    """A thread with the debugger's own numbers."""
    number = partial(debugger.frame_number, thread.lwp)
    native = tuple(replace(frame, level=number(frame.level)) for frame in thread.native)
    return replace(thread, native=native)


def _finding(finding: Finding, number: Number) -> Finding:
    title = finding.title
    return replace(
        finding,
        title=_claim(title, number) if isinstance(title, Claim) else title,
        evidence=tuple(_evidence(each, number) for each in finding.evidence),
    )


def _evidence(evidence: Evidence, number: Number) -> Evidence:
    claim = evidence.claim
    return replace(evidence, claim=_claim(claim, number)) if isinstance(claim, Claim) else evidence


def _claim(claim: Claim, number: Number) -> Claim:
    arguments = {name: _argument(name, value, number) for name, value in claim.arguments}
    return Claim(claim.kind, **arguments)


def _argument(name: str, value: Argument, number: Number) -> Argument:
    """A claim counts frames by ``level``, of the thread that crashed."""
    if isinstance(value, Claim):
        return _claim(value, number)
    if isinstance(value, tuple):
        return tuple(_argument(name, part, number) for part in value)
    return number(value) if name == "level" and isinstance(value, int) else value
