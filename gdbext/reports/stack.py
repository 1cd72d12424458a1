"""A thread's native and Python frames as one stack, for every format; and which of its frames tell
the story.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from gdbext.frozen import dataclass
from gdbext.model import Finding, NativeFrameInfo, PythonFrame, Report, ThreadInfo
from gdbext.target.cplusplus import is_library_code

# What stands between a caller and a callee in any crash, and so explains none: libc's way to die,
# CPython's call protocol, thread and program start.
MACHINERY = (
    "__pthread_kill",
    "pthread_kill",
    "raise",
    "__GI_",
    "abort",
    "__assert_fail",
    "__libc_message",
    "malloc_printerr",
    "__fortify_fail",
    "__stack_chk_fail",
    "fatal_error",
    "_PyObject_AssertFailed",
    "_Py_NegativeRefcount",
    "_Py_FatalError",
    "Py_FatalError",
    "_PyEval_",
    "PyEval_",
    "_PyFunction_Vectorcall",
    "_PyVectorcall",
    "_PyObject_Vectorcall",
    "PyObject_Vectorcall",
    "_PyObject_Call",
    "PyObject_Call",
    "_PyObject_MakeTpCall",
    "cfunction_",
    "method_vectorcall",
    "vectorcall_",
    "call_",
    "run_",
    "pyrun_",
    "PyRun_",
    "_PyRun_",
    "pymain_",
    "Py_RunMain",
    "Py_BytesMain",
    "main",
    "_start",
    "__libc_start",
    "thread_run",
    "pythread_wrapper",
    "start_thread",
    "clone",
    "__clone",
)
MOST_FRAMES = 3
LIBRARIES = re.compile(
    r"(lib(c|m|pthread|dl|gcc_s|stdc\+\+|c\+\+|python)(?!\w)|ld-|linux-vdso|\[vdso\])"
)
"""Of the system, and Python's own."""


@dataclass(frozen=True)
class StackEntry:
    """One line of a merged stack: a native frame, or a Python frame that the native eval loop below
    it runs.
    """

    native: NativeFrameInfo | None = None
    python: PythonFrame | None = None

    @property
    def function(self) -> str:
        """The function's name; ``??`` where it has none."""
        if self.python is not None:
            return self.python.function
        return (self.native.function if self.native else None) or "??"

    @property
    def file(self) -> str | None:
        """The source file, where known."""
        frame = self.python or self.native
        return frame.file if frame else None

    @property
    def line(self) -> int | None:
        """The line of the source file, where known."""
        frame = self.python or self.native
        return frame.line if frame else None

    @property
    def is_machinery(self) -> bool:
        """Extension modules have none, whatever the names of their functions."""
        if self.native is None or self.native.function is None:
            return self.native is not None
        return self.native.function.startswith(MACHINERY) and not _is_extensions(self.native.module)


def merged(thread: ThreadInfo) -> list[StackEntry]:
    """Innermost first.

    Each eval-loop frame gives way to the Python frames it runs; all of them are shown, also where
    the native stack ends early or has no symbols.
    """
    entries = []
    evals = [f.python for f in thread.native if f.python is not None]
    shown = 0
    for frame in thread.native:
        if frame.python is None:
            entries.append(StackEntry(native=frame))
            continue
        end = next((start for start in evals if start > frame.python), len(thread.python))
        first = max(min(frame.python, len(thread.python)), shown)
        entries.extend(StackEntry(python=p) for p in thread.python[first:end])
        shown = max(shown, min(end, len(thread.python)))
    entries.extend(StackEntry(python=p) for p in thread.python[shown:])
    return entries


def frames_of_interest(finding: Finding, thread: ThreadInfo) -> list[tuple[NativeFrameInfo, str]]:
    """A few native frames with a note each: the extension modules' that led to the crash, to their
    authors those that count; and those that handle the finding's object or its container, else from
    the function on that the fault is in, without what is inlined into it.
    """
    thread = replace(thread, native=tuple(_whole_functions(thread.native)))
    found: list[tuple[NativeFrameInfo, str]] = []
    seen = set()
    for address, note in _addresses(finding):
        users = (
            f
            for f in thread.native
            if f.file and not StackEntry(f).is_machinery and _mentions(f, address)
        )
        frame = next(users, None)
        if frame is not None and frame.level not in seen:
            seen.add(frame.level)
            found.append((frame, note))
    own = _own(thread)[:MOST_FRAMES]
    if not found:
        plain = [f for f in thread.native if f.function and not StackEntry(f).is_machinery]
        telling = [f for f in _from_function(plain) if f.file] or plain
        others = [f for f in telling if f not in own and (f is telling[0] or not _is_of_header(f))]
        # The one at fault is always among them.
        room = max(MOST_FRAMES - len(own), int(telling[:1] == others[:1]))
        found = [(f, "") for f in others[:room]]
        seen = {f.level for f, _ in found}
    found += [(f, "") for f in own if f.level not in seen]
    return sorted(found, key=lambda item: item[0].level)


