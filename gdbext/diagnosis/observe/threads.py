"""The report's threads: native and Python stacks side by side, the crashed thread first."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from gdbext.cpython.interpreter.frames import Frame, PythonStack
from gdbext.diagnosis.conclude.code_owners import is_others
from gdbext.diagnosis.facts.eval_loop import eval_levels, is_entry
from gdbext.diagnosis.facts.frames import CFrame, CrashStack
from gdbext.diagnosis.observe.notes import Note, ignore
from gdbext.diagnosis.observe.program_frames import ProgramFrames
from gdbext.model import NativeFrameInfo, PythonFrame, SourceLine, ThreadInfo
from gdbext.session import Session
from gdbext.target import cython
from gdbext.target.cplusplus import is_library_code
from gdbext.target.protocol import NativeFrame, NativeThread

MAX_NATIVE = 64
MAX_PYTHON = 64
MAX_SOURCE_THREADS = 16
MAX_SOURCES = 4
CONTEXT_LINES = 2
MAX_C_EXCERPTS = 6
MAX_ARGUMENTS = 6


def read_threads(
    session: Session, program: ProgramFrames, stack: CrashStack, note: Note = ignore
) -> tuple[ThreadInfo, ...]:
    """All threads, the crashed one first, then in the debugger's order."""
    threads = sorted(session.debugger.threads(), key=lambda t: (t.lwp != stack.lwp, t.number))
    return tuple(
        _thread(session, program, stack, thread, position, note)
        for position, thread in enumerate(threads)
    )


def _thread(
    session: Session,
    program: ProgramFrames,
    stack: CrashStack,
    thread: NativeThread,
    position: int,
    note: Note,
) -> ThreadInfo:
    lwp = thread.lwp
    state = session.runtime.by_lwp(lwp)
    python = session.python_stack(lwp)
    if python.problem:
        note("threads", f"thread {thread.number}: {python.problem}")
    native = session.debugger.frames(lwp, MAX_NATIVE)
    locks = session.locks.of_thread(state) if state else None
    frames = python.frames[:MAX_PYTHON]
    sourced = _with_source(program, frames) if position < MAX_SOURCE_THREADS else frozenset()
    c_frames = stack.c_frames if lwp == stack.lwp else ()
    return ThreadInfo(
        lwp=lwp,
        name=session.thread_name(lwp) or thread.name,
        crashed=lwp == stack.lwp,
        state=state.state if state else None,
        native=tuple(_native(session, stack, native, c_frames, python, position)),
        python=tuple(_python(session, frame, i in sourced) for i, frame in enumerate(frames)),
        holds=locks.holds if locks else (),
        waits_for=locks.waits_for if locks else None,
        tstate=state.address if state else None,
        number=thread.number,
        test=session.tests.get(state.thread_id) if state else None,
    )


def _with_source(program: ProgramFrames, frames: Sequence[Frame]) -> Set[int]:
    """Which frames are shown with their source: the innermost, and the program's own innermost."""
    own = [i for i, frame in enumerate(frames) if not program.is_library(frame.file)]
    return {*range(MAX_SOURCES), *own[:MAX_SOURCES]}


def _native(
    session: Session,
    stack: CrashStack,
    frames: Sequence[NativeFrame],
    c_frames: Sequence[CFrame],
    python: PythonStack,
    position: int,
) -> Iterator[NativeFrameInfo]:
    """The native frames, each eval loop tied to the first Python frame that it runs.

    The innermost eval loop runs the innermost group of Python frames, and so on outwards.
    """
    starts = []
    count = 0
    for group in python.groups:
        starts.append(count)
        count += len(group)
    loops = iter(starts)
    variables = {c.level: c.variables for c in c_frames} if position == 0 else {}
    names = {c.level: c.function for c in c_frames if c.owner is not None}
    with_source = _called(stack, c_frames)
    if not c_frames and position < MAX_SOURCE_THREADS:
        with_source = _extensions(stack, frames)
    # A fault in an instruction's own function is shown where it is.
    part_of_loops = {
        level
        for level in eval_levels(frames[1:], stack.is_tail_calling)
        if not is_entry(frames[level])
    }
    for each in frames:
        frame = _in_cython(session, each)
        if frame.level in part_of_loops:
            continue
        arguments = (v for v in variables.get(frame.level, ()) if v.is_argument)
        shown = tuple(
            f"{v.name}={v.value:#x}" if v.value is not None else f"{v.name}=<{v.missing}>"
            for v in arguments
        )
        yield NativeFrameInfo(
            level=frame.level,
            function=frame.function or names.get(frame.level),
            file=frame.file,
            line=frame.line,
            pc=frame.pc,
            module=os.path.basename(frame.module) if frame.module else None,
            arguments=shown[:MAX_ARGUMENTS],
            python=next(loops, None) if is_entry(frame) else None,
            excerpt=excerpt(session, frame.file, frame.line) if frame.level in with_source else (),
        )


def _in_cython(session: Session, frame: NativeFrame) -> NativeFrame:
    """A function that Cython made by its author's name and line, as far as its C source is at
    hand.
    """
    if not cython.is_cythons(frame.function):
        return frame
    frame = replace(frame, function=cython.python_name(frame.function or ""))
    if not frame.file or not frame.line:
        return frame
    above = session.debugger.source(frame.file, frame.line, cython.REACH)
    place = cython.position(above, frame.line)
    if place is None:
        return frame
    file = os.path.join(os.path.dirname(frame.file), os.path.basename(place[0]))
    return replace(frame, file=file, line=place[1])


def _called(stack: CrashStack, c_frames: Sequence[CFrame]) -> Set[int]:
    """Levels of the C code that the innermost Python line called, as far as its source is shown."""
    called = {
        c.level for c in c_frames if stack.same_call(c_frames[0].level, c.level) and c.frame.file
    }
    # To an extension's author its own line counts, however far the fault is from it.
    own = (
        c.level
        for c in c_frames
        if c.level in called and is_others(c.frame.module, stack.interpreter_module)
    )
    return {*sorted(called)[:MAX_C_EXCERPTS], *itertools.islice(own, 1)}


def _extensions(stack: CrashStack, frames: Sequence[NativeFrame]) -> Set[int]:
    """The level of an extension's innermost frame, in the thread of a hang, say."""
    own = (
        frame.level
        for frame in frames
        if frame.file
        and frame.function
        and is_others(frame.module, stack.interpreter_module)
        and not is_library_code(frame.function, frame.file)
    )
    return set(itertools.islice(own, 1))


def excerpt(session: Session, file: str | None, line: int | None) -> tuple[SourceLine, ...]:
    """The lines of source around one; empty where the file is not at hand."""
    lines = session.debugger.source(file, line, CONTEXT_LINES) if file and line else ()
    return tuple(SourceLine(number, text) for number, text in lines)


def _python(session: Session, frame: Frame, with_source: bool) -> PythonFrame:
    lines = excerpt(session, frame.file, frame.line) if with_source else ()
    source = next((line.text.strip() for line in lines if line.number == frame.line), None)
    position = session.frame_reader.position(frame)
    return PythonFrame(
        file=frame.file,
        line=frame.line,
        function=frame.function,
        frame=frame.address,
        code=frame.code,
        source=source,
        excerpt=lines,
        column=position.column if position else None,
        end_line=position.end_line if position else None,
        end_column=position.end_column if position else None,
    )
