"""Reads the native stack of the thread that died, with each function's variables and slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from gdbext.binfmt.eh_frame import FunctionTable
from gdbext.cpython.traits.functions import EVAL_LOOP
from gdbext.diagnosis.facts.eval_loop import is_entry, is_tail_calling
from gdbext.diagnosis.facts.frames import (
    CFrame,
    CrashStack,
    FrameVariable,
    SlotOwner,
    frame_of_signal,
)
from gdbext.diagnosis.observe.c_types import is_object_pointer
from gdbext.diagnosis.observe.slots import SlotIndex
from gdbext.session import Session
from gdbext.target.expressions import PIECE
from gdbext.target.protocol import NativeFrame, Signal, Symbol

MAX_C_FRAMES = 48


class Functions:
    """The types whose slots the target's C functions are."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @cached_property
    def _slots(self) -> SlotIndex:
        session = self._session
        return SlotIndex(session.memory, session.layout, session.objects, session.debugger.regions)

    @cached_property
    def _tables(self) -> dict[str, FunctionTable]:
        return {}

    def owner(self, frame: NativeFrame, is_exact: bool = True) -> SlotOwner | None:
        """The type whose slot the function of a frame is.

        ``is_exact``: the frame's pc is in its function.  A caller's pc is where the call returns
        to: behind one that never returns another function may begin.
        """
        is_known = self._session.layout_choice.is_complete
        if frame.is_inlined or frame.module is None or not is_known:
            return None
        pc = frame.pc if is_exact else frame.pc - 1
        debugger = self._session.debugger
        symbol = debugger.symbol_at(pc) if frame.function else None
        if symbol is None:
            start = self._function_table(frame.module).start(pc)
            return self._slots.owner(start, frame.module) if start else None
        return self._slots.owner((self._whole(symbol) or symbol).address, frame.module)

    def _whole(self, symbol: Symbol) -> Symbol | None:
        """The function that a symbol is a piece or a copy of, which is what the tables name."""
        name = symbol.name
        while (whole := PIECE.sub("", name)) != name:
            if found := self._session.debugger.function(whole):
                return found
            name = whole
        return None

    def addresses(self, frame: NativeFrame, is_exact: bool) -> range | None:
        """Where the code of a frame's function lies; None where its file does not say."""
        pc = frame.pc if is_exact else frame.pc - 1
        return self._function_table(frame.module).function(pc) if frame.module else None

    def _function_table(self, module: str) -> FunctionTable:
        """Where the functions of a module without symbols start."""
        if module not in self._tables:
            base = next((m.base for m in self._session.modules if m.path == module), 0)
            self._tables[module] = FunctionTable(self._session.memory, base)
        return self._tables[module]


def read_stack(session: Session, functions: Functions, signal: Signal | None) -> CrashStack:
    """The stack of the thread that got the deadly signal; an empty one without a signal."""
    lwp = signal.lwp if signal else None
    native = tuple(session.debugger.frames(lwp)) if lwp is not None else ()
    module = _interpreter_module(session, native)
    if lwp is None:
        return CrashStack(lwp=None, interpreter_module=module)
    start = frame_of_signal(native)
    bare = CrashStack(
        lwp=lwp,
        native_frames=native,
        interpreter_module=module,
        is_tail_calling=_is_tail_calling(session),
    )
    return replace(
        bare,
        c_frames=tuple(
            CFrame(
                frame,
                _variables(session, lwp, frame.level),
                functions.owner(frame, frame.level in (0, start)),
            )
            for frame in native[start : start + MAX_C_FRAMES]
            if frame.level not in bare.eval_levels
        ),
    )


def _variables(session: Session, lwp: int, level: int) -> tuple[FrameVariable, ...]:
    return tuple(
        FrameVariable(**vars(v), is_object=is_object_pointer(v.type, session.layout))
        for v in session.debugger.variables(lwp, level)
    )


def _is_tail_calling(session: Session) -> bool:
    symbol = session.debugger.function(EVAL_LOOP)
    return is_tail_calling(symbol.size if symbol else None)


def _interpreter_module(session: Session, frames: Sequence[NativeFrame]) -> str | None:
    """The file that has the eval loop: the executable, or libpython."""
    symbol = session.debugger.function(EVAL_LOOP)
    if symbol is None:
        return next((f.module for f in frames if is_entry(f)), None)
    return next(
        (r.path for r in session.debugger.regions() if r.start <= symbol.address < r.end), None
    )
