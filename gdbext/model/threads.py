"""Threads and their frames."""

from __future__ import annotations

from gdbext.frozen import dataclass
from gdbext.model.arguments import hexaddr


@dataclass(frozen=True)
class SourceLine:
    """One line of an excerpt."""

    number: int
    text: str


@dataclass(frozen=True)
class PythonFrame:
    """``code`` is the address of the code object, ``frame`` that of the ``_PyInterpreterFrame``."""

    file: str
    line: int | None
    function: str
    frame: int = 0
    code: int = 0
    source: str | None = None
    """The text of that line."""
    excerpt: tuple[SourceLine, ...] = ()
    """Some lines around it, for the threads that matter."""
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    """Where on ``line`` the expression begins that the frame is at (the call, of a caller), and
    where it ends: columns from 0, in bytes of UTF-8, the last one excluded, as in ``co_positions``.
    """


@dataclass(frozen=True)
class NativeFrameInfo:
    """One frame of C code; ``pc`` is where it goes on, ``level`` the debugger's number."""

    level: int
    function: str | None
    file: str | None = None
    line: int | None = None
    pc: int = 0
    module: str | None = None
    arguments: tuple[str, ...] = ()
    """``name=0x…`` as shown to people."""
    python: int | None = None
    """For an eval-loop frame: index into the thread's ``python`` list of the first Python frame it
    runs.
    """
    excerpt: tuple[SourceLine, ...] = ()
    """C source around the line, for the frames that matter."""


@dataclass(frozen=True)
class ThreadInfo:
    """One thread, with its stack and its locks."""

    lwp: int
    name: str | None = None
    crashed: bool = False
    state: str | None = None
    """``attached``, ``detached``, ``suspended`` …; None for a thread without a Python
    thread state.
    """
    native: tuple[NativeFrameInfo, ...] = ()
    python: tuple[PythonFrame, ...] = ()
    holds: tuple[int, ...] = ()
    waits_for: int | None = None
    tstate: int | None = None
    number: int | None = None
    """The debugger's own thread number."""
    doing: str | None = None
    """One phrase for people: what the thread is in the middle of."""
    test: str | None = None
    """The pytest test that it was running: node id and, in brackets, the phase (see
    ``gdbext.pytest_plugin``).
    """

    def __repr__(self) -> str:
        """Without the stacks, which are pages long."""
        shown = {
            "lwp": self.lwp,
            "name": self.name,
            "crashed": self.crashed,
            "state": self.state,
            "waits_for": hexaddr(self.waits_for) if self.waits_for is not None else None,
        }
        told = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        frames = f"{len(self.python)} Python and {len(self.native)} native frames"
        return f"<ThreadInfo {told}, {frames}>"
