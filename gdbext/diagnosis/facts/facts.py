"""All that a rule may look at."""

from __future__ import annotations

from dataclasses import field

from gdbext.diagnosis.facts.cause import Cause
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.facts.memory import (
    ExportedMemory,
    FreedMemory,
    HeapState,
    LockProblem,
    NamedObject,
    OldArray,
    UnionInitialisation,
)
from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.facts.threads import HangEvidence, Process
from gdbext.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was observed of one stop, and the cause that was concluded from it.

    A part that could not be observed has its default, and the report says so in ``errors``.
    """

    fault: Fault
    stack: CrashStack
    process: Process = field(default_factory=Process)
    pointers: tuple[Pointer, ...] = ()
    """Innermost use first."""
    cause: Cause = field(default_factory=Cause)
    fatal_object: NamedObject | None = None
    """What a fatal error is about."""
    unlocked: NamedObject | None = None
    """The object whose lock the thread's critical section gave up, and did not hold."""
    heap: HeapState = field(default_factory=HeapState)
    old_array: OldArray | None = None
    exported: ExportedMemory | None = None
    freed_memory: FreedMemory | None = None
    """Where no pointer to an object is bad."""
    unions: tuple[UnionInitialisation, ...] = ()
    lock_problems: tuple[LockProblem, ...] = ()
    hang: HangEvidence | None = None
    """Only of a process that did not crash."""
    over_time: float | None = None
    """The seconds that the process was given to end in, where it was stopped because it had not."""
    is_decoded: bool = True
    """Whether objects and thread states can be read: a layout of their structs fits the process."""
