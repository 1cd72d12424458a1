"""The process's Python threads, and what one that hangs is doing."""

from __future__ import annotations

import enum

from gdbext.frozen import dataclass
from gdbext.model import Claim, Evidence


@dataclass(frozen=True, kw_only=True)
class ThreadStateFacts:
    """A ``PyThreadState``: its address, its thread's LWP and name, and whether it is attached."""

    address: int
    lwp: int
    name: str | None = None
    state: str | None = None
    """``attached``, ``detached`` or ``suspended``."""
    state_address: int = 0
    """Where the state's word stands."""


class GilSwitch(enum.Enum):
    """What turns the GIL on in a free-threaded build."""

    USER = "user"
    """``PYTHON_GIL=1`` or ``-X gil=1``."""
    IMPORT = "import"
    """An import of an extension module that has yet to end."""
    MODULE = "module"
    """An extension module that did not say that it can do without."""


@dataclass(frozen=True, kw_only=True)
class Gil:
    """The GIL of a free-threaded build, where something has turned it on.

    Threads that run Python code take turns then.
    """

    address: int
    """Of its ``enabled``."""
    holder: int | None = None
    """The LWP that has it; None where it is free, or that is not known."""
    modules: tuple[str, ...] = ()
    """Extension modules that do not say that they can do without it, the first import first."""
    switch: GilSwitch | None = None
    """What turned it on; None where that is not known."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """What the runtime says of the process as a whole."""

    threads: tuple[ThreadStateFacts, ...] = ()
    is_complete: bool = False
    """Whether these are all thread states that there are: what is not among them does not exist."""
    has_debug_hooks: bool = False
    """CPython's debug hooks fill memory that is allocated and freed."""
    gil: Gil | None = None

    def by_address(self, address: int | None) -> ThreadStateFacts | None:
        """The thread state at an address."""
        return next((t for t in self.threads if t.address == address), None)

    def by_lwp(self, lwp: int | None) -> ThreadStateFacts | None:
        """The thread state of a thread; of several, the one that is attached."""
        mine = [t for t in self.threads if t.lwp == lwp]
        return next((t for t in mine if t.state == "attached"), mine[0] if mine else None)


@dataclass(frozen=True, kw_only=True)
class HangEvidence:
    """The process as a whole, and where the threads are that it hangs on.

    ``state`` is what the process does; ``for_unknown`` are the threads that wait for a lock of
    which nobody knows who has it.
    """

    evidence: tuple[Evidence, ...] = ()
    state: Claim | None = None
    for_unknown: tuple[int, ...] = ()
