"""The crashed thread's native stack, and what is known of each C function on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from gdbext.diagnosis.facts.eval_loop import eval_levels
from gdbext.frozen import dataclass
from gdbext.model import Claim
from gdbext.target.values import NativeFrame, Variable

MAX_HANDLER_FRAMES = 32
SIGNAL_FRAMES = ("<signal handler called>", "__restore_rt")
# Slots whose first argument is not an instance of the type itself (Objects/typeobject.c).
CLASS_SLOTS = frozenset({"tp_new", "tp_alloc", "tp_free", "tp_is_gc"})
ENDING_SLOTS = frozenset({"tp_dealloc", "tp_free", "tp_del"})
# The binary number slots take an instance on either side (Objects/abstract.c, binary_op1).
EITHER_SIDE = re.compile(r"^nb_(?!inplace|negative|positive|absolute|bool|invert|int|float|index)")


@dataclass(frozen=True)
class SlotOwner:
    """The type whose table names a function.

    ``slot`` is ``tp_repr``, ``nb_or``, ``append()`` (a method) or ``.args`` (a getter).
    """

    type_name: str
    type_address: int | None
    slot: str
    is_shared: bool = False
    """Unrelated types have the function too: it does not tell what its object is."""

    @property
    def claim(self) -> Claim:
        """Whose function it is, as a part of claims."""
        return Claim("function-of-type", function=self.slot, type=self.type_name)

    @property
    def first_is_self(self) -> bool:
        """Whether the function's first argument must be an instance of the type."""
        return self.slot not in CLASS_SLOTS and not self.takes_either_side

    @property
    def takes_either_side(self) -> bool:
        """Whether it is a binary operator's: called with any other operand, on either side."""
        return bool(EITHER_SIDE.match(self.slot))


@dataclass(frozen=True)
class FrameVariable(Variable):
    """A variable of a native frame; ``is_object``: its C type points to a Python object."""

    is_object: bool = False


@dataclass(frozen=True)
class CFrame:
    """A native frame with its variables and the type whose slot its function is."""

    frame: NativeFrame
    variables: tuple[FrameVariable, ...] = ()
    owner: SlotOwner | None = None

    @property
    def level(self) -> int:
        """The frame's number in the whole native stack."""
        return self.frame.level

    @property
    def function(self) -> str:
        """The function's name; without symbols the slot that it is, else ``??``."""
        if self.frame.function is None and self.owner is not None:
            return f"{self.owner.type_name}.{self.owner.slot}"
        return self.frame.function or "??"

    def value(self, name: str) -> int | None:
        """The value of the variable of that name; None if there is none."""
        return next((v.value for v in self.variables if v.name == name), None)


@dataclass(frozen=True, kw_only=True)
class CrashStack:
    """The native stack of the thread that died, ``lwp``; without one all is empty.

    ``c_frames`` are the frames from the fault outwards, eval loops left out: an eval loop's
    variables live in registers that change with each instruction, and its Python frame says more.
    """

    lwp: int | None
    native_frames: tuple[NativeFrame, ...] = ()
    c_frames: tuple[CFrame, ...] = ()
    interpreter_module: str | None = None
    """The file that has the eval loop: the executable, or libpython."""
    is_tail_calling: bool = False
    """The interpreter's instructions are functions of their own."""

    @cached_property
    def eval_levels(self) -> tuple[int, ...]:
        """The levels of all eval-loop frames, innermost first."""
        return eval_levels(self.native_frames, self.is_tail_calling)

    @property
    def eval_level(self) -> int | None:
        """The level of the innermost eval loop: within is C code that the Python line called."""
        return next(iter(self.eval_levels), None)

    @property
    def from_fault(self) -> tuple[NativeFrame, ...]:
        """The frames from the fault outwards, without those of a handler that ran since."""
        return self.native_frames[frame_of_signal(self.native_frames) :]

    @property
    def faulting(self) -> CFrame | None:
        """The function at fault, with what is inlined into it left out."""
        return next((f for f in self.c_frames if not f.frame.is_inlined), None)

    @property
    def is_in_interpreter(self) -> bool:
        """Whether the function at fault is CPython's own."""
        frames = self.from_fault
        return bool(frames) and self.is_interpreters(frames[0].module)

    def is_exact(self, level: int) -> bool:
        """Whether a frame's pc is in its function, not where a call returns to."""
        return level in (0, frame_of_signal(self.native_frames))

    def is_interpreters(self, module: str | None) -> bool:
        """Whether a mapped file is the one that has the eval loop."""
        return module is not None and module == self.interpreter_module

    def module_at(self, level: int) -> str | None:
        """The mapped file that the code of a frame is in."""
        return next((f.module for f in self.native_frames if f.level == level), None)

    def frame_at(self, level: int) -> CFrame | None:
        """The C frame of that level; None for an eval loop's."""
        return next((f for f in self.c_frames if f.level == level), None)

    def reader(self, level: int | None) -> Claim:
        """Which code read a word, as a part of claims: that at fault, or of that level a caller,
        which passed it on.
        """
        frame = self.frame_at(level) if level is not None else None
        if frame is None:
            return Claim("code-at-fault")
        return Claim("code-of-caller", level=frame.level, function=frame.function)

    def same_call(self, level: int, other: int) -> bool:
        """Whether two frames serve the same Python operation: no eval loop lies between them."""
        low, high = sorted((level, other))
        return not any(low < e < high for e in self.eval_levels)


def frame_of_signal(frames: Sequence[NativeFrame]) -> int:
    """The index of the frame that a signal interrupted, below a handler's frames; else 0."""
    for index, frame in enumerate(frames[:MAX_HANDLER_FRAMES]):
        if frame.function in SIGNAL_FRAMES:
            return min(index + 1, len(frames) - 1)
    return 0
