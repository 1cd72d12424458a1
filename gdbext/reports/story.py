"""What there is to say, in words that every format shares: plain strings, one line each, harmless
for terminals.

The formats only lay them out (and escape them once more for Markdown, HTML or XML).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gdbext.model import (
    Address,
    AgreedLine,
    Blame,
    Claim,
    Confidence,
    Consensus,
    Container,
    Crash,
    Evidence,
    Finding,
    Freeing,
    NativeFrameInfo,
    PythonFrame,
    Race,
    RaceThread,
    Report,
    TargetInfo,
    ThreadInfo,
    hexaddr,
)
from gdbext.reports.sanitize import source_line, visible
from gdbext.wording import sentence
from gdbext.wording.grammar import in_seconds
from gdbext.wording.operations import operation_text

SMALL = 4096
"""Numbers below are shown as decimals, unless they are said to be addresses: counts and indexes."""
OBJECT_HEADER = 32
"""Bytes of a free-threaded PyObject; its mutex is in there."""
CONTAINER_HEADER = 64
"""Where the fields of a container's own struct end, at the latest."""
LAYOUT_SOURCES = {
    "dwarf": "DWARF",
    "debug-offsets": "_Py_DebugOffsets and tables",
    "table": "shipped tables",
}
UNION_TYPES = ("types.UnionType", "typing.Union")


def headline(report: Report) -> list[str]:
    """``CPython 3.13.5 free-threaded (debug)``, ``core of python3.13``, ``SIGSEGV reading 0x19``,
    ``2 threads``.
    """
    parts = [interpreter(report.target), target(report.target)]
    parts += crash(report.crash)
    if report.target.over_time is not None:
        parts.append(f"stopped: it had not ended after {in_seconds(report.target.over_time)}")
    if report.threads:
        count = len(report.threads)
        parts.append(f"{count} thread{'s' if count > 1 else ''}")
    return parts


def interpreter(info: TargetInfo) -> str:
    """``CPython 3.13.5 free-threaded (debug)``"""
    words = ["CPython", visible(info.python_version or "of unknown version", 40)]
    if info.free_threaded:
        words.append("free-threaded")
    notes = [
        note for note, holds in (("debug", info.debug_build), ("GIL on", info.gil_enabled)) if holds
    ]
    return " ".join([*words, f"({', '.join(notes)})"] if notes else words)


def target(info: TargetInfo) -> str:
    """``core of python3.13``, ``process 1234 of python3.13``"""
    kind = (
        "core" if info.kind == "core" else "process" if info.pid is None else f"process {info.pid}"
    )
    return f"{kind} of {short_path(info.executable)}" if info.executable else kind


def crash(crash: Crash | None) -> list[str]:
    """``SIGSEGV reading 0x19``, ``SIGABRT: assertion failed: …``; nothing where nothing crashed."""
    if crash is None:
        return []
    parts = []
    if crash.signal:
        access = visible(crash.access or "at", 40)
        at = f" {access} {hexaddr(crash.address)}" if crash.address is not None else ""
        parts.append(visible(crash.signal, 40) + at)
    if crash.assertion:
        parts.append(f"assertion failed: {visible(crash.assertion, 200)}")
    elif crash.fatal_error:
        parts.append(f"fatal error: {visible(crash.fatal_error, 200)}")
    elif refused := sentence(crash.refused):
        parts.append(refused)
    return [": ".join(parts)] if parts else []


def not_the_cause(crash: Crash) -> str:
    """That the crashing code only suffered, how sure that is, and why."""
    reason = sentence(crash.victim_reason) or "the damage was done elsewhere, before"
    how = f" ({crash.victim_confidence})" if crash.victim_confidence else ""
    return f"the crashing code is not the cause{how}: {reason}"


def provenance(report: Report) -> list[str]:
    """What a reader must know to trust or compare this: where the layouts come from, who looked,
    the signature.
    """
    layouts, table = report.target.layout_source, _another(report, report.target.layout_table)
    source = f"the table of {table}" if table else LAYOUT_SOURCES.get(layouts or "", layouts)
    parts = [f"layouts from {source}"] if layouts else []
    if instructions := _another(report, report.target.opcode_table):
        parts.append(f"instructions of {instructions}")
    parts.append(f"{report.tool.name} {report.tool.version} in {report.tool.debugger}")
    if report.signature is not None:
        parts.append(f"signature {report.signature.id}")
    return [visible(part, 80) for part in parts]


