"""What the observations of threads and their code have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import field
from functools import cached_property

from gdbext.diagnosis.facts.accesses import Access
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.diagnosis.observe.program_frames import ProgramFrames
from gdbext.diagnosis.observe.stack import Functions
from gdbext.frozen import dataclass
from gdbext.session import Session

MAX_THREADS = 64


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

    @cached_property
    def frames_of_several(self) -> Set[int]:
        """The addresses of Python frames that more than one thread has."""
        threads = self.session.debugger.threads()[:MAX_THREADS]
        stacks = (self.session.python_stack(thread.lwp).frames for thread in threads)
        seen = Counter(frame.address for frames in stacks for frame in frames)
        return {address for address, count in seen.items() if count > 1}

    @cached_property
    def places(self) -> Mapping[tuple[int, int], Sequence[tuple[int, int]]]:
        """Which threads are at an instruction of a code object, as (LWP, number of the frame)."""
        found: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for thread in self.session.debugger.threads()[:MAX_THREADS]:
            for number, frame in enumerate(self.session.python_stack(thread.lwp).frames):
                if frame.lasti is not None:
                    found.setdefault((frame.code, frame.lasti), []).append((thread.lwp, number))
        return found
