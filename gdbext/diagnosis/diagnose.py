"""From a session to a report: the diagnosis from end to end.

    snapshot -> pointers -> cause -> findings -> races -> issues -> signature -> report

Each section is made on its own: one that fails becomes an entry in the report's ``errors``.  Where
no layout of CPython's structs is known, what needs none is still there: the signal, the fault, the
native stacks, the files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import TypeVar

import gdbext
from gdbext.diagnosis.conclude.doubt import doubt
from gdbext.diagnosis.conclude.own_objects import object_at_work
from gdbext.diagnosis.conclude.pointers import uses
from gdbext.diagnosis.conclude.race_doubts import doubts_of
from gdbext.diagnosis.conclude.races import find_races
from gdbext.diagnosis.conclude.root import root_pointer
from gdbext.diagnosis.conclude.root_cause import (
    needs_field_holder,
    needs_holders,
    root_cause,
)
from gdbext.diagnosis.facts.accesses import Accesses
from gdbext.diagnosis.facts.cause import Cause, Surroundings
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.memory import HeapState
from gdbext.diagnosis.facts.origin import Origin
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.facts.provenance import Holders
from gdbext.diagnosis.facts.threads import Process
from gdbext.diagnosis.known_issues.identify import Identified, identify
from gdbext.diagnosis.observe.accesses import initialised_by_others, read_accesses
from gdbext.diagnosis.observe.arrays import find_old_array
from gdbext.diagnosis.observe.bad_call import called_data, read_bad_call
from gdbext.diagnosis.observe.binding_message import read_binding_message
from gdbext.diagnosis.observe.cpp_exception import read_exception
from gdbext.diagnosis.observe.crash_site import read_crash_site
from gdbext.diagnosis.observe.exported import find_exported
from gdbext.diagnosis.observe.fault import read_fault
from gdbext.diagnosis.observe.freed_memory import find_freed_memory
from gdbext.diagnosis.observe.heap_state import read_heap_state
from gdbext.diagnosis.observe.issue_features import read_features
from gdbext.diagnosis.observe.observer import Observer
from gdbext.diagnosis.observe.origin import read_origin
from gdbext.diagnosis.observe.pictures import container_views, heap_pages
from gdbext.diagnosis.observe.pointer_holders import find_holders
from gdbext.diagnosis.observe.pointers import read_candidates, read_pointers
from gdbext.diagnosis.observe.process import (
    read_hang,
    read_lock_problems,
    read_locks,
    read_named_object,
    read_process,
)
from gdbext.diagnosis.observe.program_frames import ProgramFrames
from gdbext.diagnosis.observe.provenance import find_provenance
from gdbext.diagnosis.observe.reported import given_to
from gdbext.diagnosis.observe.stack import Functions, read_stack
from gdbext.diagnosis.observe.surroundings import read_field_holder, read_surroundings
from gdbext.diagnosis.observe.target import read_modules, read_target
from gdbext.diagnosis.observe.threads import read_threads
from gdbext.diagnosis.observe.unions import find_union_initialisations
from gdbext.diagnosis.observe.unlocked import read_unlocked
from gdbext.diagnosis.rules import apply
from gdbext.diagnosis.signature import signature
from gdbext.model import (
    Claim,
    Confidence,
    ContainerView,
    Crash,
    Finding,
    HeapPage,
    LockInfo,
    ModuleInfo,
    Problems,
    Race,
    Report,
    TargetInfo,
    ThreadInfo,
    Tool,
)
from gdbext.session import Session
from gdbext.target.protocol import Debugger, DebuggerError, MemoryFault, Signal

T = TypeVar("T")
HEADER_FIELDS = ("ob_type", "ob_ref_local", "ob_ref_shared")
NO_FINDINGS: Sequence[Finding] = ()
NO_RACES: Sequence[Race] = ()
NO_VIEWS: tuple[ContainerView, ...] = ()
NO_PAGES: tuple[HeapPage, ...] = ()
NO_POINTERS: Sequence[Pointer] = ()
NO_LOCKS: tuple[LockInfo, ...] = ()
NO_MODULES: tuple[ModuleInfo, ...] = ()


def diagnose(session: Session, over_time: float | None = None) -> Report:
    """Diagnose the stopped target.

    ``over_time`` is the time in seconds that it was given to end in, where it was stopped because
    it had not.

    Raises:
        DebuggerError: when there is no target, or no free-threaded CPython in it (nothing at all
            could be said then).
    """
    kind = session.debugger.kind
    choice = session.layout_choice
    section = Sections()
    for problem in choice.problems:
        section.note("layout", problem)
    target = section.make("target", lambda: read_target(session), TargetInfo(kind))
    target = replace(target, over_time=over_time)
    functions, program = Functions(session), ProgramFrames(session)
    signal = section.make("crash", session.debugger.signal, None)
    stack = section.make(
        "stack", lambda: read_stack(session, functions, signal), CrashStack(lwp=None)
    )
    no_threads: tuple[ThreadInfo, ...] = ()
    threads = section.make(
        "threads", lambda: read_threads(session, program, stack, section.note), no_threads
    )
    fault = section.make(
        "crash", lambda: _fault(session, functions, stack, signal), Fault(signal=signal)
    )
    observer = Observer(session=session, functions=functions, program=program, stack=stack)
    facts = (
        _facts(observer, fault, section, over_time)
        if choice.is_complete
        else Facts(fault=fault, stack=stack, is_decoded=False)
    )
    findings = section.make("findings", lambda: apply.findings(facts), NO_FINDINGS)
    shared = Accesses(crashed=stack.lwp)
    if choice.is_complete and (fault.is_crash or findings):
        shared = section.make(
            "race", lambda: read_accesses(observer, findings, facts.cause), shared
        )
        shared = replace(shared, doubts=doubts_of(facts, _held_by(threads, stack.lwp)))
    # Threads that the GIL lets run by turns do not race.
    may_race = facts.process.gil is None
    races = NO_RACES
    if may_race:
        races = section.make("race", lambda: find_races(shared, findings, fault.is_crash), races)
    own = object_at_work(shared)
    findings = section.make(
        "findings", lambda: apply.with_races(facts, findings, races, own), findings
    )
    reason = section.make("crash", lambda: apply.victim_reason(facts, findings, races), None)
    version = target.python_version
    known = Identified()
    if version and choice.is_complete and apply.may_be_known(facts, findings):
        known = section.make(
            "known_issues",
            lambda: identify(version, read_features(observer, facts, findings, races, shared)),
            known,
        )
    mark = section.make(
        "signature",
        lambda: signature(read_crash_site(session, facts), findings, races, shared, known),
        None,
    )
    if choice.is_complete:
        target = section.make("operations", lambda: with_opcodes(session, target, section), target)
    session.remember()
    containers = section.make("pictures", lambda: container_views(session, findings), NO_VIEWS)
    pages = section.make("pictures", lambda: heap_pages(session, findings), NO_PAGES)
    return Report(
        tool=_tool(session.debugger),
        target=target,
        crash=_crash(fault, reason),
        findings=tuple(findings),
        race=races[0] if races else None,
        known_issues=tuple(known.issues),
        signature=mark,
        threads=threads,
        errors=tuple(section.problems.entries),
        suspects=tuple(races),
        containers=containers,
        pages=pages,
        modules=section.make("modules", lambda: read_modules(session), NO_MODULES),
        locks=section.make("locks", lambda: read_locks(session), NO_LOCKS),
    )


def _tool(debugger: Debugger) -> Tool:
    return Tool("gdbext", gdbext.__version__, debugger.version, debugger.examine)


def _held_by(threads: Sequence[ThreadInfo], lwp: int | None) -> Set[int]:
    """The addresses of the locks that a thread has."""
    return {lock for thread in threads if thread.lwp == lwp for lock in thread.holds}


def threads_of(session: Session) -> tuple[ThreadInfo, ...]:
    """All threads of the target, the crashed one first."""
    stack = read_stack(session, Functions(session), session.debugger.signal())
    return read_threads(session, ProgramFrames(session), stack)


class Sections:
    """Makes the report's sections one by one, and notes what could not be made."""

    def __init__(self) -> None:
        self.problems = Problems()
        self.note = self.problems.add

    def make(self, name: str, build: Callable[[], T], otherwise: T) -> T:
        """What ``build`` gives; where it fails, a note and ``otherwise``."""
        try:
            return build()
        except (MemoryFault, DebuggerError) as error:
            self.note(name, error)
        except Exception as error:
            # A defect of ours in one section must not cost the reader the others.
            if os.environ.get("GDBEXT_RAISE"):
                raise
            self.note(name, f"{type(error).__name__}: {error}")
        return otherwise


