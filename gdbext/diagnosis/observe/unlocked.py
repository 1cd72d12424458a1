"""The object whose lock a thread gave up, and did not have any more.

A critical section (Include/internal/pycore_critical_section.h) keeps its mutex until the end.
Where that is found unlocked, the object was freed in between: its block is free, or a new object
lies there, with a lock of its own.
"""

from __future__ import annotations

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.locks.critical_sections import read_sections
from gdbext.cpython.traits.functions import function_traits
from gdbext.diagnosis.conclude.reporters import MAX_REPORTERS
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.memory import NamedObject
from gdbext.diagnosis.observe.process import read_named_object
from gdbext.model import Verdict
from gdbext.session import Session
from gdbext.target.protocol import MemoryFault

LOCKED = 1


def read_unlocked(session: Session, stack: CrashStack) -> NamedObject | None:
    """The object of the thread's newest critical section, if its lock is not held.

    None where no function that unlocks reported the error, and where the section's lock is in
    order.
    """
    reporters = stack.native_frames[:MAX_REPORTERS]
    if not any(function_traits(frame.function).gives_up_lock for frame in reporters):
        return None
    state = session.runtime.by_lwp(stack.lwp) if stack.lwp is not None else None
    if state is None:
        return None
    sections, _ = read_sections(session.memory, session.layout, state.critical_section)
    if not sections or sections[0].state != "active":
        return None
    try:
        offset = session.layout.offset("PyObject", "ob_mutex")
        for mutex in sections[0].mutexes:
            found = read_named_object(session, mutex - offset)
            is_object = found.verdict.is_dead or found.verdict is Verdict.LIVE
            if is_object and not session.memory.read(mutex, 1)[0] & LOCKED:
                return found
    except (MemoryFault, UnknownLayout):
        pass
    return None
