"""The LLDB adapter (LLDB 14 and later; LLDB 19 does not know the sizes of array members)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import lldb

from gdbext.debuggers import elf, signals
from gdbext.debuggers.base import (
    MAX_NESTING,
    SIGNAL_FRAME,
    DebuggerError,
    Field,
    MemoryFault,
    Module,
    NativeFrame,
    NativeThread,
    Region,
    Signal,
    Struct,
    Symbol,
    Variable,
)
from gdbext.debuggers.entry_values import EntryValues
from gdbext.debuggers.files import TargetFiles, read_source
from gdbext.debuggers.registers import PRESERVED, known_registers
from gdbext.debuggers.text import has_own_name, refuse_side_effects, simple_value, tidy_instruction, tidy_type

WORD = (1 << 64) - 1
LONGEST_INSTRUCTION = 15
INVALID = lldb.LLDB_INVALID_ADDRESS
NO_TARGET = "no process and no core; start one (`run`), attach to one (`attach -p PID`) or open a core (`target create -c FILE`)"
STRUCTS = lldb.eTypeClassStruct | lldb.eTypeClassUnion | lldb.eTypeClassClass
AGGREGATES = STRUCTS | lldb.eTypeClassArray
LOST, NO_INTEGER = "optimized out", "not an integer"
PLACE = re.compile(
    r'Variable: .*?name = "(?P<name>[^"]*)".*?location = (?:\[[^)]*\) -> )?(?P<place>DW_OP_.*?), decl = (?P<declared>\S+)'
)
SIGNAL_RETURN = b"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05"
"""``mov $15,%rax; syscall`` (rt_sigreturn): what the kernel lets a signal handler return to."""


class LldbDebugger:
    """The selected target of an LLDB, as :class:`gdbext.debuggers.base.Debugger`."""

    def __init__(self, debugger: lldb.SBDebugger) -> None:
        self._debugger = debugger
        self._generation = 0
        self._stop: tuple[int, ...] | None = None
        self._files_of_stop = TargetFiles(None, None)
        self._walks: dict[int, _Walk] = {}
        self._structs: dict[str, Struct | None] = {}
        self._places: dict[int, dict[tuple[str, str], str]] = {}
        self._entry_values = EntryValues(self, self._files_of_stop)

    @property
    def version(self) -> str:
        found = re.search(r"\d+(\.\d+)+", self._debugger.GetVersionString())
        return f"lldb {found[0] if found else '?'}"

    @property
    def _target(self) -> lldb.SBTarget:
        return self._debugger.GetSelectedTarget()

    @property
    def _process(self) -> lldb.SBProcess:
        return self._target.GetProcess()

    @property
    def kind(self) -> str:
        process = self._process
        state = process.GetState() if process.IsValid() else lldb.eStateInvalid
        if state in (lldb.eStateRunning, lldb.eStateStepping):
            raise DebuggerError("the process is running; stop it first (`process interrupt`, or Ctrl-C)")
        if state not in (lldb.eStateStopped, lldb.eStateCrashed, lldb.eStateSuspended):
            raise DebuggerError(NO_TARGET)
        return "core" if process.GetPluginName().endswith("-core") else "live"

    @property
    def path(self) -> str | None:
        return self._files().core

    @property
    def pid(self) -> int | None:
        return self._process.GetProcessID() or None

    @property
    def executable(self) -> str | None:
        return self._target.GetExecutable().fullpath or None

    def generation(self) -> int:
        target, process = self._target, self._process
        stop = (
            self._debugger.GetIndexOfTarget(target),
            process.GetUniqueID(),
            process.GetStopID(),
            process.GetState(),
            target.GetNumModules(),
        )
        if stop != self._stop:
            self._stop = stop
            self._generation += 1
            self._walks.clear()
            self._structs.clear()
            is_core = process.IsValid() and process.GetPluginName().endswith("-core")
            self._places.clear()
            self._files_of_stop = TargetFiles(_core_path(process), None) if is_core else TargetFiles(None, self.pid)
            self._entry_values = EntryValues(self, self._files_of_stop)
        return self._generation

    def _files(self) -> TargetFiles:
        """The files of this stop.  What was kept of an earlier stop is dropped here."""
        self.generation()
        return self._files_of_stop

    # --- memory ---------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> bytes:
        if size == 0:
            return b""
        # Every long walk reads memory: here Ctrl-C reaches them all, as gdb's does.
        check_interrupt(self._debugger)
        files = self._files()
        try:
            if files.has_memory:
                data = files.read(self, address, size)
            else:
                error = lldb.SBError()
                data = self._process.ReadMemory(address, size, error)
        except (OSError, OverflowError, TypeError, ValueError, MemoryError):
            raise MemoryFault(address, size) from None
        if data is None or len(data) != size:
            raise MemoryFault(address, size)
        return bytes(data)

    def regions(self) -> Sequence[Region]:
        return self._files().regions

    def modules(self) -> Sequence[Module]:
        return self._files().modules(self)

    # --- threads and frames ---------------------------------------------------------------------

    def threads(self) -> Sequence[NativeThread]:
        files = self._files()
        found = []
        for thread in sorted(self._process, key=lambda t: t.GetIndexID()):
            lwp = thread.GetThreadID()
            fs_base = files.fs_base(lwp)
            if fs_base is None:
                fs_base = _register(thread.GetFrameAtIndex(0), "fs_base")
            found.append(NativeThread(lwp, thread.GetIndexID(), files.thread_name(lwp), fs_base))
        return found

    def selected(self) -> tuple[int, int]:
        thread = self._process.GetSelectedThread()
        if not thread.IsValid():
            raise DebuggerError(NO_TARGET)
        lwp, chosen = thread.GetThreadID(), thread.GetSelectedFrame()
        cfa = chosen.GetCFA()
        # LLDB's frames of inlined functions count from the first one with this canonical frame address.
        index = chosen.GetFrameID()
        depth = next((d for d in range(index) if thread.GetFrameAtIndex(index - d - 1).GetCFA() != cfa), index)
        group = [each.native.level for each in self._walk(lwp, index + 1) if each.frame.GetCFA() == cfa]
        return lwp, group[min(depth, len(group) - 1)] if group else 0

    def frames(self, lwp: int, limit: int = 256) -> Sequence[NativeFrame]:
        return [each.native for each in self._walk(lwp, limit)[:limit]]

    def _walk(self, lwp: int, limit: int) -> list[_Frame]:
        """At least ``limit`` frames, or all, down to ``main``; without those of tail calls, which LLDB only guesses."""
        files = self._files()
        walk = self._walks.setdefault(lwp, _Walk(self._process.GetThreadByID(lwp)))
        while len(walk.frames) < limit and (group := walk.next_group()):
            self._describe(walk, group, files)
        return walk.frames

    def _describe(self, walk: _Walk, group: list[lldb.SBFrame], files: TargetFiles) -> None:
        """Add a physical frame's functions: the inlined ones, innermost first, and the one that they are inlined into.

        LLDB has a frame for each as well, but gives them other program counters, and loses the outermost where the call is
        the last instruction (that of a function that does not return).
        """
        pc, sp = group[0].GetPC(), group[0].GetSP()
        module = files.file_at(pc) or group[0].GetModule().GetFileSpec().fullpath
        if self._returns_from_signal(pc):
            walk.add(group, None, NativeFrame(len(walk.frames), pc, sp, SIGNAL_FRAME, None, None, module))
            return
        place = lldb.SBAddress(pc - walk.is_caller, self._target)
        entry = place.GetLineEntry()
        file, line = (entry.GetFileSpec().fullpath, entry.GetLine()) if entry.IsValid() else (None, 0)
        block = place.GetBlock()
        outer = block
        while outer.IsValid():
            if outer.IsInlined():
                name = outer.GetInlinedName()
                walk.add(group, block, NativeFrame(len(walk.frames), pc, sp, name, *_position(file, line), module, True))
                file, line = outer.GetInlinedCallSiteFile().fullpath, outer.GetInlinedCallSiteLine()
                block = outer.GetParent()
            outer = outer.GetParent()
        position = _position(file, line)
        name = self._function(place, position[0])
        walk.add(group, block, NativeFrame(len(walk.frames), pc, sp, name, *position, module))

    def _function(self, place: lldb.SBAddress, file: str | None) -> str | None:
        function = place.GetFunction()
        if function.IsValid() and has_own_name(file):
            return str(function.GetName())
        symbol = self.symbol_at(place.GetLoadAddress(self._target))
        return symbol.name if symbol else None

    def _returns_from_signal(self, pc: int) -> bool:
        try:
            return self.read(pc, len(SIGNAL_RETURN)) == SIGNAL_RETURN
        except MemoryFault:
            return False

    def variables(self, lwp: int, level: int) -> Sequence[Variable]:
        walk = self._walk(lwp, level + 1)
        if level >= len(walk):
            return []
        frame, block = walk[level].frame, walk[level].block
        arguments: dict[str, Variable] = {}
        local: dict[str, Variable] = {}
        while block is not None and block.IsValid():
            for value in block.GetVariables(frame, True, True, False, lldb.eNoDynamicValues):
                # Of equal names the innermost block's is the one in scope.
                found = arguments if _is_argument(value) else local
                if value.GetName() not in found:
                    found[value.GetName()] = self._variable(lwp, level, value.GetNonSyntheticValue())
            block = block.GetParent() if not block.IsInlined() else None
        placed = (v for name, v in local.items() if name not in arguments and v.value is not None)
        return [*arguments.values(), *placed]

    def _variable(self, lwp: int, level: int, value: lldb.SBValue) -> Variable:
        kind = value.GetType()
        bits, is_address, missing = _bits(value, kind.GetCanonicalType())
        is_argument = _is_argument(value)
        if missing == LOST and kind.GetByteSize() <= 8:
            bits, missing = self._entry_value(lwp, level, value, is_argument)
            bits = bits & (1 << 8 * kind.GetByteSize()) - 1 if bits is not None else None
        return Variable(value.GetName(), tidy_type(kind.GetName() or ""), bits, missing, is_address, is_argument)

    def _entry_value(self, lwp: int, level: int, value: lldb.SBValue, is_argument: bool) -> tuple[int | None, str | None]:
        """(value, what is missing) of a variable that LLDB has no value of: its caller may know what it was."""
        frames = self.frames(lwp, level + 1)
        is_caller = known_registers(frames, level) == PRESERVED
        place = self._place(frames[level].pc - is_caller, value)
        if found := re.fullmatch(r"DW_OP_(?:GNU_)?entry_value\(DW_OP_reg(\d+) \w+\), DW_OP_stack_value", place):
            bits = self._entry_values.register(lwp, level, int(found[1]))
            return bits, LOST if bits is None else None
        if is_argument and not frames[level].is_inlined:
            target = self._target
            start = lldb.SBAddress(frames[level].pc - is_caller, target).GetFunction().GetStartAddress().GetLoadAddress(target)
            if found := re.fullmatch(r"DW_OP_reg(\d+) \w+", self._place(start, value)):
                bits = self._entry_values.register(lwp, level, int(found[1]))
                return bits, LOST if bits is None else "entry value"
        return None, LOST

    def _place(self, address: int, value: lldb.SBValue) -> str:
        """The DWARF expression of a variable's place at that address, in LLDB's words; empty if it has none there."""
        if address not in self._places:
            result = lldb.SBCommandReturnObject()
            context = lldb.SBExecutionContext(self._target)
            self._debugger.GetCommandInterpreter().HandleCommand(f"image lookup -v -a {address}", context, result, False)
            self._places[address] = {(v["name"], v["declared"]): v["place"] for v in PLACE.finditer(result.GetOutput() or "")}
        declared = value.GetDeclaration()
        at = f"{declared.GetFileSpec().GetFilename()}:{declared.GetLine()}:{declared.GetColumn()}"
        return self._places[address].get((value.GetName(), at), "")

    def registers(self, lwp: int, level: int = 0) -> dict[str, int]:
        walk = self._walk(lwp, level + 1)
        if level >= len(walk):
            return {}
        names = known_registers([each.native for each in walk], level)
        values = {name: _register(walk[level].frame, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    def signal(self) -> Signal | None:
        died = self._files().core_signal() if self.kind == "core" else self._live_signal()
        if died is None:
            return None
        return signals.before_handler(self, self.frames(died.lwp, signals.HANDLER_DEPTH), died, self.regions())

    def _live_signal(self) -> Signal | None:
        selected = self._process.GetSelectedThread().GetThreadID()
        for thread in sorted(self._process, key=lambda t: t.GetThreadID() != selected):
            if thread.GetStopReason() == lldb.eStopReasonSignal:
                number = thread.GetStopReasonDataAtIndex(0)
                if number in signals.DEADLY:
                    return signals.describe(thread.GetThreadID(), number, _siginfo(thread))
        return None

    def disassemble(self, address: int, count: int = 1, lwp: int | None = None) -> Sequence[tuple[int, str]]:
        target = self._target
        size = LONGEST_INSTRUCTION * count
        try:
            code = self.read(address, size)
        except MemoryFault:
            try:
                code = self.read(address, min(size, -address % 4096))
            except MemoryFault:
                return []
        listed = target.GetInstructionsWithFlavor(lldb.SBAddress(address, target), "att", code)
        found = []
        for index in range(min(count, listed.GetSize())):
            each = listed.GetInstructionAtIndex(index)
            found.append((address, tidy_instruction(f"{each.GetMnemonic(target)} {each.GetOperands(target)}")))
            address += each.GetByteSize()
        return found

    # --- symbols and types ----------------------------------------------------------------------

    def symbol(self, name: str, file: str | None = None) -> Symbol | None:
        return self._files().symbol(self, name, file) or self._dwarf_symbol(name, file)

    def _dwarf_symbol(self, name: str, file: str | None) -> Symbol | None:
        """A symbol that only separate debug information knows."""
        target = self._target
        for context in target.FindSymbols(name):
            symbol = context.GetSymbol()
            start = symbol.GetStartAddress().GetLoadAddress(target)
            if start != INVALID and (file is None or str(context.GetCompileUnit().GetFileSpec().fullpath).endswith(file)):
                return Symbol(name, start, max(symbol.GetEndAddress().GetLoadAddress(target) - start, 0))
        return None

    def symbol_at(self, address: int) -> Symbol | None:
        target = self._target
        try:
            place = target.ResolveLoadAddress(address)
        except (OverflowError, TypeError):
            return None
        symbol = place.GetSymbol()
        if symbol.IsSynthetic():
            return None
        start = symbol.GetStartAddress().GetLoadAddress(target) if symbol.IsValid() else INVALID
        return self._files().symbol_from(self, symbol.GetName(), start) if start != INVALID else None

    def struct(self, name: str) -> Struct | None:
        self.generation()
        if name not in self._structs:
            kind = self._find_type(name)
            self._structs[name] = Struct(name, kind.GetByteSize(), dict(_flatten(kind, "", 0))) if kind is not None else None
        return self._structs[name]

    def _find_type(self, name: str) -> lldb.SBType | None:
        # The list of all would have LLDB read the type once for each compile unit.
        for find in (lambda: [self._target.FindFirstType(name)], lambda: self._target.FindTypes(name)):
            for kind in find():
                bare = kind.GetCanonicalType()
                if bare.GetTypeClass() & STRUCTS and bare.GetByteSize() and bare.GetNumberOfFields():
                    return bare
        return None

    def evaluate(self, expression: str) -> int:
        refuse_side_effects(expression)
        if (known := simple_value(self, expression)) is not None:
            return known
        frame = self._process.GetSelectedThread().GetSelectedFrame()
        if not frame.IsValid():
            raise DebuggerError(NO_TARGET)
        value = _look(frame, expression)
        if not value.IsValid() or value.GetError().Fail():
            if symbol := self.symbol(expression.lstrip("&")):
                return symbol.address
            complaint = _complaint(value.GetError())
            if self.kind == "core":
                # LLDB's compiler knows more of C, but would map memory into a live process.
                value = frame.EvaluateExpression(expression, _harmless())
                complaint = complaint or _complaint(value.GetError())
            if not value.IsValid() or value.GetError().Fail():
                raise DebuggerError(f"`{expression}`: {complaint or 'there is no such value'}")
        if value.GetType().GetCanonicalType().GetTypeClass() & AGGREGATES:
            address = value.GetLoadAddress()
            if address == INVALID:
                raise DebuggerError(f"`{expression}` has no address")
            return int(address)
        return int(value.GetValueAsSigned()) & WORD

    def source(self, file: str, line: int, context: int = 2) -> Sequence[tuple[int, str]]:
        return read_source(file, line, context)


def check_interrupt(debugger: lldb.SBDebugger) -> None:
    """Raise KeyboardInterrupt if the user has pressed Ctrl-C since the command began."""
    # LLDB before 17 asks the command interpreter.
    asked = (
        debugger.InterruptRequested()
        if hasattr(debugger, "InterruptRequested")
        else debugger.GetCommandInterpreter().WasInterrupted()
    )
    if asked:
        raise KeyboardInterrupt


def _core_path(process: lldb.SBProcess) -> str | None:
    """The core's file.  LLDB before 16 does not tell it; but it has the file open."""
    if hasattr(process, "GetCoreFile"):
        return process.GetCoreFile().fullpath or None
    return next((path for _, _, _, path in elf.live_maps(os.getpid())[1] if elf.is_core(path)), None)


