"""FT305: a function of the C API that works on objects was running in a thread that is not
attached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gdbext.diagnosis.conclude.leaving import Leaving, leaving
from gdbext.diagnosis.conclude.reporters import is_abort_machinery
from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.rule import Kind, Rule, RuleTraits
from gdbext.model import Address, Claim, Confidence, Evidence, Finding
from gdbext.target.values import NativeFrame

MAX_INNER = 16
# Functions that a detached thread is in on purpose: they attach it, or wait for something without
# touching an object.
ATTACHING = re.compile(
    r"^_?Py(Eval_(Acquire|Restore|Save|Release)|GILState_"
    r"|ThreadState_(Attach|Detach|New|Swap|Clear|Delete)|Mutex|ParkingLot|Semaphore|Event|Thread_)"
)
ATTACHED_ONLY = re.compile(
    r"^_?Py(?!Mem_Raw|Thread_|Time_|Deadline_|Status_|(Pre)?Config_"
    r"|OS_(v?snprintf|mystrn?icmp|strtou?l$))[A-Z]\w+_\w+"
)
FOREIGN_CALLS = ("ffi_call",)
"""libffi, which an interpreter may have linked in: beyond it is what calls foreign code, detached
on purpose.
"""
END_THE_BLOCK = (
    "End Py_BEGIN_ALLOW_THREADS (in Cython `with nogil`, in C++ py::gil_scoped_release) before "
    "objects are used, or attach for them (PyGILState_Ensure): a detached thread may run during a "
    "garbage collection."
)
ATTACH = (
    "Attach first (PyGILState_Ensure, in C++ what the binding has for it: py::gil_scoped_acquire): "
    "a thread that Python has not started has no thread state until it does."
)
AT_THREAD_EXIT = (
    "The thread is exiting, and its thread state is gone: thread_local variables and specific "
    "data of threads must not own Python objects. Give these up before the thread's Python "
    "function returns, or keep them in threading.local."
)
AT_EXIT = (
    "The process exits, and the interpreter is gone: C++ globals and what atexit() calls must not "
    "own Python objects. Give these up in the module's m_free or by Python's atexit, or never."
)
C_LIBRARY = re.compile(r"/lib(c|m|pthread)[.-]")


def check(facts: Facts) -> Iterator[Finding]:
    """The interpreter's function that was called, where the thread is detached."""
    lwp = facts.stack.lwp
    if lwp is None or not facts.fault.is_crash or not facts.process.is_complete:
        return
    state = facts.process.by_lwp(lwp)
    if state is not None and state.state != "detached":
        return
    inner = _called_from_outside(facts.stack)
    api = next((f for f in reversed(inner) if _needs_attachment(f.function or "")), None)
    if api is None or any(ATTACHING.match(f.function or "") for f in inner):
        return
    what = (
        Claim("state-detached", state=Address(state.address)) if state else Claim("no-thread-state")
    )
    place = state.state_address if state else None
    advice = END_THE_BLOCK if state else ATTACH
    evidence = [
        Evidence(Claim("runs-in", function=api.function, lwp=lwp), api.pc),
        Evidence(what, place, 0 if state else None),
    ]
    if state is None and (end := leaving(facts.stack)) is not None:
        claim = Claim("process-exits", function=end[1])
        advice = AT_EXIT
        if end[0] is Leaving.THREAD:
            claim, advice = Claim("thread-exits", function=end[1]), AT_THREAD_EXIT
        evidence.append(Evidence(claim))
    yield RULE.finding(
        facts,
        Claim("was-called", function=api.function),
        Confidence.LIKELY,
        evidence=evidence,
        advice=advice,
    )


def _needs_attachment(function: str) -> bool:
    return bool(ATTACHED_ONLY.match(function)) and not ATTACHING.match(function)


def _called_from_outside(stack: CrashStack) -> list[NativeFrame]:
    """The interpreter's frames that the fault is in, where another's code called them.

    That code called the interpreter detached; that it was attached when it was called itself is
    fine.  The eval loop runs attached: what it calls may detach, and a signal may come just then
    (``signal.raise_signal``).  The C library's functions that the interpreter called for its work
    may lie further in.
    """
    found: list[NativeFrame] = []
    if stack.interpreter_module is None:
        return found
    for frame in stack.from_fault[:MAX_INNER]:
        name = frame.function or ""
        is_foreign = not stack.is_interpreters(frame.module) or name.startswith(FOREIGN_CALLS)
        if not is_foreign:
            if frame.level in stack.eval_levels:
                return []
            found.append(frame)
        elif found:
            return found
        elif not (C_LIBRARY.search(frame.module or "") or is_abort_machinery(stack, frame)):
            break
    return []


RULE = Rule(
    id="FT305",
    title="thread touches objects while detached",
    explanation="A thread without an attached thread state was using Python objects.",
    advice=(
        "Attach first (PyGILState_Ensure, or end Py_BEGIN_ALLOW_THREADS earlier): "
        "a detached thread may run during a garbage collection."
    ),
    traits=RuleTraits(kind=Kind.CONCURRENCY, order=140),
    check=check,
)
