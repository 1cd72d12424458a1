"""What the Python code of the crashed program is at, and which of it is the standard library's."""

from __future__ import annotations

import os
from functools import cached_property

from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.interpreter.names import resolve, subjects
from gdbext.session import Session

THREADS_BEGIN_IN = "threading.py"


class ProgramFrames:
    """The Python frames of all threads, told apart into the program's own and the library's."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @cached_property
    def library(self) -> str | None:
        """The folder of the standard library's files: that of what every thread begins in."""
        for thread in self._session.debugger.threads():
            frames = self._session.python_stack(thread.lwp).frames
            if frames and os.path.basename(frames[-1].file) == THREADS_BEGIN_IN:
                return os.path.dirname(frames[-1].file)
        return None

    def is_library(self, file: str) -> bool:
        """Whether a Python file is the standard library's, or one installed there."""
        return file.startswith("<frozen ") or (
            self.library is not None and file.startswith(self.library + os.sep)
        )

    def current_frame(self, lwp: int | None) -> Frame | None:
        """The innermost Python frame of a thread."""
        frames = self._session.python_stack(lwp).frames if lwp is not None else ()
        return frames[0] if frames else None

    def own_frame(self, lwp: int, within: Frame) -> Frame | None:
        """The program's own frame that a frame works for.

        That is itself, or the nearest caller that is not the library's; None if there is none.
        """
        frames = self._session.python_stack(lwp).frames
        start = next(
            (i for i, frame in enumerate(frames) if frame.address == within.address), len(frames)
        )
        return next((frame for frame in frames[start:] if not self.is_library(frame.file)), None)

    def named_objects(self, lwp: int | None) -> list[int]:
        """The objects that the thread's current Python operation names."""
        frame = self.current_frame(lwp)
        facts = self._session.code_facts(frame.code) if frame else None
        if frame is None or facts is None:
            return []
        objects = self._session.objects
        names = [
            name
            for operation in facts.operations
            if operation.index == frame.lasti
            for name in subjects(objects, frame, operation)
        ]
        return [address for name in names if (address := resolve(objects, frame, name))]