def waiting_frames(thread: ThreadInfo) -> list[NativeFrameInfo]:
    """Of a thread that waits in C code: what it waits in, and an extension's frames that called
    it.
    """
    own = _own(thread)[: MOST_FRAMES - 1]
    if not own:
        return []
    inner = [f for f in thread.native if f.level < own[0].level and f.function]
    # The outermost of the library's functions is what the extension called.
    return [*inner[-1:], *own]


def hanging_frames(report: Report, finding: Finding, thread: ThreadInfo) -> list[NativeFrameInfo]:
    """The :func:`waiting_frames` of a thread that the finding is about, where it hangs."""
    is_hang = report.crash is None or report.crash.address is None
    is_shown = not thread.crashed and is_hang and finding.kind == "concurrency"
    return waiting_frames(thread) if is_shown else []


def _own(thread: ThreadInfo) -> list[NativeFrameInfo]:
    """The frames of extension modules in the call that crashed, innermost first."""
    loop = next(
        (n for n, frame in enumerate(thread.native) if frame.python is not None), len(thread.native)
    )
    python = thread.native[loop].module if loop < len(thread.native) else None
    if python is None:
        own = [f for f in thread.native if _is_extensions(f.module)]
    else:
        # Programs that have Python as a library have functions of their own, too.
        own = [
            f
            for f in thread.native[:loop]
            if f.module and f.module != python and not LIBRARIES.match(f.module)
        ]
    # What is compiled in from a library's header, such as Py_DECREF, is not the author's line.
    # Code without symbols says whose it is with one frame, but for libffi's, which is everybody's.
    return [
        frame
        for frame, inner in zip(own, [None, *own])
        if (
            not is_library_code(frame.function, frame.file)
            if frame.function
            else (inner is None or inner.function or inner.module != frame.module)
            and not (frame.module or "").startswith("libffi")
        )
    ]


def _is_of_header(frame: NativeFrameInfo) -> bool:
    return (frame.file or "").endswith((".h", ".hpp"))


def authors_frame(thread: ThreadInfo) -> NativeFrameInfo | None:
    """The innermost frame of an extension's own code in the call that the thread is in, with a
    line.
    """
    return next((f for f in _own(thread) if f.file and f.line), None)


def _is_extensions(module: str | None) -> bool:
    """Whether a file is a shared one that is neither the system's nor Python itself."""
    return module is not None and ".so" in module and not LIBRARIES.match(module)


def _addresses(finding: Finding) -> Iterator[tuple[int, str]]:
    if finding.subject is not None:
        yield finding.subject.address, ""
    if finding.container is not None:
        index = finding.container.index
        yield finding.container.address, "" if index is None else f"item {index}"


def _whole_functions(frames: Sequence[NativeFrameInfo]) -> Iterator[NativeFrameInfo]:
    """The frames without those of functions whose own part, at the same line, is the next one
    within: compilers split a function, and inline the part into the other again.
    """
    for inner, frame in zip([None, *frames], frames):
        is_split = inner is not None and frame.python is None and frame.function is not None
        if not is_split or inner is None or _place(inner) != _place(frame):
            yield frame


def _place(frame: NativeFrameInfo) -> tuple[object, ...]:
    return frame.pc, frame.function, frame.file, frame.line


def _mentions(frame: NativeFrameInfo, address: int) -> bool:
    return any(argument.partition("=")[2] == hex(address) for argument in frame.arguments)


def _from_function(frames: Sequence[NativeFrameInfo]) -> Sequence[NativeFrameInfo]:
    """The frames without the innermost ones that are inlined into the next: those share its pc."""
    start = next(
        (i for i, (frame, caller) in enumerate(pairwise(frames)) if frame.pc != caller.pc),
        len(frames) - 1,
    )
    return frames[max(start, 0) :]


def same_stacks(threads: Sequence[ThreadInfo]) -> list[list[ThreadInfo]]:
    """Threads grouped by equal stacks (and state), in the order of each group's first; a crashed
    thread stays alone.
    """
    groups: dict[object, list[ThreadInfo]] = {}
    for thread in threads:
        frames = tuple((e.function, e.python.line if e.python else None) for e in merged(thread))
        key: object = (
            thread.lwp if thread.crashed else (thread.state, thread.waits_for, thread.holds, frames)
        )
        groups.setdefault(key, []).append(thread)
    return list(groups.values())
