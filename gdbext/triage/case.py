"""Everything that the rules look at, each part made once and on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from gdbext.debuggers.base import NativeFrame, NativeThread, Variable
from gdbext.interpreter.frames import Frame, PythonStack
from gdbext.model import Problems
from gdbext.session import Session
from gdbext.triage import suspects as suspects_
from gdbext.triage.expectations import SlotIndex, SlotOwner
from gdbext.triage.fault import Fault, frame_of_signal, read_fault
from gdbext.triage.origin import Origin, find_origin

EVAL_LOOP = "_PyEval_EvalFrameDefault"
MAX_C_FRAMES = 48


@dataclass(frozen=True)
class CFrame:
    """A native frame of the crashed thread with what is known of its variables and of the type whose slot it is."""

    frame: NativeFrame
    variables: tuple[Variable, ...]
    owner: SlotOwner | None

    @property
    def function(self) -> str:
        return self.frame.function or "??"

    def value(self, name: str) -> int | None:
        return next((v.value for v in self.variables if v.name == name), None)


class Case:
    """One crash, read from one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.problems = Problems()
        self.slots = SlotIndex(session.memory, session.layout, session.objects, session.debugger.regions)

    @cached_property
    def native_threads(self) -> Sequence[NativeThread]:
        return self.session.debugger.threads()

    @cached_property
    def lwp(self) -> int | None:
        """The LWP that died."""
        signal = self.session.debugger.signal()
        return signal.lwp if signal else None

    @cached_property
    def native_frames(self) -> Sequence[NativeFrame]:
        return self.session.debugger.frames(self.lwp) if self.lwp is not None else []

    @cached_property
    def fault(self) -> Fault:
        return read_fault(self.session.debugger, self.session.memory, self.native_frames, self.lwp)

    @cached_property
    def c_frames(self) -> list[CFrame]:
        """The crashed thread's frames from the fault outwards, eval-loop frames left out.

        An eval loop's variables live in registers that change with each instruction; its Python frame says more.
        """
        if self.lwp is None:
            return []
        found: list[CFrame] = []
        start = frame_of_signal(self.native_frames)
        for frame in self.native_frames[start : start + MAX_C_FRAMES]:
            if frame.function and frame.function.startswith(EVAL_LOOP):
                continue
            found.append(CFrame(frame, tuple(self.session.debugger.variables(self.lwp, frame.level)), self._owner(frame)))
        return found

    @cached_property
    def eval_levels(self) -> list[int]:
        """The levels of all eval-loop frames, innermost first."""
        return [f.level for f in self.native_frames if (f.function or "").startswith(EVAL_LOOP)]

    def same_call(self, level: int, other: int) -> bool:
        """Whether two frames of C code serve the same Python operation: no eval loop lies between them."""
        low, high = sorted((level, other))
        return not any(low < e < high for e in self.eval_levels)

    @cached_property
    def eval_level(self) -> int | None:
        """The level of the innermost eval-loop frame: what lies within is C code called from the current Python line."""
        return next((f.level for f in self.native_frames if (f.function or "").startswith(EVAL_LOOP)), None)

    def _owner(self, frame: NativeFrame) -> SlotOwner | None:
        if frame.is_inlined or frame.function is None:
            return None
        symbol = self.session.debugger.symbol_at(frame.pc)
        if symbol is None:
            return None
        start = symbol.address
        if "." in symbol.name and (whole := self.session.debugger.symbol(symbol.name.split(".")[0])):
            # foo.cold and foo.part.0 are pieces of foo; the tables name foo itself.
            start = whole.address
        return self.slots.owner(start, frame.module)

    @cached_property
    def suspects(self) -> list[suspects_.Suspect]:
        found = suspects_.collect(
            [c.frame for c in self.c_frames],
            [c.variables for c in self.c_frames],
            [c.owner for c in self.c_frames],
            self.session.layout,
        )
        suspects_.complete_selves(found, self.c_frames, self.session.objects)
        self._add_operand(found)
        return suspects_.judge(found, self.session.objects, self.session.heap)

    def _add_operand(self, found: dict[int, list[suspects_.Use]]) -> None:
        """The faulting instruction's base register counts as a pointer in use, where it points into the heap.

        It is all there is in functions without DWARF, and where the compiler left no location for a variable.
        """
        operand = self.fault.operand
        if operand is None or not operand.base_value or operand.base_value in found or operand.base in ("rsp", "rbp", "rip"):
            return
        block = self.session.heap.judge(operand.base_value).block
        if block is not None and block.domain != "mem":
            frame = self.native_frames[frame_of_signal(self.native_frames)]
            because = "the faulting access goes through it"
            found[operand.base_value] = [
                suspects_.Use(frame.level, frame.function, f"%{operand.base}", None, because, True, False, True)
            ]

    @cached_property
    def root(self) -> suspects_.Suspect | None:
        """The bad pointer that everything else follows from."""
        return suspects_.root(self.suspects)

    @cached_property
    def origin(self) -> Origin | None:
        """Where the root's pointer was taken from."""
        return find_origin(self, self.root) if self.root else None

    def operation_at(self, level: int) -> str:
        """What the code at a frame is there for: the operation of the slot that it, or what it was inlined into, is."""
        around = [c for c in self.c_frames if c.frame.level >= level]
        for frame in around:
            if frame.owner is not None:
                return frame.owner.operation
            # An inlined helper belongs to the next real function; a static helper to the slot that called it.
            if not frame.frame.is_inlined and frame.frame.level > level + 1:
                break
        return around[0].function if around else "C code"

    def operation_name(self, frame: NativeFrame, kind: str) -> str:
        """What a C function of any thread does, by the slot that it is; else its own name."""
        owner = self._owner(frame)
        return owner.operation if owner and owner.type_name == kind else frame.function or "??"

    def python_stack(self, lwp: int) -> PythonStack:
        return self.session.python_stack(lwp)

    def current_frame(self, lwp: int) -> Frame | None:
        """The innermost Python frame of a thread."""
        frames = self.python_stack(lwp).frames
        return frames[0] if frames else None

    def thread_name(self, lwp: int) -> str | None:
        return self.session.thread_name(lwp)
