"""Whether a thread, or the process, was at its end: destructors run then, and Python is gone."""

from __future__ import annotations

import enum

from gdbext.diagnosis.facts.frames import CrashStack

MAX_FRAMES = 64


class Leaving(enum.Enum):
    """What is at its end."""

    THREAD = "the thread's function has returned"
    PROCESS = "exit() was called, or main() has returned"


AT_END_OF_THREAD = frozenset(("__call_tls_dtors", "__nptl_deallocate_tsd", "__tls_call_dtors"))
"""glibc's functions that destroy thread_local objects (stdlib/cxa_thread_atexit_impl.c), and values
of pthread_setspecific() (nptl/nptl_deallocate_tsd.c).
"""
AT_END_OF_PROCESS = frozenset(
    ("exit", "__run_exit_handlers", "__cxa_finalize", "_dl_fini", "_dl_call_fini")
)
"""glibc's functions that call destructors of globals and what atexit() was given."""


def leaving(stack: CrashStack) -> tuple[Leaving, str] | None:
    """What is at its end, and the C library's function that shows it; None while Python code runs.

    exit() destroys the thread_local objects of its own thread as well: the process counts.
    """
    names = []
    for frame in stack.from_fault[:MAX_FRAMES]:
        if frame.level in stack.eval_levels:
            break
        names.append(frame.function or "")
    for what, functions in (
        (Leaving.PROCESS, AT_END_OF_PROCESS),
        (Leaving.THREAD, AT_END_OF_THREAD),
    ):
        for name in reversed(names):
            if name in functions:
                return what, name
    return None
