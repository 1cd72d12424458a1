"""What the observations of threads and their code have in common."""

from __future__ import annotations

from dataclasses import field

from gdbext.diagnosis.facts.accesses import Access
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.observe.program_frames import ProgramFrames
from gdbext.diagnosis.observe.stack import Functions
from gdbext.frozen import dataclass
from gdbext.session import Session


@dataclass(frozen=True, kw_only=True)
class Observer:
    """Reads one stop of the target: whose functions its C code is, and which Python code is its
    own.
    """

    session: Session
    functions: Functions
    program: ProgramFrames
    stack: CrashStack
    """Of the thread that died."""
    by_code: dict[int, tuple[Access, ...]] = field(default_factory=dict)
    """What was read already of the accesses by each thread's Python code, by LWP."""