def _another(report: Report, table: str | None) -> str | None:
    """The table's name, where it is not the one of the process's own version."""
    is_own = table is not None and table.split(" (")[0] == report.target.python_version
    return None if is_own else table


def thread_name(thread: ThreadInfo) -> str:
    """``thread 2 "reader" (LWP 18453)``"""
    number = f" {thread.number}" if thread.number is not None else ""
    name = f' "{visible(thread.name, 60)}"' if thread.name else ""
    return f"thread{number}{name} (LWP {thread.lwp})"


def short_path(path: str | None) -> str:
    """The file's name; with its folder where the name alone says nothing."""
    if not path:
        return "?"
    parts = path.rstrip("/").split("/")
    keep = 2 if parts[-1] in ("__init__.py", "__main__.py") else 1
    return visible("/".join(parts[-keep:]), 80)


def place(file: str | None, line: int | None) -> str:
    """``det_list.py:17``"""
    return short_path(file) if line is None else f"{short_path(file)}:{line}"


def native_place(frame: NativeFrameInfo) -> str:
    """``unionobject.c:257``; the library or the address where there is no source."""
    if frame.file:
        return place(frame.file, frame.line)
    return short_path(frame.module) if frame.module else hexaddr(frame.pc)


def claim_text(evidence: Evidence, verbose: bool = False, known: int | None = None) -> str:
    """The claim with its value, unless it says that itself, or that is the ``known`` address of
    what all of this is about.

    In full also where the value stands, in the form of the debugger's ``x``.  Without the sign.
    """
    claim = text = visible(sentence(evidence.claim))
    value = value_text(evidence.value) if evidence.value != known or verbose else ""
    # A LWP, say, is decimal in the claim, whatever its size.
    forms = (value, str(evidence.value)) if isinstance(evidence.value, int) else (value,)
    if value and not any(re.search(rf"(?<!\w){re.escape(v)}(?!\w)", text) for v in forms):
        text = f"{text}: {value}"
    address = hexaddr(evidence.address)
    if evidence.address is None or address in text:
        return text
    if verbose and value:
        return f"{claim}  {address}: {value}"
    return f"{text}, at {address}" if not value and evidence.address != evidence.about else text


def value_text(value: int | str | Claim | None) -> str:
    """A value as it stands in memory, or what it means."""
    if value is None:
        return ""
    if isinstance(value, (str, Claim)):
        return visible(sentence(value))
    is_count = -SMALL < value < SMALL and not isinstance(value, Address)
    return str(value) if is_count else hexaddr(value)


def sorted_evidence(finding: Finding) -> tuple[list[Evidence], list[Evidence]]:
    """(about the container, about the object).

    Evidence that does not say is the container's where it lies in its header.
    """
    of_container = [e for e in finding.evidence if _is_about(finding.container, e)]
    return of_container, [e for e in finding.evidence if e not in of_container]


def _is_about(container: Container | None, evidence: Evidence) -> bool:
    if container is None:
        return False
    if evidence.about is not None:
        return evidence.about == container.address
    address = evidence.address
    return address is not None and 0 <= address - container.address < CONTAINER_HEADER


def race_notes(report: Report, race: Race, thread: RaceThread) -> list[str]:
    """What a thread of the race does, and what it has to do with the object's lock."""
    notes = [visible(operation_text(thread.operation), 80)]
    if thread.suspect_line is not None and thread.suspect_line != thread.line:
        did = "modified it" if thread.changes else "used it"
        if race.confidence is Confidence.POSSIBLE:
            # It is not known that this thread had the object at all.
            did = "may have used it"
        notes.append(f"{did} at line {thread.suspect_line}")
    info = next((t for t in report.threads if t.lwp == thread.lwp), None)
    if info is not None:
        own = range(race.object.address, race.object.address + OBJECT_HEADER)
        if any(lock in own for lock in info.holds):
            notes.append("holds its lock")
        if info.waits_for is not None:
            notes.append(
                "waits for its lock"
                if info.waits_for in own
                else f"waits for {hexaddr(info.waits_for)}"
            )
    return notes


