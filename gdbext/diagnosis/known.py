"""Which known CPython issue this is: the case's features, as the catalogue wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdbext.cpython.traits.types import canonical
from gdbext.diagnosis.callees import callees
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.fault import frame_of_signal
from gdbext.diagnosis.known_issues import Identified, identify
from gdbext.diagnosis.signs import CrashFeatures, Scene, module_name
from gdbext.diagnosis.touches import Near, in_python
from gdbext.model import Confidence, Finding, Race, TargetInfo

QUIET = ("FT000", "FT403")
VICTIM = "FT105"
MAX_FRAMES = 24
MAX_BASES = 8
MAX_SUSPECTS = 4
MAX_THREADS = 16
# What the findings' own rules say was done to their subject.
DONE = {"FT204": "__init__"}


def known_issues(
    case: Case, findings: Sequence[Finding], races: Sequence[Race], target: TargetInfo
) -> Identified:
    """The best matches; none for a process in which nothing is wrong."""
    was_killed = not case.fault.is_crash and all(f.rule.startswith("FT4") for f in findings)
    if not findings or findings[0].rule in QUIET or was_killed or not target.python_version:
        return Identified()
    return identify(target.python_version, features(case, findings, races))


def features(case: Case, findings: Sequence[Finding], races: Sequence[Race]) -> CrashFeatures:
    """What the catalogue compares: the objects that may be at fault, the crashed thread's C frames, what was found damaged."""
    subjects = {
        canonical(t) for f in findings for s in [f.subject] if s for t in (s.type, s.expected_type)
    }
    is_victim = any(f.rule == VICTIM for f in findings)
    frames = [f.frame for f in case.c_frames[:MAX_FRAMES] if f.frame.function]
    lwps = list(
        dict.fromkeys(
            lwp
            for lwp in [case.lwp, *(t.lwp for r in races[:1] for t in r.threads)]
            if lwp is not None
        )
    )
    threads = [t.lwp for t in case.native_threads[:MAX_THREADS] if t.lwp != case.lwp]
    others = {
        f.function
        for lwp in threads
        for f in case.session.debugger.frames(lwp, MAX_FRAMES)
        if f.function
    }
    return CrashFeatures(
        rules=frozenset(f.rule for f in findings),
        scenes=tuple(_scenes(case, findings, races, is_victim)),
        subject_types=frozenset(t for t in subjects if t),
        frames=tuple((f.function or "").split(".")[0] for f in frames),
        inner=frozenset(
            (f.function or "").split(".")[0] for f in frames if _runs_now(case, f.level)
        ),
        other_frames=frozenset(others),
        modules=frozenset(
            place for f in frames if _runs_now(case, f.level) and (place := f.file or f.module)
        ),
        calls=frozenset(name for lwp in lwps for name in callees(case, lwp)),
        python_functions=frozenset(_python_functions(case)),
        assertion=case.fault.assertion,
        fatal_error=case.fault.fatal_error,
        signal=case.fault.signal.name if case.fault.signal else None,
        loaded=frozenset(_loaded(case)),
        is_victim=is_victim,
        is_alone=len(case.session.runtime.threads) == 1,
    )


def _scenes(
    case: Case, findings: Sequence[Finding], races: Sequence[Race], is_victim: bool
) -> Iterator[Scene]:
    """The race in first place, what the findings are about, what the crashed C code works on, and the other suspects."""
    told = set()
    for race in races[:1]:
        told.add(race.object.address)
        yield scene_of(case, race)
    for finding in findings:
        about = finding.container or (
            finding.subject if finding.rule in ("FT202", "FT203", "FT204", "FT206") else None
        )
        if about and about.type and about.address not in told and finding.rule != "FT301":
            told.add(about.address)
            operations = {DONE[finding.rule]} if finding.rule in DONE else set()
            if finding.container and case.origin:
                operations.add(case.operation_at(case.origin.level))
            yield _scene(
                case,
                about.address,
                about.type,
                operations,
                finding.confidence is not Confidence.POSSIBLE,
            )
    if not is_victim:
        yield from _sites(case)
    for race in races[1:MAX_SUSPECTS]:
        yield scene_of(case, race)


def scene_of(case: Case, race: Race) -> Scene:
    """The race, with all that other threads do to its object."""
    operations = {t.operation for t in race.threads}
    return _scene(
        case,
        race.object.address,
        race.object.type,
        operations,
        race.confidence is not Confidence.POSSIBLE,
    )


def _scene(case: Case, address: int, kind: str, operations: set[str], is_certain: bool) -> Scene:
    around = {
        touch.operation
        for thread in case.native_threads[:MAX_THREADS]
        for touch in in_python(case, thread.lwp)
        if touch.address == address and touch.near <= Near.LOOP
    }
    # Reading a method is a part of calling it.
    around -= {f"getattr {name}" for name in around}
    return Scene(
        frozenset({canonical(kind) or kind}),
        frozenset(_families(case, address)),
        frozenset(operations),
        frozenset(around),
        is_certain,
        still_holds=case.origin is not None
        and case.origin.current
        and case.origin.holder == address,
    )


def _sites(case: Case) -> Iterator[Scene]:
    """The types whose slots and methods the crashed thread's current operation runs, innermost first."""
    if len(case.session.runtime.threads) < 2:
        return
    for frame in case.c_frames[:MAX_FRAMES]:
        if not _runs_now(case, frame.frame.level):
            return
        if frame.owner is not None and not frame.owner.is_shared:
            kinds = frozenset({frame.owner.type_name})
            yield Scene(
                kinds, kinds, frozenset({frame.owner.operation}), is_certain=False, is_site=True
            )


def _runs_now(case: Case, level: int) -> bool:
    """Whether a C frame serves the current Python operation; where the eval loop itself failed, what resumed it does so too."""
    outward = [
        f for f in case.native_frames[frame_of_signal(case.native_frames) :] if not f.is_inlined
    ]
    if outward and outward[0].level in case.eval_levels:
        return case.same_call(outward[0].level, level)
    return case.same_call(0, level)


def _families(case: Case, address: int) -> Iterator[str]:
    """Names of an object's type and of its base types."""
    info = case.session.objects.type_of(address)
    for _ in range(MAX_BASES):
        if info is None:
            return
        yield info.name
        info = case.session.objects.type_info(info.base) if info.base else None


def _python_functions(case: Case) -> Iterator[str]:
    for thread in case.native_threads:
        yield from (frame.function for frame in case.python_stack(thread.lwp).frames[:4])


def _loaded(case: Case) -> Iterator[str]:
    """The names of all mapped files, and of the packages that they lie in."""
    for region in case.session.debugger.regions():
        for part in (region.path or "").split("/"):
            yield module_name(part)