class _Frame(NamedTuple):
    """A frame, LLDB's own, and the innermost block that is this function's (None without debug information)."""

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
        """Whether the next frame's pc is where a call returns to, and not an instruction that the thread was at."""
        return bool(self.frames) and self.frames[-1].native.function != SIGNAL_FRAME

    def next_group(self) -> list[lldb.SBFrame]:
        """LLDB's frames of the next physical one: those with one canonical frame address.  Empty after the last."""
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

    def add(self, group: list[lldb.SBFrame], block: lldb.SBBlock | None, native: NativeFrame) -> None:
        self.frames.append(_Frame(native, group[min(self._inlined, len(group) - 1)], block))
        self._inlined += 1


def _position(file: str | None, line: int) -> tuple[str | None, int | None]:
    return (os.path.normpath(file), line) if file and line else (None, None)


def _register(frame: lldb.SBFrame, name: str) -> int | None:
    """A register as it was in that frame; None where it was not saved."""
    value = frame.FindRegister(name)
    if not value.IsValid() or value.GetError().Fail():
        return None
    error = lldb.SBError()
    bits = value.GetValueAsUnsigned(error)
    return int(bits) if error.Success() else None


def _siginfo(thread: lldb.SBThread) -> signals.Info | None:
    data = thread.GetSiginfo().GetData()
    return signals.decode(_raw(data, 24)) if data.GetByteSize() >= 24 else None