def with_opcodes(session: Session, target: TargetInfo, section: Sections) -> TargetInfo:
    """With the table of instructions that was used; notes where there is none."""
    choice = session.opcode_choice
    # While the interpreter is finalized, code is gone: what no thread runs has no operations.
    if choice.problem is not None and any(
        session.python_stack(thread.lwp).frames for thread in session.debugger.threads()
    ):
        section.note("operations", choice.problem)
    return replace(target, opcode_table=choice.table.name if choice.table else None)


def _fault(
    session: Session, functions: Functions, stack: CrashStack, signal: Signal | None
) -> Fault:
    layout = session.layout.find("PyObject")
    header_fields = {
        layout.offset(name): name for name in HEADER_FIELDS if layout and name in layout
    }

    def given(level: int) -> Mapping[str, int]:
        frames, lwp = stack.native_frames, stack.lwp or 0
        return given_to(session.debugger, functions.addresses, frames, lwp, level)

    fault = read_fault(
        session.debugger,
        session.memory,
        signal,
        stack.native_frames,
        stack.lwp,
        header_fields,
        given,
    )
    said = read_binding_message(session.memory, stack)
    fault = replace(fault, binding_message=said)
    if fault.signal is not None and fault.signal.name == "SIGABRT":
        return replace(fault, exception=read_exception(session, functions, stack))
    if fault.jumped_to is None and fault.is_fault and not fault.stack_overflow:
        called = called_data(session.debugger, stack)
        if called is not None:
            # What such data does as instructions says nothing.
            fault = replace(fault, jumped_to=called, instruction=None, operand=None, refusal=None)
    if fault.jumped_to is None:
        return fault
    return replace(fault, bad_call=read_bad_call(session.debugger, stack, fault.jumped_to))


