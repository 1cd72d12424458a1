"""Who reported a fatal error, and who called abort(): from the frames' functions alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gdbext.cpython.traits.functions import function_traits
from gdbext.diagnosis.conclude.code_owners import is_system
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.target.values import NativeFrame

MAX_REPORTERS = 24
ABORT = re.compile(r"_*(GI_)?abort")
ABORT_MACHINERY = (
    "abort",
    "raise",
    "GI_raise",
    "GI_abort",
    "pthread_kill",
    "kill",
    "tgkill",
    "libc_message",
)


def reporter_module(frames: Sequence[NativeFrame]) -> str | None:
    """The module whose code reported a fatal error.

    That is the module of the caller of the outermost of the reporting functions.
    """
    inner = frames[:MAX_REPORTERS]
    reporters = [n for n, frame in enumerate(inner) if reports_fatal_error(frame)]
    return (
        frames[reporters[-1] + 1].module if reporters and reporters[-1] + 1 < len(frames) else None
    )


def reports_fatal_error(frame: NativeFrame) -> bool:
    """Whether a frame is one of the functions that every fatal error comes through."""
    return function_traits(frame.function).reports_fatal_error


def aborted_by_libc(frames: Sequence[NativeFrame]) -> bool:
    """Whether abort() was called by glibc itself.

    Its last message stays where it is, whoever aborts later.  True where no frame is known to be
    abort().
    """
    outward = [frame for frame in frames[:MAX_REPORTERS] if not frame.is_inlined]
    place = next(
        (n for n, frame in enumerate(outward[:-1]) if ABORT.fullmatch(frame.function or "")), None
    )
    return place is None or outward[place].module == outward[place + 1].module


def is_abort_machinery(stack: CrashStack, frame: NativeFrame) -> bool:
    """Whether a function only carries out or reports an abort: the C library's, or one of those
    names that is linked into the interpreter.  What other files call their functions says nothing.
    """
    name = (frame.function or "").lstrip("_")
    if is_system(frame.module) and not stack.is_interpreters(frame.module):
        return name.startswith(ABORT_MACHINERY)
    return stack.is_interpreters(frame.module) and name in ABORT_MACHINERY


def asserting_levels(stack: CrashStack) -> Sequence[int]:
    """The levels of the function whose assertion failed: of what is inlined into it, too."""
    levels: list[int] = []
    for frame in stack.native_frames:
        is_systems = is_system(frame.module) and not stack.is_interpreters(frame.module)
        if not levels and (is_systems or reports_fatal_error(frame)):
            continue
        levels.append(frame.level)
        if not frame.is_inlined:
            break
    return levels


def caller_of_system(stack: CrashStack) -> NativeFrame | None:
    """The innermost function that is not of a library of the system; it may have no name."""
    frames = stack.native_frames
    return next(
        (f for f in frames if stack.is_interpreters(f.module) or not is_system(f.module)), None
    )
