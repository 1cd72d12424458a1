"""Threads that work on one object without a lock."""

from __future__ import annotations

from gdbext.frozen import dataclass
from gdbext.model.claims import Confidence, Evidence
from gdbext.model.operations import Operation


@dataclass(frozen=True)
class RaceThread:
    """One side of a race: what the thread does to the object, and where in its code."""

    lwp: int
    name: str | None
    operation: Operation | str
    """A text where the report was read back from JSON."""
    file: str | None = None
    line: int | None = None
    """The line that the thread is in now."""
    function: str | None = None
    suspect_line: int | None = None
    """The line known to have done the damage, where it is not the current one."""
    changes: bool = False
    """Whether its operation is known to change the object; else it may only have read it."""
    frame: int | None = None
    """The Python frame that it is in: :attr:`PythonFrame.frame` among the thread's own.

    None where the line is of a function that the thread is not in right now.
    """


@dataclass(frozen=True)
class SharedObject:
    """The object that is raced on."""

    address: int
    type: str


@dataclass(frozen=True)
class Race:
    """Threads that work on one object without a lock."""

    confidence: Confidence
    object: SharedObject
    threads: tuple[RaceThread, ...]
    evidence: tuple[Evidence, ...] = ()