def call(function: str | None, arguments: Sequence[str]) -> str:
    """A frame's function with its arguments; a demangled name has parentheses of its own.

    >>> call("union_repr", ["self=0x200000aff10"]), call("tally.Tally.relabel()", [])
    ('union_repr(self=0x200000aff10)', 'tally.Tally.relabel()')
    """
    name, shown = function or "??", ", ".join(arguments)
    return name if name.endswith(")") and not shown else f"{name}({shown})"


def advice(report: Report) -> list[str]:
    """What to do: the headline's advice, and what that of the finding after it says besides, unless
    that is merely possible, or about the same object and so a consequence.
    """
    first, second = report.findings[:1], report.findings[1:2]
    about = {f.subject.address for f in first if f.subject is not None}
    others = [
        f
        for f in second
        if f.confidence is not Confidence.POSSIBLE
        and (f.subject is None or f.subject.address not in about)
    ]
    given: list[str] = []
    said: set[str] = set()
    for finding in (*first, *others):
        sentences = [s for s in SENTENCE_END.split(finding.advice) if s and s not in said]
        said.update(sentences)
        given += [" ".join(sentences)] if sentences else []
    return given


SENTENCE_END = re.compile(r"(?<=[.!?]) ")


def is_a_look(report: Report) -> bool:
    """Whether it is of a process in which nothing is known to be wrong: what its threads do is what
    there is to say.
    """
    return bool(report.findings) and not report.findings[0].names_a_cause


def running_test(report: Report) -> ThreadInfo | None:
    """The thread whose test it was: the crashed one, else one that the headline is about, else any
    that runs a test.
    """
    lwps = report.findings[0].threads if report.findings else ()
    running = (t for t in report.threads if t.test)
    return min(running, key=lambda t: (not t.crashed, t.lwp not in lwps), default=None)


def other_test(report: Report) -> tuple[str, str] | None:
    """(test, name of the thread that runs it) where the crashed thread itself has none: a thread
    that had just begun, say.
    """
    thread = running_test(report) if report.crash is not None else None
    if thread is None or thread.test is None or thread.crashed:
        return None
    return thread.test, thread.name or f"LWP {thread.lwp}"


def race_claims(report: Report, race: Race) -> list[Evidence]:
    """Why it is this race, as far as the headline does not say so already."""
    shown = report.findings[0].evidence if report.findings else ()
    return [e for e in race.evidence if e not in shown]


def race_frame(report: Report, thread: RaceThread) -> PythonFrame | None:
    """The Python frame that the race names."""
    info = next((t for t in report.threads if t.lwp == thread.lwp), None)
    if info is None or thread.frame is None:
        return None
    return next((p for p in info.python if p.frame == thread.frame), None)


def running_part(frame: PythonFrame) -> tuple[str, str, str] | None:
    """The frame's line in three: what stands before the expression that it is at, that expression
    as far as it is on this line, and the rest.  None where that is not known, or all of the line
    but a comment.

    ``("gauge.clear(); ", "gauge.hold(x)", "")``
    """
    text = next((line.text for line in frame.excerpt if line.number == frame.line), None)
    if text is None or frame.column is None or frame.end_column is None:
        return None
    raw = text.rstrip().encode(errors="replace")
    end = frame.end_column if frame.end_line == frame.line else len(raw)
    if not 0 <= frame.column < end <= len(raw):
        # It is not the file that was compiled.
        return None
    line = source_line(raw.decode(errors="replace"))
    indentation = len(line) - len(line.lstrip())
    first, last = (
        len(source_line(raw[:place].decode(errors="replace"))) for place in (frame.column, end)
    )
    parts = line[indentation:first], line[max(first, indentation) : last], line[last:]
    has_more = parts[2].strip() and not parts[2].lstrip().startswith("#")
    return parts if parts[0] or has_more else None


def consensus_summary(agreed: Consensus) -> str:
    """``18 deaths of this defect in 22 runs (4 survived), 2 other deaths``"""
    died = f"{_count(agreed.deaths, 'death')} of this defect in {_count(agreed.runs, 'run')}"
    survived = f" ({agreed.survived} survived)" if agreed.survived else ""
    others = f", {_count(agreed.others, 'other death')}" if agreed.others else ""
    return f"{died}{survived}{others}"


