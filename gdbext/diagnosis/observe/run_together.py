"""Generators, coroutines and asynchronous generators that several threads run at once.

``gi_frame_state`` keeps a generator from being entered twice, but threads may pass that check
together (Objects/genobject.c, gen_send_ex2).  Both have its frame then, which no healthy thread
shares with another.
"""

from __future__ import annotations

from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.facts.accesses import Access, Proximity
from gdbext.diagnosis.observe.access_types import type_name_of
from gdbext.diagnosis.observe.accesses_by_code import current_operation
from gdbext.diagnosis.observe.observer import Observer
from gdbext.diagnosis.observe.operations import NEXT

GENERATORS = frozenset({"generator", "coroutine", "async_generator"})


def run_together(observer: Observer, lwp: int) -> Access | None:
    """The thread's access to the innermost generator that another thread runs as well.

    The thread is where it has resumed the generator; where that is not known, where it is in it.
    """
    shared = observer.frames_of_several
    frames = observer.session.python_stack(lwp).frames if shared else []
    place = next((i for i, frame in enumerate(frames) if frame.address in shared), None)
    generator = _generator_of(observer, frames[place]) if place is not None else None
    if place is None or generator is None:
        return None
    address, type_name = generator
    caller = frames[min(place + 1, len(frames) - 1)]
    own = observer.program.own_frame(lwp, caller) or caller
    is_caller = caller is not frames[place]
    asked = current_operation(observer, own, own is caller) if is_caller else None
    return Access(
        lwp=lwp,
        address=address,
        type=type_name,
        operation=asked or NEXT,
        effect=Effect.WRITE,
        proximity=Proximity.INSIDE,
        file=own.file,
        line=own.line,
        operation_line=own.line,
        function=own.function,
        frame=own.address or None,
    )


def _generator_of(observer: Observer, frame: Frame) -> tuple[int, str] | None:
    """The generator that a frame is a part of, and its type's name."""
    try:
        address = frame.address - observer.session.layout.offset("PyGenObject", "gi_iframe")
    except UnknownLayout:
        return None
    name = type_name_of(observer, address)
    return (address, name) if name in GENERATORS else None
