"""Which functions of the crashed thread's stack tell where it died, whatever the build."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import groupby

from gdbext.diagnosis.conclude.code_owners import is_others
from gdbext.diagnosis.facts.frames import CFrame
from gdbext.target.values import NativeFrame

MAX_FRAMES = 3
PYTHONS = re.compile(r"_?Py[A-Z_]")
"""Names that CPython keeps for its own functions."""
EXPORTED_PLUMBING = re.compile(
    r"_?Py(Eval|Vectorcall|Object_(Vectorcall|Call|MakeTpCall)|Function_Vectorcall|Run|Mem_|Object_(Malloc|Calloc|Realloc|Free|Mi)"
    r"|_(Run|Main|Bytes|Fatal|DecRef|MergeZero|Dealloc|Negative)|Object_Assert)"
)
"""CPython's functions that are in any stack, or in those of debug builds only."""
LIBRARY_PLUMBING = (
    "raise",
    "abort",
    "gsignal",
    "pthread_kill",
    "start_thread",
    "clone",
    "libc_start",
    "start",
    "main",
)
PROCESSORS = re.compile(r"_(s?sse|avx|evex|unaligned|erms|rtm)[a-z0-9_]*$")
"""The processor that one of glibc's functions is for: ``__strlen_evex``."""


def site_functions(frames: Sequence[CFrame], interpreter: str | None) -> tuple[str, ...]:
    """The innermost functions, up to the Python frame that called them, that every build has.

    Optimisers inline static helpers, so release and debug builds crash in different frames.  What
    stays is every function whose address stands in a table of the interpreter's data, such as a
    type's slots; and the innermost function of each extension module: those that call it may have
    ended in a jump to it.  ``interpreter`` is the file that has the eval loop.
    """
    names: list[str] = []
    modules = set()
    for frame in frames:
        name = (frame.frame.function or "").split(".")[0]
        is_extensions = _is_extensions(frame.frame, interpreter)
        if (
            name
            and name not in names
            and (frame.owner is not None or (is_extensions and frame.frame.module not in modules))
        ):
            names.append(name)
        if name and is_extensions:
            modules.add(frame.frame.module)
    return tuple(names[:MAX_FRAMES])


def called_functions(frames: Sequence[CFrame], interpreter: str | None) -> tuple[str, ...]:
    """The innermost functions, up to the Python frame that called them, by names that builds and
    machines share.

    CPython's exported ones, and for other files the function that was called in it: what is behind
    that is the file's own affair.  The file's name stands for a function without one.
    """
    names: list[str] = []
    for module, group in groupby((f.frame for f in frames), lambda frame: frame.module):
        if module == interpreter:
            own = [f.function or "" for f in group if not _is_of_header(f)]
            new = [n for n in own if PYTHONS.match(n) and not EXPORTED_PLUMBING.match(n)]
        else:
            name = _library_function(list(group)[-1])
            new = [] if name.startswith(LIBRARY_PLUMBING) else [name]
        names += [name for name in new if name and name not in names]
    return tuple(names[:MAX_FRAMES])


def is_foreign(frame: NativeFrame, interpreter: str | None) -> bool:
    """Whether a frame's code is neither of Python nor of the system."""
    return is_others(frame.module, interpreter)


def _is_extensions(frame: NativeFrame, interpreter: str | None) -> bool:
    """Whether a frame is a function of an extension module itself: none out of a header, and not
    libffi's gateway.
    """
    return (
        is_foreign(frame, interpreter)
        and not _is_of_header(frame)
        and not (frame.function or "").startswith("ffi_")
    )


def _is_of_header(frame: NativeFrame) -> bool:
    """Whether a function is compiled in from a header, such as Py_DECREF: optimisers leave nothing
    of most of them.
    """
    if frame.file is None:
        return frame.is_inlined or bool(PYTHONS.match(frame.function or ""))
    return frame.file.endswith((".h", ".hpp"))


def _library_function(frame: NativeFrame) -> str:
    """A function of a library by its plain name, or its library: ``strlen`` of ``__strlen_evex``,
    ``libffi``.
    """
    name = PROCESSORS.sub("", (frame.function or "").removeprefix("__GI_").lstrip("_"))
    return name or os.path.basename(frame.module or "").split(".")[0]