def in_deaths(count: int, agreed: Consensus) -> str:
    """``in 18 of 20 deaths``"""
    return f"in {count} of {_count(agreed.deaths, 'death')}"


def agreed_place(line: AgreedLine) -> str:
    """``race.py:29 in write``"""
    where = place(line.file, line.line)
    return f"{where} in {visible(line.function, 80)}" if line.function else where


def differences(agreed: Consensus) -> list[tuple[str, list[str]]]:
    """What the deaths differ in, with how many of them: (what, each)."""
    conditions = [
        f"{visible(c.text, 60)}: {_count(c.deaths, 'death')} in {_count(c.runs, 'run')}"
        for c in agreed.conditions
    ]
    rows = [
        ("died as", [f"{visible(t.text, 100)} ({t.deaths})" for t in agreed.symptoms]),
        ("signatures", [f"{visible(t.text, 20)} ({t.deaths})" for t in agreed.signatures]),
        ("run", conditions),
    ]
    return [(what, each) for what, each in rows if each]


def freeing(one: Freeing) -> str:
    """``0x…10 types.UnionType, the subject: freed by thread "writer" at race.py:29 lst.clear() <-
    list_clear <- …``
    """
    who = f'thread "{visible(one.name, 60)}"' if one.name else f"LWP {one.lwp}"
    where = f" at {place(one.file, one.line)}" if one.file else ""
    source = f" {visible(one.source.strip())}" if one.source else ""
    calls = "".join(f" <- {visible(name, 60)}" for name in reversed(one.native))
    since = f"; {visible(one.reused_as, 60)} lives there now" if one.reused_as else ""
    return (
        f"{hexaddr(one.address)} {visible(one.type, 60)}, {visible(one.how, 60)}: "
        f"{'emptied' if one.is_emptied else 'freed'} by {who}{where}{source}{calls}{since}"
    )


def blame_summary(blame: Blame) -> str:
    """How the freeings were seen."""
    if not blame.runs:
        return visible(blame.note)
    at = ", ".join(visible(name, 60) for name in blame.breakpoints)
    return (
        f"{_count(blame.events, 'call')} recorded at {at} in {_count(blame.runs, 'run')}, "
        f"{blame.deaths} of which died; {visible(blame.note)}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def next_commands(report: Report) -> list[str]:
    """What to type next in the debugger, most telling first."""
    commands: list[str] = []
    locks = {address for t in report.threads for address in (t.waits_for, *t.holds)}
    for finding in report.findings[:2]:
        container, subject = finding.container, finding.subject
        if container is not None:
            commands.append(_look_at(container.type, container.address))
        if subject is not None and subject.address:
            kind = subject.expected_type or subject.type or ""
            is_bare_lock = not kind and subject.address in locks
            commands.append(
                f"ft locks {hexaddr(subject.address)}"
                if is_bare_lock
                else _look_at(kind, subject.address)
            )
            if subject.liveness is not None and subject.liveness.is_dead:
                commands.append(f"ft heap {hexaddr(subject.address)}")
    if report.race is not None and report.race.object.address:
        commands.append(f"ft referrers {hexaddr(report.race.object.address)}")
    if len(report.threads) > 1:
        commands.append("ft threads")
    if any(t.holds or t.waits_for for t in report.threads) or report.race is not None:
        commands.append("ft locks")
    nothing_found = not report.findings or is_a_look(report)
    if nothing_found:
        commands.append("ft bt all")
    if report.target.layout_source is not None and (nothing_found or _wants_a_scan(report)):
        commands.append("ft scan")
    return list(dict.fromkeys(commands))[:6]


def _wants_a_scan(report: Report) -> bool:
    """Whether the damage is elsewhere, or may be: the crashed code is its victim, or it accessed
    memory that it must not and no object is known to be the cause.
    """
    crash, first = report.crash, report.findings[0]
    if crash is None:
        return False
    has_object = first.container is not None or (
        first.subject is not None and bool(first.subject.address)
    )
    return crash.victim or (
        first.kind in ("memory", "plain")
        and not has_object
        and crash.signal in ("SIGSEGV", "SIGBUS")
    )


def _look_at(kind: str, address: int) -> str:
    """The command that shows an object of this type best."""
    command = "list" if kind == "list" else "union" if kind in UNION_TYPES else "object"
    return f"ft {command} {hexaddr(address)}"
