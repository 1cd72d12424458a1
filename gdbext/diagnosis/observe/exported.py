"""Finds the memoryview whose memory a fault is in: what exported that gave it back too early.

An exporter keeps the memory of a ``Py_buffer`` until it is released (Doc/c-api/buffer.rst); the
view says where it is (Include/cpython/memoryobject.h).
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.memory import ExportedMemory
from gdbext.session import Session
from gdbext.target.protocol import MemoryFault

MAX_PYTHON_FRAMES = 4
MAX_C_FRAMES = 12
NOT_MAPPED = "SEGV_MAPERR"
RELEASED = 1
"""``_Py_MEMORYVIEW_RELEASED`` and ``_Py_MANAGED_BUFFER_RELEASED``."""


def find_exported(session: Session, stack: CrashStack, fault: Fault) -> ExportedMemory | None:
    """The memory that a view at hand has and that is not mapped, where the fault is in it.

    None where the view was released: then its memory may go.
    """
    signal, address = fault.signal, fault.address
    if signal is None or signal.code != NOT_MAPPED or address is None or stack.lwp is None:
        return None
    for view in dict.fromkeys(_views(session, stack, stack.lwp)):
        try:
            found = _exported(session, view, address)
        except (MemoryFault, UnknownLayout):
            continue
        if found is not None:
            return found
    return None


def _views(session: Session, stack: CrashStack, lwp: int) -> Iterator[int]:
    """Every memoryview that the thread has at hand: in variables, on value stacks, in C."""
    objects = session.objects
    words = [
        word
        for frame in session.python_stack(lwp).frames[:MAX_PYTHON_FRAMES]
        for word in (*frame.slots.values(), *frame.room)
    ]
    words += [
        variable.value
        for frame in stack.c_frames[:MAX_C_FRAMES]
        for variable in frame.variables
        if variable.is_object and variable.value
    ]
    for word in dict.fromkeys(words):
        info = objects.type_of(word) if word else None
        if info is None:
            continue
        if objects.is_a(info, "memoryview"):
            yield word
        elif info.name == "memory_iterator":
            yield from (r.target for r in objects.children(word) if r.slot != "ob_type")


def _exported(session: Session, view: int, address: int) -> ExportedMemory | None:
    record = session.layout.record(session.memory, "PyMemoryViewObject", view)
    start, size, exporter = record["view.buf"], record["view.len"], record["view.obj"]
    if not start <= address < start + size or not exporter or record["flags"] & RELEASED:
        return None
    managed = session.layout.record(session.memory, "_PyManagedBufferObject", record["mbuf"])
    info = session.objects.type_of(exporter)
    if managed["flags"] & RELEASED or info is None:
        return None
    return ExportedMemory(
        view=view, start=start, size=size, exporter=exporter, type=info.name, address=address
    )
