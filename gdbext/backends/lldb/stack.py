"""The stacks of one stop in LLDB: frames, their variables and registers."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

import lldb

from gdbext.backends.adapter import LOST, NO_INTEGER, in_order, known
from gdbext.binfmt.entry_values import EntryValues
from gdbext.binfmt.files import TargetFiles
from gdbext.target.cplusplus import function_in, short_function
from gdbext.target.expressions import has_own_name, plain_function, tidy_type
from gdbext.target.protocol import SIGNAL_FRAME, Debugger, NativeFrame, Variable
from gdbext.target.registers import PRESERVED, known_registers
from gdbext.target.signals import returns_from_signal

INVALID = lldb.LLDB_INVALID_ADDRESS
STRUCTS = lldb.eTypeClassStruct | lldb.eTypeClassUnion | lldb.eTypeClassClass
AGGREGATES = STRUCTS | lldb.eTypeClassArray
PLACE = re.compile(
    r'Variable: .*?name = "([^"]*)".*?location = (?:\[[^)]*\) -> )?(DW_OP_.*?), decl = (\S+)'
)
"""Name, place and declaration of a variable in what LLDB prints of an address."""


class Stacks:
    """All threads' stacks, each walked when it is first asked for."""

    def __init__(self, debugger: Debugger, files: TargetFiles, target: lldb.SBTarget) -> None:
        self._debugger = debugger
        self._files = files
        self._target = target
        self._walks: dict[int, _Walk] = {}
        self._places: dict[int, dict[tuple[str, str], str]] = {}
        self._entry_values = EntryValues(debugger, files)

    def level_of(self, thread: lldb.SBThread, chosen: lldb.SBFrame) -> int:
        """The level of one of LLDB's own frames."""
        cfa, index = chosen.GetCFA(), chosen.GetFrameID()
        # LLDB's frames of inlined functions count from the first one with this canonical frame
        # address.
        depth = next(
            (d for d in range(index) if thread.GetFrameAtIndex(index - d - 1).GetCFA() != cfa),
            index,
        )
        group = [
            each.native.level
            for each in self.walk(thread.GetThreadID(), index + 1)
            if each.frame.GetCFA() == cfa
        ]
        return group[min(depth, len(group) - 1)] if group else 0

    def number(self, lwp: int, level: int) -> int:
        """LLDB's own number of a frame."""
        walk = self.walk(lwp, level + 1)
        return int(walk[level].frame.GetFrameID()) if level < len(walk) else level

    def walk(self, lwp: int, limit: int) -> list[_Frame]:
        """At least ``limit`` frames, or all, down to ``main``; without those of tail calls, which
        LLDB only guesses.
        """
        walk = self._walks.setdefault(lwp, _Walk(self._target.GetProcess().GetThreadByID(lwp)))
        while len(walk.frames) < limit and (group := walk.next_group()):
            self._describe(walk, group)
        return walk.frames

    def _describe(self, walk: _Walk, group: list[lldb.SBFrame]) -> None:
        """Add a physical frame's functions: the inlined ones, innermost first, and the one that
        they are inlined into.

        LLDB has a frame for each as well, but gives them other program counters, and loses the
        outermost where the call is the last instruction (that of a function that does not return).
        """
        pc, sp = group[0].GetPC(), group[0].GetSP()
        module = self._files.file_at(pc) or group[0].GetModule().GetFileSpec().fullpath
        if returns_from_signal(self._debugger, pc):
            walk.add(
                group, None, NativeFrame(len(walk.frames), pc, sp, SIGNAL_FRAME, None, None, module)
            )
            return
        place = lldb.SBAddress(pc - walk.is_caller, self._target)
        entry = place.GetLineEntry()
        file, line = (
            (entry.GetFileSpec().fullpath, entry.GetLine()) if entry.IsValid() else (None, 0)
        )
        block = place.GetBlock()
        outer = block
        names = _names(place, block)
        while outer.IsValid():
            if outer.IsInlined():
                name = function_in(names.pop(0), names, file) or None
                walk.add(
                    group,
                    block,
                    NativeFrame(
                        len(walk.frames), pc, sp, name, *_position(file, line), module, True
                    ),
                )
                file, line = outer.GetInlinedCallSiteFile().fullpath, outer.GetInlinedCallSiteLine()
                block = outer.GetParent()
            outer = outer.GetParent()
        position = _position(file, line)
        name = self._function(place, position[0])
        walk.add(group, block, NativeFrame(len(walk.frames), pc, sp, name, *position, module))

    def _function(self, place: lldb.SBAddress, file: str | None) -> str | None:
        function = place.GetFunction()
        if function.IsValid() and has_own_name(file):
            return short_function(str(function.GetName()))
        symbol = self._debugger.symbol_at(place.GetLoadAddress(self._target))
        return plain_function(symbol.name) if symbol else None

    def frames(self, lwp: int, limit: int) -> Sequence[NativeFrame]:
        return [each.native for each in self.walk(lwp, limit)[:limit]]

    def variables(self, lwp: int, level: int) -> Sequence[Variable]:
        walk = self.walk(lwp, level + 1)
        if level >= len(walk):
            return []
        frame, block = walk[level].frame, walk[level].block
        arguments: dict[str, Variable] = {}
        local: dict[str, Variable] = {}
        while block is not None and block.IsValid():
            for value in self._values(block, frame):
                # Of equal names the innermost block's is the one in scope.
                found = arguments if _is_argument(value) else local
                if value.GetName() not in found:
                    found[value.GetName()] = self._variable(
                        lwp, level, value.GetNonSyntheticValue()
                    )
            block = block.GetParent() if not block.IsInlined() else None
        return in_order(arguments, local)

    def _values(self, block: lldb.SBBlock, frame: lldb.SBFrame) -> list[lldb.SBValue]:
        """The variables of a block; without values where LLDB has lost the frame of its function,
        since it has none in another's.
        """
        found = list(block.GetVariables(frame, True, True, False, lldb.eNoDynamicValues))
        if any(not value.IsValid() or value.GetName() is None for value in found):
            found = list(block.GetVariables(self._target, True, True, False))
        return found

    def _variable(self, lwp: int, level: int, value: lldb.SBValue) -> Variable:
        kind = value.GetType()
        bits, is_address, missing = _bits(value, kind.GetCanonicalType())
        is_argument = _is_argument(value)
        if missing == LOST and kind.GetByteSize() <= 8:
            bits, missing = self._entry_value(lwp, level, value, is_argument)
            bits = bits & (1 << 8 * kind.GetByteSize()) - 1 if bits is not None else None
        return Variable(
            value.GetName(), tidy_type(kind.GetName() or ""), bits, missing, is_address, is_argument
        )

    def _entry_value(
        self, lwp: int, level: int, value: lldb.SBValue, is_argument: bool
    ) -> tuple[int | None, str | None]:
        """(value, what is missing) of a variable that LLDB has no value of: its caller may know
        what it was.
        """
        frames = [each.native for each in self.walk(lwp, level + 1)]
        is_caller = known_registers(frames, level) == PRESERVED
        place = self._place(frames[level].pc - is_caller, value)
        if found := re.fullmatch(
            r"DW_OP_(?:GNU_)?entry_value\(DW_OP_reg(\d+) \w+\), DW_OP_stack_value", place
        ):
            bits = self._entry_values.register(lwp, level, int(found[1]))
            return bits, LOST if bits is None else None
        # LLDB has no values in a frame that it has lost; the register may be there.
        if found := re.fullmatch(r"DW_OP_reg\d+ (\w+)", place):
            bits = self.registers(lwp, level).get(found[1].lower())
            if bits is not None:
                return bits, None
        if is_argument and not frames[level].is_inlined:
            target = self._target
            start = (
                lldb.SBAddress(frames[level].pc - is_caller, target)
                .GetFunction()
                .GetStartAddress()
                .GetLoadAddress(target)
            )
            if found := re.fullmatch(r"DW_OP_reg(\d+) \w+", self._place(start, value)):
                bits = self._entry_values.register(lwp, level, int(found[1]))
                return bits, LOST if bits is None else "entry value"
        return None, LOST

    def _place(self, address: int, value: lldb.SBValue) -> str:
        """The DWARF expression of a variable's place at that address, in LLDB's words; empty if it
        has none there.
        """
        if address not in self._places:
            result = lldb.SBCommandReturnObject()
            context = lldb.SBExecutionContext(self._target)
            interpreter = self._target.GetDebugger().GetCommandInterpreter()
            interpreter.HandleCommand(f"image lookup -v -a {address}", context, result, False)
            found = PLACE.findall(result.GetOutput() or "")
            self._places[address] = {(name, declared): place for name, place, declared in found}
        declared = value.GetDeclaration()
        at = f"{declared.GetFileSpec().GetFilename()}:{declared.GetLine()}:{declared.GetColumn()}"
        return self._places[address].get((value.GetName(), at), "")

    def registers(self, lwp: int, level: int) -> dict[str, int]:
        walk = self.walk(lwp, level + 1)
        if level >= len(walk):
            return {}
        names = known_registers([each.native for each in walk], level)
        return known((name, register(walk[level].frame, name)) for name in names)


