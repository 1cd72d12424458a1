"""Which objects each thread works on right now, and what it does to them: read from frames,
bytecode and C variables.

``accesses_by_code`` reads frames and bytecode, ``accesses_in_c`` C variables; here both become one
access for each thread and object.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.types import traits_of
from gdbext.diagnosis.conclude.accesses import merged
from gdbext.diagnosis.conclude.allocator_functions import is_mimalloc
from gdbext.diagnosis.conclude.known_races import culprits as culprits_of
from gdbext.diagnosis.conclude.operations import of_crashed_frame
from gdbext.diagnosis.conclude.shared_items import may_be_taken
from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity, ThreadAccesses
from gdbext.diagnosis.facts.cause import Cause
from gdbext.diagnosis.facts.eval_loop import is_entry
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.observe.access_types import bases_of
from gdbext.diagnosis.observe.accesses_by_code import by_code_of, current_operation, synchronises
from gdbext.diagnosis.observe.accesses_in_c import in_c
from gdbext.diagnosis.observe.c_variables import is_in_call
from gdbext.diagnosis.observe.observer import Observer
from gdbext.diagnosis.observe.run_together import run_together
from gdbext.model import Finding
from gdbext.target.protocol import MemoryFault

MAX_THREADS = 64
MAX_FIELDS = 4096


def read_accesses(observer: Observer, findings: Sequence[Finding], cause: Cause) -> Accesses:
    """What all threads that run Python work on; more is read of the objects that the findings
    blame.
    """
    culprits, provenance = culprits_of(findings).keys(), cause.provenance
    about = {place.address for f in findings for place in (f.subject, f.container) if place}
    lwps = [
        t.lwp for t in observer.session.debugger.threads() if observer.session.runtime.by_lwp(t.lwp)
    ]
    if observer.stack.lwp in lwps[MAX_THREADS:]:
        lwps.insert(0, observer.stack.lwp)
    threads = tuple(_of_thread(observer, lwp) for lwp in lwps[:MAX_THREADS])
    addresses = {a.address for thread in threads for a in (*thread.nearest, *thread.by_code)}
    return Accesses(
        crashed=observer.stack.lwp,
        threads=threads,
        failing_type=_failing_type(observer.stack),
        user=_user(observer, cause.pointer) if cause.pointer and cause.pointer.is_gone else None,
        origin_operation=of_crashed_frame(observer.stack, provenance.level) if provenance else None,
        bases={address: tuple(bases_of(observer, address)) for address in addresses | about},
        contents=_contents(observer, threads),
        owners={culprit: _owners(observer, threads, culprit) for culprit in culprits},
        sources=_sources(observer, threads, culprits),
    )


def _user(observer: Observer, gone: Pointer) -> Access | None:
    """What the Python code asked for whose C code used a pointer to what is gone."""
    stack = observer.stack
    if stack.lwp is None:
        return None
    level = gone.outermost.level
    within = sum(is_entry(f) for f in stack.native_frames if f.level < level)
    groups = observer.session.python_stack(stack.lwp).groups
    if within >= len(groups) or not groups[within]:
        return None
    frame = groups[within][0]
    own = observer.program.own_frame(stack.lwp, frame) or frame
    operation = current_operation(observer, own, own is groups[within][0])
    if operation is None:
        return None
    return Access(
        lwp=stack.lwp,
        address=0,
        type="",
        operation=operation,
        effect=Effect.READ,
        proximity=Proximity.AT,
        file=own.file,
        line=own.line,
        operation_line=own.line,
        function=own.function,
        frame=own.address,
    )


def _of_thread(observer: Observer, lwp: int) -> ThreadAccesses:
    current = observer.program.current_frame(lwp)
    own = (observer.program.own_frame(lwp, current) or current) if current else None
    by_code = by_code_of(observer, lwp)
    nearest = _nearest(by_code, in_c(observer, lwp), is_in_call(observer, lwp))
    if (together := run_together(observer, lwp)) is not None:
        nearest = [together, *(a for a in nearest if a.address != together.address)]
    state = observer.session.runtime.by_lwp(lwp)
    return ThreadAccesses(
        lwp=lwp,
        name=observer.session.thread_name(lwp),
        file=own.file if own else None,
        line=own.line if own else None,
        function=own.function if own else None,
        frame=own.address if own else None,
        path=_path(observer, lwp),
        work=_work(observer, lwp),
        is_detached=state is not None and state.state == "detached",
        nearest=tuple(nearest),
        by_code=tuple(by_code),
    )


def _path(observer: Observer, lwp: int) -> tuple[tuple[str, str], ...]:
    frames = observer.session.python_stack(lwp).frames
    own = (f for f in frames if not observer.program.is_library(f.file))
    return tuple(dict.fromkeys((f.file, f.function) for f in own))


def _work(observer: Observer, lwp: int) -> tuple[str, str] | None:
    """The function that the thread was started with: the one that threading's own code called."""
    frames = observer.session.python_stack(lwp).frames
    started = [f for f in reversed(frames) if not synchronises(observer, f.file)]
    if not started or started[0] is frames[-1]:
        return None
    return started[0].file, started[0].function


