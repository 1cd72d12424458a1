"""The C functions within a thread's innermost Python operation, and their variables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdbext.cpython.traits.functions import function_traits
from gdbext.diagnosis.facts.eval_loop import eval_levels, is_entry
from gdbext.diagnosis.observe.c_types import is_object_pointer
from gdbext.diagnosis.observe.observer import Observer
from gdbext.target.protocol import NativeFrame, Variable

MAX_C_FRAMES = 24


def object_variables(observer: Observer, lwp: int) -> Iterator[tuple[NativeFrame, Variable]]:
    """The variables that point to Python objects, innermost function first."""
    for frame in _inner_frames(observer, lwp):
        for variable in observer.session.debugger.variables(lwp, frame.level):
            if is_object_pointer(variable.type, observer.session.layout):
                yield frame, variable


def is_in_call(observer: Observer, lwp: int) -> bool:
    """Whether C functions run that the thread's innermost Python frame has called."""
    return any(not frame.is_inlined for frame in _inner_frames(observer, lwp))


def _inner_frames(observer: Observer, lwp: int) -> list[NativeFrame]:
    """The C frames of the innermost Python operation.

    An eval loop whose Python frame is lost, as a race in a generator may leave it, is passed
    through.
    """
    inner = []
    passed = _lost_loops(observer, lwp) + resumed_loops(observer, lwp)
    frames = observer.session.debugger.frames(lwp, MAX_C_FRAMES)
    loops = eval_levels(frames, observer.stack.is_tail_calling)
    for frame in frames:
        if frame.level in loops:
            if passed == 0:
                break
            passed -= is_entry(frame)
            continue
        inner.append(frame)
    return outside_collector(inner)


def outside_collector(frames: Sequence[NativeFrame]) -> list[NativeFrame]:
    """The frames, innermost first, but those of a garbage collection.

    It visits every object: what it has at hand is not what the thread works on.
    """
    levels = [f.level for f in frames if function_traits(f.function).collects]
    return [frame for frame in frames if frame.level > max(levels, default=-1)]


def resumed_loops(observer: Observer, lwp: int) -> int:
    """1 where the thread is in a generator's bytecode, and in no C code that this has called: what
    resumed the generator is at work as well.
    """
    groups = observer.session.python_stack(lwp).groups
    if len(groups) < 2 or not groups[0] or not groups[0][0].generator_owned:
        return 0
    frames = observer.session.debugger.frames(lwp, MAX_C_FRAMES)
    outermost = next((frame for frame in frames if not frame.is_inlined), None)
    is_loop = outermost is not None and outermost.level in eval_levels(
        frames, observer.stack.is_tail_calling
    )
    return int(is_loop)


def _lost_loops(observer: Observer, lwp: int) -> int:
    """How many of the thread's innermost eval loops have no Python frame."""
    groups = len(observer.session.python_stack(lwp).groups)
    if groups and lwp != observer.stack.lwp:
        # Only the crashed thread's stack is known to its end.
        return 0
    loops = sum(map(is_entry, observer.stack.native_frames)) if lwp == observer.stack.lwp else 1
    return max(0, loops - groups)