class _Frame(NamedTuple):
    """A frame, LLDB's own, and the innermost block that is this function's (None without debug
    information).
    """

    native: NativeFrame
    frame: lldb.SBFrame
    block: lldb.SBBlock | None


class _Walk:
    """How far a thread's stack has been walked."""

    def __init__(self, thread: lldb.SBThread) -> None:
        self.frames: list[_Frame] = []
        self._thread = thread
        self._index = 0
        self._inlined = 0

    @property
    def is_caller(self) -> bool:
        """Whether the next frame's pc is where a call returns to, and not an instruction that the
        thread was at.
        """
        return bool(self.frames) and self.frames[-1].native.function != SIGNAL_FRAME

    def next_group(self) -> list[lldb.SBFrame]:
        """LLDB's frames of the next physical one: those with one canonical frame address.

        Empty after the last.
        """
        group: list[lldb.SBFrame] = []
        if self.frames and self.frames[-1].native.function == "main":
            return group
        while (frame := self._thread.GetFrameAtIndex(self._index)).IsValid():
            if not frame.IsArtificial():
                if group and frame.GetCFA() != group[0].GetCFA():
                    break
                group.append(frame)
            self._index += 1
        self._inlined = 0
        return group

    def add(
        self, group: list[lldb.SBFrame], block: lldb.SBBlock | None, native: NativeFrame
    ) -> None:
        self.frames.append(_Frame(native, group[min(self._inlined, len(group) - 1)], block))
        self._inlined += 1


