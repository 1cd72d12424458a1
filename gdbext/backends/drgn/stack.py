"""The stacks of a core in drgn: frames, their variables and registers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import drgn
from drgn import TypeKind

from gdbext.backends.adapter import LOST, in_order
from gdbext.backends.drgn import types
from gdbext.backends.drgn.program import ERRORS, Opened
from gdbext.backends.drgn.types import WORD_BYTES, registers_object
from gdbext.binfmt.dwarf import callsites, inlines, locations
from gdbext.binfmt.dwarf.entries import LOW_PC, DebugEntry
from gdbext.binfmt.entry_values import EntryValues
from gdbext.binfmt.files import DwarfPlace, TargetFiles
from gdbext.target.cplusplus import function_in
from gdbext.target.expressions import has_own_name, plain_function, tidy_type
from gdbext.target.protocol import SIGNAL_FRAME, Debugger, NativeFrame, Variable
from gdbext.target.registers import GENERAL, PRESERVED
from gdbext.target.signals import returns_from_signal


class Stacks:
    """All threads' stacks, each walked when it is first asked for."""

    def __init__(self, debugger: Debugger, files: TargetFiles, opened: Opened) -> None:
        self._debugger = debugger
        self._files = files
        self._opened = opened
        self._program = opened.program
        self._walks: dict[int, _Walk] = {}
        self._entry_values = EntryValues(debugger, files)
        self._scopes: dict[DwarfPlace, list[list[DebugEntry]]] = {}
        self._lost_there: dict[tuple[DwarfPlace, int, str], _Lost] = {}
        # What threads that are at the same place have in common.
        self._described: dict[_Place, NativeFrame] = {}
        self._names_at: dict[_Place, dict[str, bool]] = {}
        self._declared_at: dict[tuple[_Place, str], _Declared] = {}
        self._dwarf_of: dict[_Place, DwarfPlace | None] = {}
        self._registers: dict[tuple[int, int], dict[str, int]] = {}

    def walk(self, lwp: int, limit: int) -> list[_Frame]:
        """At least ``limit`` frames, or all, down to ``main``."""
        if lwp not in self._walks:
            self._walks[lwp] = _Walk(self._trace(lwp))
        walk = self._walks[lwp]
        while len(walk.frames) < limit and (group := walk.next_group()):
            names = [frame.function_name or "" for frame in group]
            for depth, frame in enumerate(group):
                is_caller = walk.is_caller(depth)
                place = _Place(frame.pc, depth, is_caller, frame.interrupted)
                if place not in self._described:
                    outer = names[depth + 1 :]
                    self._described[place] = self._describe(frame, is_caller, outer)
                native = replace(self._described[place], level=len(walk.frames), sp=frame.sp)
                walk.frames.append(_Frame(native, frame, place))
        return walk.frames

    def _trace(self, lwp: int) -> Iterator[drgn.StackFrame]:
        try:
            yield from self._with_callers(self._stack_trace(lwp))
        except ERRORS:
            # A thread that the core does not have, or registers that are cut off.
            return

    def _with_callers(self, trace: Iterable[drgn.StackFrame]) -> Iterator[drgn.StackFrame]:
        """The same frames; where the thread was in no code, those of who called it there.

        drgn then goes by rbp, which need be no frame pointer.
        """
        for frame in trace:
            yield frame
            if frame.interrupted and (caller := self._caller(frame)) is not None:
                yield from self._stack_trace(caller)
                return

    def _stack_trace(self, start: int | drgn.Object) -> drgn.StackTrace:
        trace = self._program.stack_trace(start)
        # drgn has looked up inlined functions by now.
        if self._opened.read_at(_places(trace)):
            trace = self._program.stack_trace(start)
        return trace

    def _caller(self, frame: drgn.StackFrame) -> drgn.Object | None:
        """The registers of who called through a bad pointer: the call has only put its return
        address on the stack.  None where the frame is in a file's code.
        """
        pc, sp = frame.pc, frame.sp
        regions = self._debugger.regions()
        if self._files.file_at(pc) or any(r.path and r.start <= pc < r.end for r in regions):
            return None
        returns_to = self._program.read_u64(sp)
        if self._files.file_at(returns_to) is None:
            return None
        # One before, as of every caller: the call may be the last instruction of its block.
        return registers_object(
            self._program, {**frame.registers(), "rip": returns_to - 1, "rsp": sp + WORD_BYTES}
        )

    def _describe(
        self, frame: drgn.StackFrame, is_caller: bool, outer: Sequence[str]
    ) -> NativeFrame:
        """The frame as the outermost of a stack; ``outer`` are what it is inlined into."""
        # Of who called through a bad pointer drgn was told the address before, see `_caller`.
        pc, sp = frame.pc + (is_caller and frame.interrupted), frame.sp
        module = self._files.file_at(pc)
        if returns_from_signal(self._debugger, pc):
            return NativeFrame(0, pc, sp, SIGNAL_FRAME, None, None, module)
        address = pc - is_caller
        file, line = self._position(frame, address)
        name = frame.function_name
        # Outside of other functions a lambda's whole name is its symbol's alone.
        is_lambda = name == "operator()"
        if not frame.is_inline and (name is None or is_lambda or not has_own_name(file)):
            symbol = self._debugger.symbol_at(address)
            name = plain_function(symbol.name) if symbol is not None else None
        name = function_in(name, outer, file) if name else None
        return NativeFrame(0, pc, sp, name, file, line, module, frame.is_inline)

    def _position(self, frame: drgn.StackFrame, address: int) -> tuple[str | None, int | None]:
        """(path, line); the path below the folder of the build where that is all that DWARF has."""
        try:
            file, line, _ = frame.source()
        except ERRORS:
            return None, None
        if not file or not line:
            return None, None
        if not os.path.isabs(file):
            # drgn leaves the folder of the build out.
            folder = self._files.build_folder_at(self._debugger, address)
            if folder is None or not os.path.isabs(folder):
                return os.path.normpath(file).lstrip("./"), line
            file = os.path.join(folder, file)
        return os.path.normpath(file), line

    # --- variables ------------------------------------------------------------------------------

    def frames(self, lwp: int, limit: int) -> Sequence[NativeFrame]:
        return [each.native for each in self.walk(lwp, limit)[:limit]]

    def variables(self, lwp: int, level: int) -> Sequence[Variable]:
        walk = self.walk(lwp, level + 1)
        if level >= len(walk):
            return []
        frame, place = walk[level].frame, walk[level].place
        if place not in self._names_at:
            self._names_at[place] = self._names(frame)
        arguments: dict[str, Variable] = {}
        local: dict[str, Variable] = {}
        for name, is_argument in self._names_at[place].items():
            try:
                value = frame[name]
                declared = self._declared(place, name, value)
                if is_argument or not declared.is_static:
                    found = self._variable(lwp, level, name, value, declared, is_argument)
                    (arguments if is_argument else local)[name] = found
            except ERRORS:
                continue
        return in_order(arguments, local)

    def _names(self, frame: drgn.StackFrame) -> dict[str, bool]:
        """The names of a frame's variables, and whether each is a parameter: those first, then
        those of the innermost block.
        """
        try:
            # drgn begins with the function's own block.
            names = frame.locals()
        except ERRORS:
            return {}
        # To look for the function of a frame without any, drgn would index all debug information.
        parameters = self._parameters(frame) if names else []
        first = {name: True for name in names if name in parameters}
        return first | {name: name in parameters for name in reversed(names)}

    def _declared(self, place: _Place, name: str, value: drgn.Object) -> _Declared:
        """What a variable is declared as; the same in all threads that are there."""
        wanted = place, name
        if wanted not in self._declared_at:
            self._declared_at[wanted] = _Declared(
                tidy_type(value.type_.type_name()),
                types.shape(value.type_),
                self._is_static(name, value),
            )
        return self._declared_at[wanted]

    def _parameters(self, frame: drgn.StackFrame) -> list[str]:
        """The names of the parameters of a frame's function."""
        name = frame.function_name
        if name is None:
            return []
        for find in (frame.__getitem__, self._program.function):
            try:
                kind = find(name).type_
                if kind.kind == TypeKind.FUNCTION:
                    return [each.name for each in kind.parameters if each.name]
            except ERRORS:
                continue
        return []

    def _is_static(self, name: str, value: drgn.Object) -> bool:
        """Whether a name is of no variable of the frame: a static one's, which is in a file's own
        data and on no stack, a function's, an enumerator's.
        """
        kind = types.bare(value.type_)
        if kind.kind == TypeKind.FUNCTION:
            return True
        if kind.kind == TypeKind.ENUM and name in {each.name for each in kind.enumerators or ()}:
            return True
        try:
            return value.address_ is not None and bool(self._program.module(value.address_))
        except LookupError:
            return False

    def _variable(
        self,
        lwp: int,
        level: int,
        name: str,
        value: drgn.Object,
        declared: _Declared,
        is_argument: bool,
    ) -> Variable:
        found, is_address, missing = types.bits(value, declared.shape)
        size = declared.shape.size
        if missing == LOST and size <= WORD_BYTES:
            found, missing = self._entry_value(lwp, level, name, is_argument)
            found = found & (1 << 8 * size) - 1 if found is not None else None
        return Variable(name, declared.type, found, missing, is_address, is_argument)

    def _entry_value(
        self, lwp: int, level: int, name: str, is_argument: bool
    ) -> tuple[int | None, str | None]:
        """(value, what is missing) of a variable that drgn has no value of: its caller may know
        what it was.
        """
        frame = self.walk(lwp, level + 1)[level]
        address = frame.native.pc - frame.place.is_caller
        if frame.place not in self._dwarf_of:
            self._dwarf_of[frame.place] = self._files.dwarf_at(self._debugger, address)
        place = self._dwarf_of[frame.place]
        if place is None:
            return None, LOST
        lost = self._lost(place, frame.place.depth, name)
        if lost.expression is not None:
            # drgn computes no values that need those of the function's entry.
            value = callsites.compute(
                lost.expression,
                self.registers(lwp, level).get,
                None,
                lambda number: self._entry_values.register(lwp, level, number),
                self._debugger,
                address - place.address,
            )
            return value, LOST if value is None else None
        if is_argument and not frame.native.is_inlined and lost.register is not None:
            value = self._entry_values.register(lwp, level, lost.register)
            return value, LOST if value is None else "entry value"
        return None, LOST

    def _lost(self, place: DwarfPlace, depth: int, name: str) -> _Lost:
        """What the debug information says of a variable that has no place; the same in all threads
        that are there.
        """
        wanted = place, depth, name
        if wanted not in self._lost_there:
            if place not in self._scopes:
                self._scopes[place] = inlines.scopes(place.dwarf, place.address)
            scopes = self._scopes[place]
            scope = scopes[depth] if depth < len(scopes) else []
            self._lost_there[wanted] = _describe_lost(place, scope, name)
        return self._lost_there[wanted]

    def registers(self, lwp: int, level: int) -> dict[str, int]:
        wanted = lwp, level
        if wanted not in self._registers:
            self._registers[wanted] = self._read_registers(lwp, level)
        return self._registers[wanted]

    def _read_registers(self, lwp: int, level: int) -> dict[str, int]:
        walk = self.walk(lwp, level + 1)
        if level >= len(walk):
            return {}
        values = {**walk[level].frame.registers(), "rip": walk[level].native.pc}
        names = PRESERVED if walk[level].place.is_caller else GENERAL
        return {name: values[name] for name in names if name in values}