def _facts(observer: Observer, fault: Fault, section: Sections, over_time: float | None) -> Facts:
    """What the rules look at: each part observed on its own."""
    session, stack = observer.session, observer.stack
    origin = section.make(
        "crash", lambda: read_origin(session, observer.functions, stack, fault), Origin()
    )
    fault = replace(fault, origin=origin)
    pointers = section.make(
        "pointers", lambda: _pointers(session, observer.functions, stack, fault), NO_POINTERS
    )
    cause = section.make("cause", lambda: _cause(observer, pointers), Cause())
    about = fault.fatal_object
    return Facts(
        fault=fault,
        stack=stack,
        process=section.make("process", lambda: read_process(session), Process()),
        pointers=tuple(pointers),
        cause=cause,
        fatal_object=section.make("crash", lambda: read_named_object(session, about), None)
        if about
        else None,
        unlocked=section.make("crash", lambda: read_unlocked(session, stack), None)
        if fault.fatal_error
        else None,
        heap=section.make(
            "heap",
            lambda: read_heap_state(session, observer.functions, fault, stack, cause, section.note),
            HeapState(),
        ),
        old_array=section.make(
            "containers", lambda: find_old_array(session, stack, pointers), None
        ),
        freed_memory=section.make(
            "containers", lambda: find_freed_memory(session, stack, fault), None
        )
        if cause.pointer is None
        else None,
        exported=section.make("containers", lambda: find_exported(session, stack, fault), None),
        unions=section.make("unions", lambda: tuple(find_union_initialisations(session)), ()),
        lock_problems=section.make("locks", lambda: read_lock_problems(session), ()),
        hang=None if fault.is_crash else section.make("locks", lambda: read_hang(session), None),
        over_time=over_time,
    )


def _pointers(
    session: Session, functions: Functions, stack: CrashStack, fault: Fault
) -> list[Pointer]:
    """The pointers in use, each judged, and doubted where the code may have had it all the same."""
    objects, heap = session.objects, session.heap
    candidates = read_candidates(session.debugger, objects, heap, functions.addresses, stack, fault)
    found = uses(stack, fault, candidates)
    judged = read_pointers(found, candidates, fault, objects, heap)
    return [doubt(pointer, fault, stack) for pointer in judged]


def _cause(observer: Observer, pointers: Sequence[Pointer]) -> Cause:
    """The root pointer, where it came from, and what kind of wrong it is."""
    session, stack = observer.session, observer.stack
    root = root_pointer(pointers, stack)
    if root is None:
        return Cause()
    provenance = find_provenance(session, observer.program, stack, pointers, root)
    holders = Holders()
    if needs_holders(root, provenance):
        holders = find_holders(session, stack, root)
    if provenance is None or not provenance.is_shown:
        provenance = holders.container or provenance
    holder = None
    if provenance is not None and needs_field_holder(root, provenance):
        again = initialised_by_others(observer, provenance.holder)
        holder = read_field_holder(session, provenance, again)
    surroundings: Surroundings = read_surroundings(session, observer.stack, root)
    return root_cause(root, stack, provenance, surroundings, holders, holder)


def _crash(fault: Fault, victim: tuple[Claim, Confidence] | None) -> Crash | None:
    if fault.signal is None:
        return None
    operand = fault.operand
    return Crash(
        signal=fault.signal.name,
        code=fault.signal.code,
        address=fault.address,
        thread=fault.signal.lwp,
        assertion=fault.assertion,
        fatal_error=fault.fatal_error,
        victim=victim is not None,
        victim_reason=victim[0] if victim else None,
        victim_confidence=victim[1] if victim else None,
        instruction=fault.instruction,
        operand=f"{operand.text} = {operand.address:#x}" if operand else None,
        access=fault.access,
        refused=fault.refusal.claim if fault.refusal else None,
    )
