"""What the catalogue of known issues compares a crash by: frames, calls, files, and the objects
that may be at fault.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from gdbext.cpython.traits.types import canonical
from gdbext.diagnosis.conclude.author import own_code
from gdbext.diagnosis.conclude.candidates import candidate, candidate_of
from gdbext.diagnosis.conclude.code_owners import is_others
from gdbext.diagnosis.conclude.operations import of_crashed_frame, of_slot
from gdbext.diagnosis.conclude.own_objects import is_unshared, levels_of_unshared
from gdbext.diagnosis.conclude.race_parts import take_turns
from gdbext.diagnosis.facts.accesses import Accesses
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.known_issues.catalogue import catalogue
from gdbext.diagnosis.known_issues.features import Candidate, CrashFeatures, module_name
from gdbext.diagnosis.observe.callees import callees
from gdbext.diagnosis.observe.extensions import is_extension
from gdbext.diagnosis.observe.observer import Observer
from gdbext.diagnosis.registry import traits
from gdbext.model import Confidence, Finding, Operation, OperationKind, Race
from gdbext.session import Session
from gdbext.target.values import NativeFrame

MAX_FRAMES = 24
MAX_RACES = 4
FATAL_ERROR = ("fatal_error", "_Py_FatalError")
"""How the functions begin that end the process for a fatal error (Python/pylifecycle.c)."""
MAX_THREADS = 16
MAX_PYTHON_FRAMES = 4


def read_features(
    observer: Observer,
    facts: Facts,
    findings: Sequence[Finding],
    races: Sequence[Race],
    accesses: Accesses,
) -> CrashFeatures:
    """All that is known of the crash; the objects that may be at fault come best founded first."""
    subjects = {
        canonical(t)
        for f in findings
        for s in [f.subject]
        if s and not traits(f.rule).is_race
        for t in (s.type, s.expected_type)
    }
    frames = _of_the_cause(
        [f.frame for f in observer.stack.c_frames[:MAX_FRAMES] if f.frame.function]
    )
    racing = [observer.stack.lwp, *(t.lwp for r in races[:1] for t in r.threads)]
    others = [
        t.lwp
        for t in observer.session.debugger.threads()[:MAX_THREADS]
        if t.lwp != observer.stack.lwp
    ]
    is_victim = bool(findings) and traits(findings[0].rule).is_victim
    names = {f.level: _name(observer, f) for f in frames}
    at_work = _at_work(observer, facts)
    return CrashFeatures(
        rules=frozenset(f.rule for f in findings),
        candidates=tuple(_candidates(facts, findings, races, accesses, is_victim, at_work)),
        subject_types=frozenset(t for t in subjects if t),
        frames=tuple(names.values()),
        inner=frozenset(name for level, name in names.items() if level in at_work),
        other_frames=frozenset(
            _name(observer, f)
            for lwp in others
            for f in observer.session.debugger.frames(lwp, MAX_FRAMES)
            if f.function
        ),
        modules=frozenset(
            place for f in frames if f.level in at_work and (place := f.file or f.module)
        ),
        calls=frozenset(
            name
            for lwp in dict.fromkeys(racing)
            if lwp is not None
            for name in callees(observer.session, lwp)
        ),
        python_functions=frozenset(_python_functions(observer.session)),
        assertion=facts.fault.assertion,
        fatal_error=facts.fault.fatal_error,
        signal=facts.fault.signal.name if facts.fault.signal else None,
        loaded=frozenset(_loaded(observer.session)),
        is_victim=is_victim,
        is_alone=len(observer.session.runtime.threads) == 1,
        is_unshared=is_unshared(accesses)
        and not any(race.confidence is not Confidence.POSSIBLE for race in races),
        own_code=None if is_victim else own_code(observer.stack),
    )


def _name(observer: Observer, frame: NativeFrame) -> str:
    """The function's name as issues have it; with its file before it where that is another's code:
    an extension may call its functions as CPython calls its own.
    """
    name = (frame.function or "").split(".")[0]
    path = frame.module
    if not is_others(path, observer.stack.interpreter_module) or _has_issues(path or ""):
        return name
    return f"{os.path.basename(path or '')}:{name}"


def _has_issues(path: str) -> bool:
    """Whether a file is of a project whose own issues are in the catalogue."""
    projects = {issue.project for issue in catalogue()}
    return any(module_name(part) in projects for part in path.split("/"))


def _of_the_cause(frames: list[NativeFrame]) -> list[NativeFrame]:
    """The frames without those of a fatal error's own dump, in which the process may have died."""
    for index, frame in enumerate(frames):
        if (frame.function or "").startswith(FATAL_ERROR):
            return frames[index:]
    return frames


def current_holder(facts: Facts) -> int | None:
    """The object that still has the pointer to what was lost."""
    provenance = facts.cause.provenance
    return provenance.holder if provenance and provenance.current else None


