"""Stopping the world: one thread asks all others to pause (CPython's Python/pystate.c,
``stop_the_world``).

The requester counts the threads that are still to stop.  A detached thread is switched to
``suspended`` at once, an attached one has to come to its next safe point; it waits there until the
requester starts the world again.
"""

from __future__ import annotations

from gdbext.cpython.interpreter.runtime import Runtime, ThreadState
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault


@dataclass(frozen=True)
class StopTheWorld:
    """One ``_stoptheworld_state``: an interpreter's, or (``interpreter`` None) the whole runtime's.

    ``requester`` is a thread state's address; a thread without one may ask too, and is then None.
    """

    address: int
    interpreter: int | None
    requested: bool
    stopped: bool
    countdown: int
    requester: int | None
    not_stopped: tuple[ThreadState, ...] = ()
    """Threads that are still attached, the requester left out."""
    is_sound: bool = True
    """False when the fields contradict each other."""

    @property
    def is_idle(self) -> bool:
        """Whether nobody has stopped the world or is about to."""
        return not self.requested and not self.stopped


def read_all(memory: Memory, layout: Layout, runtime: Runtime) -> list[StopTheWorld]:
    """The runtime's state, then each interpreter's; those that cannot be read are left out."""
    found = []
    places: list[tuple[str, int, int | None]] = [("_PyRuntimeState", runtime.address, None)]
    places += [("PyInterpreterState", i.address, i.address) for i in runtime.interpreters]
    for struct, base, interpreter in places:
        try:
            found.append(
                _read(
                    memory,
                    layout,
                    runtime,
                    base + layout.offset(struct, "stoptheworld.mutex"),
                    interpreter,
                )
            )
        except (MemoryFault, UnknownLayout):
            continue
    return found


def _read(
    memory: Memory, layout: Layout, runtime: Runtime, address: int, interpreter: int | None
) -> StopTheWorld:
    record = layout.record(
        memory, "_stoptheworld_state", address - layout.offset("_stoptheworld_state", "mutex")
    )
    requested, stopped = record["requested"], record["world_stopped"]
    requester = record["requester"] or None
    threads = [t for t in runtime.threads if interpreter in (None, t.interpreter)]
    running = (
        tuple(t for t in threads if t.state == "attached" and t.address != requester)
        if requested
        else ()
    )
    countdown = record.signed("thread_countdown")
    is_sound = requested in (0, 1) and stopped in (0, 1) and -1 < countdown <= len(threads)
    return StopTheWorld(
        record.address,
        interpreter,
        bool(requested),
        bool(stopped),
        countdown,
        requester,
        running,
        is_sound,
    )
