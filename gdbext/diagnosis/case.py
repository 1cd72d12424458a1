"""What the search for races and known issues asks of the stop; to be replaced by values."""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.cpython.interpreter.frames import Frame, PythonStack
from gdbext.diagnosis.facts.accesses import Access
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import EVAL_LOOP, CFrame, CrashStack, SlotOwner
from gdbext.diagnosis.facts.provenance import Provenance
from gdbext.diagnosis.observe.program import Program
from gdbext.diagnosis.observe.stack import Functions
from gdbext.session import Session
from gdbext.target.protocol import NativeFrame, NativeThread


class Case:
    """One crash, as far as races are concerned."""

    def __init__(
        self,
        session: Session,
        stack: CrashStack,
        fault: Fault,
        functions: Functions,
        program: Program,
        origin: Provenance | None = None,
    ) -> None:
        self.session = session
        self.stack = stack
        self.fault = fault
        self.functions = functions
        self.program = program
        self.origin = origin
        self.accesses: dict[int, Sequence[Access]] = {}
        """What each thread's Python code does to which objects, by LWP."""

    @property
    def native_threads(self) -> Sequence[NativeThread]:
        return self.session.debugger.threads()

    @property
    def lwp(self) -> int | None:
        """The LWP that died."""
        return self.stack.lwp

    @property
    def native_frames(self) -> Sequence[NativeFrame]:
        return self.stack.native_frames

    @property
    def c_frames(self) -> Sequence[CFrame]:
        return self.stack.c_frames

    @property
    def eval_levels(self) -> Sequence[int]:
        return self.stack.eval_levels

    @property
    def eval_level(self) -> int | None:
        return self.stack.eval_level

    @property
    def interpreter_module(self) -> str | None:
        return self.stack.interpreter_module

    def same_call(self, level: int, other: int) -> bool:
        return self.stack.same_call(level, other)

    def owner(self, frame: NativeFrame) -> SlotOwner | None:
        """The type whose slot a C function of any thread is."""
        return self.functions.owner(frame, self.stack.is_exact(frame.level))

    def python_stack(self, lwp: int) -> PythonStack:
        return self.session.python_stack(lwp)

    def current_frame(self, lwp: int) -> Frame | None:
        return self.program.current_frame(lwp)

    def own_frame(self, lwp: int, within: Frame) -> Frame | None:
        return self.program.own_frame(lwp, within)

    def is_library(self, file: str) -> bool:
        return self.program.is_library(file)

    def thread_name(self, lwp: int) -> str | None:
        return self.session.thread_name(lwp)


__all__ = ["EVAL_LOOP", "CFrame", "Case"]
