"""The report's threads: native and Python stacks side by side, the crashed thread first."""

from __future__ import annotations

import os
from collections.abc import Sequence, Set

from gdbext.cpython.interpreter.frames import Frame, PythonStack
from gdbext.diagnosis.case import EVAL_LOOP, Case
from gdbext.diagnosis.code_owners import is_others
from gdbext.model import NativeFrameInfo, PythonFrame, SourceLine, ThreadInfo
from gdbext.target.protocol import NativeFrame

MAX_NATIVE = 64
MAX_PYTHON = 64
MAX_SOURCE_THREADS = 16
MAX_SOURCES = 4
CONTEXT_LINES = 2
MAX_C_EXCERPTS = 6


def thread_list(case: Case) -> tuple[ThreadInfo, ...]:
    """All threads, the crashed one first, then in the debugger's order."""
    threads = sorted(case.native_threads, key=lambda t: (t.lwp != case.lwp, t.number))
    return tuple(
        _thread(case, t.lwp, t.number, t.name, position) for position, t in enumerate(threads)
    )


def _thread(
    case: Case, lwp: int, number: int, native_name: str | None, position: int
) -> ThreadInfo:
    session = case.session
    state = session.runtime.by_lwp(lwp)
    stack = case.python_stack(lwp)
    if stack.problem:
        case.problems.add("threads", f"thread {number}: {stack.problem}")
    native = session.debugger.frames(lwp, MAX_NATIVE)
    locks = session.locks.of_thread(state) if state else None
    frames = stack.frames[:MAX_PYTHON]
    sourced = _with_source(case, frames) if position < MAX_SOURCE_THREADS else frozenset()
    return ThreadInfo(
        lwp,
        session.thread_name(lwp) or native_name,
        lwp == case.lwp,
        state.state if state else None,
        tuple(native_frames(case, lwp, native, stack, position == 0)),
        tuple(python_frame(case, frame, i in sourced) for i, frame in enumerate(frames)),
        locks.holds if locks else (),
        locks.waits_for if locks else None,
        state.address if state else None,
        number,
        test=session.tests.get(state.thread_id) if state else None,
    )


def _with_source(case: Case, frames: Sequence[Frame]) -> Set[int]:
    """Which frames are shown with their source: the innermost, and the innermost of the program's own."""
    own = [i for i, frame in enumerate(frames) if not case.is_library(frame.file)]
    return {*range(MAX_SOURCES), *own[:MAX_SOURCES]}


def native_frames(
    case: Case, lwp: int, frames: Sequence[NativeFrame], stack: PythonStack, with_arguments: bool
) -> list[NativeFrameInfo]:
    """The native frames, each eval loop tied to the first Python frame that it runs.

    The innermost eval loop runs the innermost group of Python frames, and so on outwards.
    """
    starts = []
    count = 0
    for group in stack.groups:
        starts.append(count)
        count += len(group)
    found = []
    loops = iter(starts)
    c_frames = case.c_frames if lwp == case.lwp else []
    variables = {c.frame.level: c.variables for c in c_frames} if with_arguments else {}
    names = {c.frame.level: c.function for c in c_frames if c.owner is not None}
    # The C code that the innermost Python line called.
    called = {
        c.frame.level
        for c in c_frames
        if case.same_call(c_frames[0].frame.level, c.frame.level) and c.frame.file
    }
    # To an extension's author its own line counts, however far the fault is from it.
    own = next(
        (
            c.frame.level
            for c in c_frames
            if c.frame.level in called and is_others(c.frame.module, case.interpreter_module)
        ),
        None,
    )
    with_source = {*sorted(called)[:MAX_C_EXCERPTS], own}
    for frame in frames:
        python = (
            next(loops, None)
            if (frame.function or "").startswith(EVAL_LOOP) and not frame.is_inlined
            else None
        )
        shown = tuple(
            f"{v.name}={v.value:#x}" if v.value is not None else f"{v.name}=<{v.missing}>"
            for v in variables.get(frame.level, ())
            if v.is_argument
        )[:6]
        module = os.path.basename(frame.module) if frame.module else None
        name = frame.function or names.get(frame.level)
        lines = excerpt(case, frame.file, frame.line) if frame.level in with_source else ()
        found.append(
            NativeFrameInfo(
                frame.level, name, frame.file, frame.line, frame.pc, module, shown, python, lines
            )
        )
    return found


def excerpt(case: Case, file: str | None, line: int | None) -> tuple[SourceLine, ...]:
    """The lines of source around one; empty where the file is not at hand."""
    lines = case.session.debugger.source(file, line, CONTEXT_LINES) if file and line else ()
    return tuple(SourceLine(number, text) for number, text in lines)


def python_frame(case: Case, frame: Frame, with_source: bool) -> PythonFrame:
    lines = excerpt(case, frame.file, frame.line) if with_source else ()
    source = next((line.text.strip() for line in lines if line.number == frame.line), None)
    return PythonFrame(
        frame.file, frame.line, frame.function, frame.address, frame.code, source, lines
    )