def initialised_by_others(observer: Observer, address: int) -> bool:
    """Whether another thread's code calls the object's ``__init__``."""
    others = (t.lwp for t in observer.session.debugger.threads() if t.lwp != observer.stack.lwp)
    return any(
        a.address == address and a.effect is Effect.REINIT
        for lwp in others
        for a in by_code_of(observer, lwp)
    )


def _nearest(by_code: Iterable[Access], in_c: dict[int, Access], is_in_call: bool) -> list[Access]:
    """One access for each object that the thread works on, the nearest first."""
    by_object: dict[int, list[Access]] = {}
    for access in by_code:
        by_object.setdefault(access.address, []).append(access)
    nearest = [merged(each, in_c.get(address), is_in_call) for address, each in by_object.items()]
    nearest += [access for address, access in in_c.items() if address not in by_object]
    return sorted(nearest, key=lambda access: access.proximity)


def _failing_type(stack: CrashStack) -> str | None:
    """The type whose slot or method the crashed thread was in, innermost; None where it died in the
    allocator, of old damage.
    """
    for frame in stack.c_frames:
        if not stack.same_call(0, frame.frame.level) or is_mimalloc(frame.function):
            return None
        if frame.owner is not None:
            return frame.owner.type_name
    return None


def _contents(observer: Observer, threads: Sequence[ThreadAccesses]) -> dict[int, Set[int]]:
    """What the containers, and the instances of classes written in Python, hold that the crashed
    thread's loops use.
    """
    contents: dict[int, Set[int]] = {}
    crashed = [thread for thread in threads if thread.lwp == observer.stack.lwp]
    if not any(may_be_taken(access) for thread in crashed for access in thread.nearest):
        return contents
    for access in (access for thread in crashed for access in thread.by_code):
        if access.proximity > Proximity.LOOP or access.address in contents:
            continue
        info = observer.session.objects.type_of(access.address)
        if traits_of(access.type).container or (info is not None and info.is_python_class):
            contents[access.address] = _targets(observer, access.address)
    return contents


def _targets(observer: Observer, holder: int) -> Set[int]:
    try:
        return frozenset(r.target for r in observer.session.objects.children(holder))
    except MemoryFault:
        return frozenset()


def _owners(observer: Observer, threads: Sequence[ThreadAccesses], part: int) -> Set[int]:
    """The objects at hand that have a pointer to ``part`` among their own fields.

    What a container holds is not a part of it.
    """
    return frozenset(
        address
        for address in {a.address for thread in threads for a in thread.nearest}
        if part in _fields(observer, address)
    )


def _fields(observer: Observer, address: int) -> Sequence[int]:
    """The words of an object's own struct."""
    info = observer.session.objects.type_of(address)
    if info is None:
        return ()
    try:
        size = min(info.basicsize or 0, MAX_FIELDS) & ~7
        return memoryview(observer.session.memory.read(address, size)).cast("Q")
    except MemoryFault:
        return ()


def _sources(
    observer: Observer, threads: Sequence[ThreadAccesses], culprits: Set[int]
) -> dict[tuple[str, int], str]:
    """The text of the lines that may have changed a culprit."""
    lines = {
        (access.file, access.operation_line)
        for thread in threads
        for access in (*thread.nearest, *thread.by_code)
        if access.address in culprits and access.effect is not Effect.READ
    }
    sources = {}
    for file, line in lines:
        if file is not None and line is not None:
            text = next(
                (t.strip() for _, t in observer.session.debugger.source(file, line, 0)), None
            )
            if text is not None:
                sources[file, line] = text
    return sources
