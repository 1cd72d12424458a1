"""Which known CPython issue this is: the case's features, as the catalogue wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdbext.model import Confidence, Finding, KnownIssue, Race, TargetInfo
from gdbext.triage.case import Case
from gdbext.triage.expectations import canonical
from gdbext.triage.known_issues import match
from gdbext.triage.signs import CrashFeatures

QUIET = ("FT000", "FT403")
MAX_FRAMES = 24
MAX_BASES = 8


def known_issues(case: Case, findings: Sequence[Finding], races: Sequence[Race], target: TargetInfo) -> Sequence[KnownIssue]:
    """The best matches; empty for a process in which nothing is wrong."""
    if not findings or findings[0].rule in QUIET or not target.python_version:
        return ()
    return match(target.python_version, features(case, findings, races))


def features(case: Case, findings: Sequence[Finding], races: Sequence[Race]) -> CrashFeatures:
    """What the catalogue compares: of the findings, of the race in first place, and of the crashed thread's C frames."""
    race = races[0] if races else None
    subjects = {canonical(t) for f in findings for s in [f.subject] if s for t in (s.type, s.expected_type)}
    objects = {canonical(f.container.type) for f in findings if f.container} | ({canonical(race.object.type)} if race else set())
    frames = tuple(f.frame.function.split(".")[0] for f in case.c_frames[:MAX_FRAMES] if f.frame.function)
    others = {
        frame.function
        for thread in (race.threads if race else ())
        if thread.lwp != case.lwp
        for frame in case.session.debugger.frames(thread.lwp, MAX_FRAMES)
        if frame.function
    }
    operations = {t.operation for t in race.threads} if race else set()
    if case.root is not None and case.origin is not None:
        operations.add(case.operation_at(case.origin.level))
    return CrashFeatures(
        rules=frozenset(f.rule for f in findings),
        frames=frames,
        other_frames=frozenset(others),
        object_types=frozenset(t for t in objects if t),
        subject_types=frozenset(t for t in subjects if t),
        families=frozenset(_families(case, race)),
        operations=frozenset(operations),
        modules=frozenset(_modules(case)),
        python_functions=frozenset(_python_functions(case)),
        assertion=case.fault.assertion,
        fatal_error=case.fault.fatal_error,
        signal=case.fault.signal.name if case.fault.signal else None,
        container_changed=None if case.origin is None else not case.origin.current,
        is_certain=race is None or race.confidence is not Confidence.POSSIBLE,
    )


def _families(case: Case, race: Race | None) -> Iterator[str]:
    """Names of the race's object's base types."""
    info = case.session.objects.type_of(race.object.address) if race else None
    for _ in range(MAX_BASES):
        if info is None:
            return
        yield info.name
        info = case.session.objects.type_info(info.base) if info.base else None


def _modules(case: Case) -> Iterator[str]:
    """Source files, or else shared objects, of the C code that the current Python operation runs."""
    for frame in case.c_frames[:MAX_FRAMES]:
        if not case.same_call(0, frame.frame.level):
            return
        place = frame.frame.file or frame.frame.module
        if place:
            yield place


def _python_functions(case: Case) -> Iterator[str]:
    for thread in case.native_threads:
        yield from (frame.function for frame in case.python_stack(thread.lwp).frames[:4])
