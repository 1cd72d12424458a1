"""From a session to a report.  Each section is made on its own: one that fails becomes an entry in ``errors``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import gdbext
from gdbext.diagnosis import rules
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.conclude.races import find_races
from gdbext.diagnosis.facts.accesses import Accesses
from gdbext.diagnosis.known_issues.identify import Identified, identify
from gdbext.diagnosis.observe.accesses import accesses
from gdbext.diagnosis.observe.crash_site import crash_site
from gdbext.diagnosis.observe.issue_features import features
from gdbext.diagnosis.pictures import container_views, heap_pages
from gdbext.diagnosis.signature import signature
from gdbext.diagnosis.threads import thread_list
from gdbext.diagnosis.victim import victim_reason
from gdbext.model import Crash, Finding, Race, Report, TargetInfo, ThreadInfo, Tool
from gdbext.session import Session
from gdbext.target.protocol import DebuggerError, MemoryFault

T = TypeVar("T")
QUIET = ("FT000", "FT403")


def triage(session: Session) -> Report:
    """Diagnose the stopped target.

    Raises:
        DebuggerError: when there is no target, or no free-threaded CPython in it (nothing at all could be said then).
    """
    kind = session.debugger.kind
    _ = session.offsets
    case = Case(session)
    for problem in session.layout_choice.problems:
        case.problems.add("layout", problem)
    section = _Sections(case)
    target = section.make("target", lambda: _target(session), TargetInfo(kind))
    no_threads: Sequence[ThreadInfo] = ()
    no_findings: list[Finding] = []
    no_races: Sequence[Race] = ()
    threads = section.make("threads", lambda: thread_list(case), no_threads)
    findings = section.make("findings", lambda: rules.apply(case), no_findings)
    nothing_shared = Accesses(crashed=case.lwp)
    shared = (
        section.make("race", lambda: accesses(case, findings), nothing_shared)
        if case.fault.is_crash or findings
        else nothing_shared
    )
    races = section.make(
        "race", lambda: find_races(shared, findings, case.fault.is_crash), no_races
    )
    findings = section.make("findings", lambda: rules.with_races(case, findings, races), findings)
    reason = section.make("crash", lambda: victim_reason(case, findings, races), None)
    crash = section.make("crash", lambda: _crash(case, reason), None)
    known = section.make(
        "known_issues",
        lambda: _known_issues(case, findings, races, shared, target),
        Identified(),
    )
    mark = section.make(
        "signature",
        lambda: signature(crash_site(case), findings, races, shared, known),
        None,
    )
    unknown = section.make("operations", lambda: session.opcode_choice.problem, None)
    if unknown is not None:
        case.problems.add("operations", unknown)
    session.remember()
    return Report(
        Tool("gdbext", gdbext.__version__, session.debugger.version),
        target,
        crash,
        tuple(findings),
        races[0] if races else None,
        tuple(known.issues),
        mark,
        tuple(threads),
        tuple(case.problems.entries),
        tuple(races),
        section.make("pictures", lambda: container_views(case, findings), ()),
        section.make("pictures", lambda: heap_pages(case, findings), ()),
    )


def _known_issues(
    case: Case,
    findings: Sequence[Finding],
    races: Sequence[Race],
    shared: Accesses,
    target: TargetInfo,
) -> Identified:
    """The issues that the crash looks like; none for a process in which nothing is wrong."""
    was_killed = not case.fault.is_crash and all(f.rule.startswith("FT4") for f in findings)
    if not findings or findings[0].rule in QUIET or was_killed or not target.python_version:
        return Identified()
    return identify(target.python_version, features(case, findings, races, shared))


class _Sections:
    def __init__(self, case: Case) -> None:
        self._case = case

    def make(self, name: str, build: Callable[[], T], otherwise: T) -> T:
        try:
            return build()
        except (MemoryFault, DebuggerError) as error:
            self._case.problems.add(name, error)
        except (
            Exception
        ) as error:  # A defect of ours in one section must not cost the reader the others.
            if os.environ.get("GDBEXT_RAISE"):
                raise
            self._case.problems.add(name, f"{type(error).__name__}: {error}")
        return otherwise


def _target(session: Session) -> TargetInfo:
    debugger = session.debugger
    executable = debugger.executable
    module = next(
        (
            m
            for m in session.modules
            if executable and os.path.realpath(m.path) == os.path.realpath(executable)
        ),
        None,
    )
    interpreters = session.runtime.interpreters
    gil = interpreters[0].gil_enabled if interpreters else None
    return TargetInfo(
        debugger.kind,
        debugger.path,
        executable,
        module.build_id if module else None,
        session.offsets.python_version,
        session.offsets.free_threaded,
        session.is_debug_build,
        gil if session.offsets.free_threaded else True,
        str(session.layout_choice.source),
        debugger.pid if debugger.kind == "live" else None,
    )


def _crash(case: Case, victim: str | None) -> Crash | None:
    fault = case.fault
    if fault.signal is None:
        return None
    return Crash(
        fault.signal.name,
        fault.signal.code,
        fault.address,
        fault.signal.lwp,
        fault.assertion,
        fault.fatal_error,
        victim is not None,
        victim,
        fault.instruction,
        f"{fault.operand.text} = {fault.operand.address:#x}" if fault.operand else None,
        fault.access,
    )