def _raw(data: lldb.SBData, size: int) -> bytes:
    error = lldb.SBError()
    raw = data.ReadRawData(error, 0, size)
    return bytes(raw) if error.Success() and raw else b""


def _is_argument(value: lldb.SBValue) -> bool:
    return bool(value.GetValueType() == lldb.eValueTypeVariableArgument)


def _bits(value: lldb.SBValue, kind: lldb.SBType) -> tuple[int | None, bool, str | None]:
    """(bits, False, None), (address of a struct or array, True, None), or (None, False, why not)."""
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
    raw = _raw(value.GetData(), size)
    return (int.from_bytes(raw, "little"), False, None) if raw else (None, False, LOST)


def _flatten(kind: lldb.SBType, prefix: str, base: int) -> Iterator[tuple[str, Field]]:
    for index in range(kind.GetNumberOfFields()):
        member = kind.GetFieldAtIndex(index)
        target = member.GetType().GetCanonicalType()
        position = member.GetOffsetInBits()
        offset, bit = base + position // 8, position % 8
        own = member.GetName() or ""
        name = prefix + own
        if member.IsBitfield():
            bits = member.GetBitfieldSizeInBits()
            yield name, Field(offset, (bit + bits + 7) // 8, bit, bits)
            continue
        if own:
            # LLDB gives a flexible array one item.
            yield name, Field(offset, 0 if member.GetType().GetName().endswith("[]") else target.GetByteSize())
        if target.GetTypeClass() & STRUCTS and name.count(".") < MAX_NESTING - 1:
            yield from _flatten(target, f"{name}." if own else prefix, offset)


def _look(frame: lldb.SBFrame, expression: str) -> lldb.SBValue:
    """Evaluate without LLDB's compiler: it reads, and can do nothing else to the target."""
    if hasattr(lldb, "eDILModeFull"):
        return frame.GetValueForVariablePath(expression, lldb.eNoDynamicValues, lldb.eDILModeFull)
    return frame.GetValueForVariablePath(expression, lldb.eNoDynamicValues)


def _harmless() -> lldb.SBExpressionOptions:
    """Options that let LLDB's compiler run nothing in the target."""
    options = lldb.SBExpressionOptions()
    options.SetAllowJIT(False)
    options.SetFetchDynamicValue(lldb.eNoDynamicValues)
    options.SetSuppressPersistentResult(True)
    return options


def _complaint(error: lldb.SBError) -> str:
    """The first line of LLDB's words, without the position in the expression; empty where it says nothing."""
    text = (error.GetCString() or "").strip().split("\n")[0]
    text = re.sub(r"^(?:error: )?(?:<user expression[^>]*>:\d+:\d+: )?", "", text)
    return "" if text in ("No value", "invalid value object") else text


# --- starting, for the command line: lldb opens a target that no person has opened ----------------


def open_core(executable: str, core: str, sysroot: str | None = None) -> LldbDebugger:
    """Make lldb open a core.

    Raises:
        DebuggerError: with lldb's complaint.
    """
    debugger = lldb.debugger
    if sysroot:
        debugger.HandleCommand(f"platform select --sysroot {_quoted(sysroot)} remote-linux")
    error = lldb.SBError()
    target = debugger.CreateTarget(executable, "", "", False, error)
    if error.Fail() or not target.IsValid():
        raise DebuggerError(f"lldb cannot open {executable}: {_complaint(error)}")
    process = target.LoadCore(core, error)
    if error.Fail() or not process.IsValid():
        raise DebuggerError(f"lldb cannot open {core}: {_complaint(error)}")
    debugger.SetSelectedTarget(target)
    return LldbDebugger(debugger)


def attach(pid: int) -> LldbDebugger:
    """Make lldb stop and inspect a running process.

    Raises:
        DebuggerError: with lldb's complaint.
    """
    debugger = lldb.debugger
    debugger.SetAsync(False)
    error = lldb.SBError()
    target = debugger.CreateTarget("", "", "", False, error)
    process = target.AttachToProcessWithID(debugger.GetListener(), pid, error)
    if error.Fail() or not process.IsValid():
        raise DebuggerError(f"lldb cannot attach to process {pid}: {_complaint(error)}")
    debugger.SetSelectedTarget(target)
    return LldbDebugger(debugger)


def leave() -> None:
    """Let a process that was attached to go on, unharmed; harmless for a core."""
    process = lldb.debugger.GetSelectedTarget().GetProcess()
    if process.IsValid() and process.GetPluginName() != "elf-core":
        process.Detach()


def _quoted(word: str) -> str:
    return '"' + re.sub(r'(["\\`$])', r"\\\1", word) + '"'