def _candidates(
    facts: Facts,
    findings: Sequence[Finding],
    races: Sequence[Race],
    accesses: Accesses,
    is_victim: bool,
    at_work: Set[int],
) -> Iterator[Candidate]:
    """The race in first place, what the findings are about, what the crashed C code works on, and
    the other suspects.
    """
    holder, provenance = current_holder(facts), facts.cause.provenance
    written_over = accesses.doubts.written_over
    is_in_turn = any(_take_turns(accesses, race) for race in races[:1])
    seen = set()
    if accesses.doubts.of_all is not None:
        # What the process died of came from no object: what threads share is not a lead.
        races = [race for race in races if race.confidence is not Confidence.POSSIBLE]
    for race in races[:1]:
        seen.add(race.object.address)
        found = candidate_of(accesses, race, holder)
        found = replace(found, takes_turns=is_in_turn)
        found = _with_users(found, race.object.address, facts, at_work)
        yield replace(found, is_written_over=race.object.address == written_over)
    for finding in findings:
        rule = traits(finding.rule)
        about = finding.container or (finding.subject if rule.suspects_subject else None)
        if about and about.type and about.address not in seen and not rule.is_race:
            seen.add(about.address)
            operations = set()
            if rule.operation:
                operations.add(Operation(kind=OperationKind.CALL, name=rule.operation))
            if finding.container and provenance:
                operations.add(of_crashed_frame(facts.stack, provenance.level))
            is_certain = finding.confidence is not Confidence.POSSIBLE
            found = candidate(
                accesses, about.address, about.type, frozenset(operations), is_certain, holder
            )
            yield replace(found, is_written_over=about.address == written_over)
    if not is_victim:
        # The code at fault works on what was written over.
        is_elsewhere = any(race.confidence is not Confidence.POSSIBLE for race in races[:1])
        own = levels_of_unshared(accesses) if is_elsewhere else frozenset[int]()
        for site in _sites(facts, at_work, own):
            yield replace(
                site,
                is_written_over=written_over is not None,
                takes_turns=is_in_turn,
                still_holds=holder is not None,
            )
    for race in races[1:MAX_RACES]:
        found = candidate_of(accesses, race, holder)
        yield replace(found, is_written_over=race.object.address == written_over)


def _take_turns(accesses: Accesses, race: Race) -> bool:
    first, second = (thread.lwp for thread in race.threads[:2])
    return race.confidence is Confidence.POSSIBLE and take_turns(accesses, first, second)


def _at_work(observer: Observer, facts: Facts) -> Set[int]:
    """The levels of the native frames that do the crashed thread's current operation.

    Where an extension's own function died, of a pointer that no object of Python's is known to have
    given it, what has called that function only waits for it.
    """
    levels = [f.level for f in facts.stack.c_frames if _runs_now(facts.stack, f.level)]
    if facts.cause.provenance is None:
        extension = next(
            (
                f.level
                for f in facts.stack.c_frames
                if is_extension(observer.session, f.frame.module, facts.stack.interpreter_module)
            ),
            None,
        )
        levels = [level for level in levels if extension is None or level <= extension]
    return frozenset(levels)


def _with_users(
    found: Candidate, address: int | None, facts: Facts, at_work: Set[int]
) -> Candidate:
    """With the C functions that the crashed thread works on the object in."""
    used_in = frozenset(
        use.function.split(".")[0]
        for pointer in facts.pointers
        if pointer.address == address
        for use in pointer.uses
        if use.function and use.level in at_work
    )
    return replace(found, used_in=used_in)


def _sites(facts: Facts, at_work: Set[int], unshared: Set[int]) -> Iterator[Candidate]:
    """The types whose slots and methods the crashed thread's current operation runs, innermost
    first; ``unshared`` are the levels of those whose object no other thread can be at: a thread's
    own ``map`` over what it shares.
    """
    if len(facts.process.threads) < 2:
        return
    for frame in facts.stack.c_frames[:MAX_FRAMES]:
        if frame.level not in at_work:
            return
        if frame.owner and not frame.owner.is_shared and frame.level not in unshared:
            types = frozenset({frame.owner.type_name})
            yield Candidate(
                types=types,
                families=types,
                operations=frozenset({of_slot(frame.owner)}),
                is_certain=False,
                is_site=True,
            )


def _runs_now(stack: CrashStack, level: int) -> bool:
    """Whether a C frame serves the current Python operation; where the eval loop itself failed,
    what resumed it does so too.
    """
    outward = [f for f in stack.from_fault if not f.is_inlined]
    if outward and outward[0].level in stack.eval_levels:
        return stack.same_call(outward[0].level, level)
    return stack.same_call(0, level)


def _python_functions(session: Session) -> Iterator[str]:
    for thread in session.debugger.threads():
        frames = session.python_stack(thread.lwp).frames[:MAX_PYTHON_FRAMES]
        yield from (frame.function for frame in frames)


def _loaded(session: Session) -> Iterator[str]:
    """The names of all mapped files, and of the packages that they lie in."""
    for region in session.debugger.regions():
        for part in (region.path or "").split("/"):
            yield module_name(part)
