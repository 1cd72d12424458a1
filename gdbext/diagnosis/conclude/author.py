"""The extension's own function in the call that crashed: the one that its author can change."""

from __future__ import annotations

import os

from gdbext.diagnosis.conclude.code_owners import is_others, is_system
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.target.cplusplus import is_library_code
from gdbext.target.values import NativeFrame

FOREIGN_CALLS = "ffi_"
"""libffi's functions, which run whatever they are given."""
FOREIGN_CALLS_FILE = "libffi"
"""The file that these are in, where it has no symbols: ``libffi.so.8``."""


def authors_frame(stack: CrashStack) -> NativeFrame | None:
    """The innermost frame of an extension's own code, up to the Python code that called it.

    What is compiled into it from headers of CPython, of the C++ library or of pybind11 is left out.
    """
    for frame in stack.from_fault:
        if frame.level in stack.eval_levels:
            return None
        name = frame.function or ""
        if (
            name
            and is_others(frame.module, stack.interpreter_module)
            and not name.startswith(FOREIGN_CALLS)
            and not is_library_code(name, frame.file)
        ):
            return frame
    return None


def own_code(stack: CrashStack) -> str | None:
    """The extension's function in which the process died, itself or by what it called of the
    system's; None where it died in Python's code.
    """
    for frame in stack.from_fault:
        if frame.is_inlined or (
            is_system(frame.module) and frame.module != stack.interpreter_module
        ):
            continue
        is_own = is_others(frame.module, stack.interpreter_module)
        return (frame.function or "??") if is_own else None
    return None


def authors_file(stack: CrashStack) -> str | None:
    """The file of an extension's innermost code in the call that crashed, where that has no
    symbols.

    Wheels are stripped: what called the interpreter's function that died shows by its file alone.
    """
    for frame in stack.from_fault:
        if frame.level in stack.eval_levels:
            return None
        if (
            not frame.function
            and not frame.is_inlined
            and is_others(frame.module, stack.interpreter_module)
            and not os.path.basename(frame.module or "").startswith(FOREIGN_CALLS_FILE)
        ):
            return frame.module
    return None
