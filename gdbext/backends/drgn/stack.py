"""The stacks of a core in drgn: frames, their variables and registers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import drgn
from drgn import TypeKind

from gdbext.backends.adapter import LOST, in_order
from gdbext.backends.drgn.program import ERRORS
from gdbext.backends.drgn.types import WORD_BYTES, bare, bits, registers_object, size_of
from gdbext.binfmt.dwarf import callsites, inlines, locations
from gdbext.binfmt.dwarf.entries import LOW_PC, DebugEntry
from gdbext.binfmt.entry_values import EntryValues
from gdbext.binfmt.files import DwarfPlace, TargetFiles
from gdbext.target.cplusplus import function_in
from gdbext.target.expressions import has_own_name, plain_function, tidy_type
from gdbext.target.protocol import SIGNAL_FRAME, Debugger, NativeFrame, Variable
from gdbext.target.registers import PRESERVED, known_registers
from gdbext.target.signals import returns_from_signal


class Stacks:
    """All threads' stacks, each walked when it is first asked for."""

    def __init__(self, debugger: Debugger, files: TargetFiles, program: drgn.Program) -> None:
        self._debugger = debugger
        self._files = files
        self._program = program
        self._walks: dict[int, _Walk] = {}
        self._entry_values = EntryValues(debugger, files)
        self._scopes: dict[DwarfPlace, list[list[DebugEntry]]] = {}
        self._lost_there: dict[tuple[DwarfPlace, int, str], _Lost] = {}
        # What threads that are at the same place have in common.
        self._described: dict[_Place, NativeFrame] = {}
        self._parameters_at: dict[_Place, list[str]] = {}

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
            yield from self._with_callers(self._program.stack_trace(lwp))
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
                yield from self._program.stack_trace(caller)
                return

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
        frame = walk[level]
        if frame.place not in self._parameters_at:
            self._parameters_at[frame.place] = self._parameters(frame.frame)
        parameters = self._parameters_at[frame.place]
        arguments: dict[str, Variable] = {}
        local: dict[str, Variable] = {}
        try:
            # drgn begins with the function's own block; here the innermost one comes first.
            names = frame.frame.locals()
        except ERRORS:
            return []
        for name in (*(n for n in names if n in parameters), *reversed(names)):
            if name in arguments or name in local:
                continue
            is_argument = name in parameters
            try:
                value = frame.frame[name]
                if is_argument or self._is_local(value, name):
                    found = self._variable(lwp, level, name, value, is_argument)
                    (arguments if is_argument else local)[name] = found
            except ERRORS:
                continue
        return in_order(arguments, local)

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

    def _is_local(self, value: drgn.Object, name: str) -> bool:
        """Whether it is a variable of the frame: not static, no function, no enumerator."""
        kind = bare(value.type_)
        if kind.kind == TypeKind.FUNCTION:
            return False
        if kind.kind == TypeKind.ENUM and name in {each.name for each in kind.enumerators or ()}:
            return False
        return value.address_ is None or not self._is_static(value.address_)

    def _is_static(self, address: int) -> bool:
        """Whether a variable there is in a file's own data, and on no stack."""
        try:
            return self._program.module(address) is not None
        except LookupError:
            return False

    def _variable(
        self, lwp: int, level: int, name: str, value: drgn.Object, is_argument: bool
    ) -> Variable:
        found, is_address, missing = bits(value)
        size = size_of(value.type_)
        if missing == LOST and size <= WORD_BYTES:
            found, missing = self._entry_value(lwp, level, name, is_argument)
            found = found & (1 << 8 * size) - 1 if found is not None else None
        return Variable(
            name, tidy_type(value.type_.type_name()), found, missing, is_address, is_argument
        )

    def _entry_value(
        self, lwp: int, level: int, name: str, is_argument: bool
    ) -> tuple[int | None, str | None]:
        """(value, what is missing) of a variable that drgn has no value of: its caller may know
        what it was.
        """
        walk = self.walk(lwp, level + 1)
        frames = [each.native for each in walk]
        is_caller = known_registers(frames, level) == PRESERVED
        place = self._files.dwarf_at(self._debugger, frames[level].pc - is_caller)
        if place is None:
            return None, LOST
        lost = self._lost(place, walk[level].place.depth, name)
        if lost.expression is not None:
            # drgn computes no values that need those of the function's entry.
            value = callsites.compute(
                lost.expression,
                self.registers(lwp, level).get,
                None,
                lambda number: self._entry_values.register(lwp, level, number),
                self._debugger,
                frames[level].pc - is_caller - place.address,
            )
            return value, LOST if value is None else None
        if is_argument and not frames[level].is_inlined and lost.register is not None:
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
        walk = self.walk(lwp, level + 1)
        if level >= len(walk):
            return {}
        values = {**walk[level].frame.registers(), "rip": walk[level].native.pc}
        names = known_registers([each.native for each in walk], level)
        return {name: values[name] for name in names if name in values}


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