def _names(place: lldb.SBAddress, block: lldb.SBBlock) -> list[str]:
    """The functions that are inlined there, innermost first, and the one that they are inlined
    into, as the debug information names them.
    """
    found = []
    while block.IsValid():
        if block.IsInlined():
            found.append(block.GetInlinedName() or "")
        block = block.GetParent()
    return [*found, place.GetFunction().GetName() or ""]


def _position(file: str | None, line: int) -> tuple[str | None, int | None]:
    return (os.path.normpath(file), line) if file and line else (None, None)


def register(frame: lldb.SBFrame, name: str) -> int | None:
    """A register as it was in that frame; None where it was not saved."""
    value = frame.FindRegister(name)
    if not value.IsValid() or value.GetError().Fail():
        return None
    error = lldb.SBError()
    bits = value.GetValueAsUnsigned(error)
    return int(bits) if error.Success() else None


def raw_bytes(data: lldb.SBData, size: int) -> bytes:
    error = lldb.SBError()
    raw = data.ReadRawData(error, 0, size)
    return bytes(raw) if error.Success() and raw else b""


def _is_argument(value: lldb.SBValue) -> bool:
    return bool(value.GetValueType() == lldb.eValueTypeVariableArgument)


def _bits(value: lldb.SBValue, kind: lldb.SBType) -> tuple[int | None, bool, str | None]:
    """(bits, False, None), (address of a struct or array, True, None), or (None, False,
    why not).
    """
    if value.GetError().Fail():
        return None, False, LOST
    size = kind.GetByteSize()
    address = value.GetLoadAddress()
    is_aggregate = bool(kind.GetTypeClass() & AGGREGATES)
    if is_aggregate and address != INVALID:
        return int(address), True, None
    # A struct of one word lives in a register.
    if size > 8 or kind.GetTypeFlags() & lldb.eTypeIsFloat:
        return None, False, NO_INTEGER
    raw = raw_bytes(value.GetData(), size)
    return (int.from_bytes(raw, "little"), False, None) if raw else (None, False, LOST)