def _places(trace: drgn.StackTrace) -> Iterator[int]:
    """Where in the code the frames are, as far as that is known."""
    with suppress(LookupError):
        for frame in trace:
            yield frame.pc


class _Lost(NamedTuple):
    """A variable without a place: the expression of its value, and the register that it was in when
    its function was called (by DWARF's number).
    """

    expression: bytes | None = None
    register: int | None = None


def _describe_lost(place: DwarfPlace, scope: Sequence[DebugEntry], name: str) -> _Lost:
    if not scope:
        return _Lost()
    dwarf, function = place.dwarf, scope[-1]
    expression = locations.place(dwarf, scope, name, place.address)
    if locations.is_value(expression):
        return _Lost(expression)
    if LOW_PC not in function.attributes:
        return _Lost()
    start = dwarf.number(function, LOW_PC)
    return _Lost(None, locations.register(locations.place(dwarf, [function], name, start)))


class _Place(NamedTuple):
    """Where in the code a frame is: drgn's pc, and how many inlined functions of that physical
    frame lie below it.
    """

    pc: int
    depth: int
    is_caller: bool
    is_interrupted: bool


class _Declared(NamedTuple):
    """What a variable is declared as."""

    type: str
    shape: types.Shape
    is_static: bool


class _Frame(NamedTuple):
    """A frame, and drgn's own."""

    native: NativeFrame
    frame: drgn.StackFrame
    place: _Place


class _Walk:
    """How far a thread's stack has been walked."""

    def __init__(self, trace: Iterator[drgn.StackFrame]) -> None:
        self.frames: list[_Frame] = []
        self._trace = trace

    def is_caller(self, depth: int) -> bool:
        """Whether the next frame's pc is where a call returns to, and not an instruction that the
        thread was at.
        """
        younger = self.frames[: len(self.frames) - depth]
        return bool(younger) and younger[-1].native.function != SIGNAL_FRAME

    def next_group(self) -> list[drgn.StackFrame]:
        """drgn's frames of the next physical one: inlined functions, and the one they are in.
        Empty after the last.
        """
        group: list[drgn.StackFrame] = []
        if self.frames and self.frames[-1].native.function == "main":
            return group
        for frame in self._trace:
            try:
                _ = frame.pc, frame.sp
            except LookupError:
                break
            group.append(frame)
            if not frame.is_inline:
                break
        return group
