"""The LLDB adapter (LLDB 14 and later; LLDB 19 does not know the sizes of array members)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import partial

import lldb

from gdbext.backends.adapter import Adapter
from gdbext.backends.lldb.launcher import DEBUG_FOLDERS
from gdbext.backends.lldb.stack import AGGREGATES, INVALID, STRUCTS, Stacks, raw_bytes, register
from gdbext.backends.structs import Member, flattened
from gdbext.binfmt import elf
from gdbext.binfmt.debug_files import STANDARD, Where
from gdbext.binfmt.files import TargetFiles
from gdbext.target import signals
from gdbext.target.protocol import (
    DebuggerError,
    NativeThread,
    Signal,
    Struct,
    Symbol,
)

WORD = (1 << 64) - 1
NO_TARGET = (
    "no process and no core; start one (`run`), attach to one (`attach -p PID`) or open a core "
    "(`target create -c FILE`)"
)


class LldbDebugger(Adapter):
    """The selected target of an LLDB, as :class:`gdbext.target.protocol.Debugger`."""

    def __init__(self, debugger: lldb.SBDebugger) -> None:
        self._debugger = debugger
        self._generation = 0
        self._stop: tuple[int, ...] | None = None
        self._structs: dict[str, Struct | None] = {}
        self._files_of_stop = TargetFiles(None, None)
        self._stacks_of_stop = Stacks(self, self._files_of_stop, self._target)

    @property
    def version(self) -> str:
        found = re.search(r"\d+(\.\d+)+", self._debugger.GetVersionString())
        return f"lldb {found[0] if found else '?'}"

    @property
    def examine(self) -> str:
        return "memory read -fx -s8 -c1"

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
            raise DebuggerError(
                "the process is running; stop it first (`process interrupt`, or Ctrl-C)"
            )
        if state not in (lldb.eStateStopped, lldb.eStateCrashed, lldb.eStateSuspended):
            raise DebuggerError(NO_TARGET)
        return "core" if process.GetPluginName().endswith("-core") else "live"

    @property
    def pid(self) -> int | None:
        return self._process.GetProcessID() or None

    @property
    def executable(self) -> str | None:
        return self._target.GetExecutable().fullpath or None

    def generation(self) -> int:
        process = self._process
        stop = process.GetUniqueID(), process.GetStopID(), self._target.GetNumModules()
        if stop != self._stop:
            self._stop = stop
            self._generation += 1
            self._structs.clear()
            is_core = process.IsValid() and process.GetPluginName().endswith("-core")
            where = _where(self._debugger, self._target)
            self._files_of_stop = (
                TargetFiles(_core_path(process), None, where)
                if is_core
                else TargetFiles(None, self.pid, where)
            )
            self._stacks_of_stop = Stacks(self, self._files_of_stop, self._target)
        return self._generation

    def _files(self) -> TargetFiles:
        """The files of this stop.  What was kept of an earlier stop is dropped here."""
        self.generation()
        return self._files_of_stop

    def _stacks(self) -> Stacks:
        self.generation()
        return self._stacks_of_stop

    # --- memory ---------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> bytes:
        # Every long walk reads memory: here Ctrl-C reaches them all, as gdb's does.
        check_interrupt(self._debugger)
        return super().read(address, size)

    def _read_process(self, address: int, size: int) -> bytes | None:
        memory: bytes | None = self._process.ReadMemory(address, size, lldb.SBError())
        return memory

    # --- threads and frames ---------------------------------------------------------------------

    def threads(self) -> Sequence[NativeThread]:
        files = self._files()
        found = []
        for thread in sorted(self._process, key=lambda t: t.GetIndexID()):
            lwp = thread.GetThreadID()
            if not files.has_thread(lwp):
                continue
            fs_base = files.fs_base(lwp)
            if fs_base is None:
                fs_base = register(thread.GetFrameAtIndex(0), "fs_base")
            found.append(NativeThread(lwp, thread.GetIndexID(), files.thread_name(lwp), fs_base))
        return found

    def frame_number(self, lwp: int, level: int) -> int:
        return self._stacks().number(lwp, level)

    def selected(self) -> tuple[int, int]:
        thread = self._process.GetSelectedThread()
        if not thread.IsValid():
            raise DebuggerError(NO_TARGET)
        return thread.GetThreadID(), self._stacks().level_of(thread, thread.GetSelectedFrame())

    def _live_signal(self) -> Signal | None:
        selected = self._process.GetSelectedThread().GetThreadID()
        for thread in sorted(self._process, key=lambda t: t.GetThreadID() != selected):
            if thread.GetStopReason() == lldb.eStopReasonSignal:
                number = thread.GetStopReasonDataAtIndex(0)
                if number in signals.DEADLY:
                    return signals.describe(thread.GetThreadID(), number, _siginfo(thread))
        return None

    # --- symbols and types ----------------------------------------------------------------------

    def _dwarf_symbol(self, name: str, file: str | None) -> Symbol | None:
        target = self._target
        for context in target.FindSymbols(name):
            symbol = context.GetSymbol()
            start = symbol.GetStartAddress().GetLoadAddress(target)
            if start != INVALID and (
                file is None or str(context.GetCompileUnit().GetFileSpec().fullpath).endswith(file)
            ):
                return Symbol(
                    name, start, max(symbol.GetEndAddress().GetLoadAddress(target) - start, 0)
                )
        return None

    def _symbol_at(self, address: int) -> Symbol | None:
        target = self._target
        try:
            place = target.ResolveLoadAddress(address)
        except (OverflowError, TypeError):
            return None
        symbol = place.GetSymbol()
        if symbol.IsSynthetic():
            return None
        start = symbol.GetStartAddress().GetLoadAddress(target) if symbol.IsValid() else INVALID
        return (
            self._files().symbol_from(self, symbol.GetName(), start) if start != INVALID else None
        )

    def struct(self, name: str) -> Struct | None:
        self.generation()
        if name not in self._structs:
            kind = self._find_type(name)
            self._structs[name] = (
                Struct(name, kind.GetByteSize(), flattened(_members(kind)))
                if kind is not None
                else None
            )
        return self._structs[name]

    def _find_type(self, name: str) -> lldb.SBType | None:
        # The list of all would have LLDB read the type once for each compile unit.
        for find in (
            lambda: [self._target.FindFirstType(name)],
            lambda: self._target.FindTypes(name),
        ):
            for kind in find():
                bare = kind.GetCanonicalType()
                if (
                    bare.GetTypeClass() & STRUCTS
                    and bare.GetByteSize()
                    and bare.GetNumberOfFields()
                ):
                    return bare
        return None

    def _evaluate(self, expression: str) -> int:
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
    return next(
        (path for _, _, _, path in elf.live_maps(os.getpid())[1] if elf.is_core(path)), None
    )


def _where(debugger: lldb.SBDebugger, target: lldb.SBTarget) -> Where:
    """Where LLDB looks for the target's files."""
    found = debugger.GetInternalVariableValue(DEBUG_FOLDERS, debugger.GetInstanceName())
    folders = (found.GetStringAtIndex(i) for i in range(found.GetSize()))
    executable = target.GetExecutable().fullpath
    return Where(
        sysroot=_sysroot(target),
        executable=executable or None,
        folders=tuple(dict.fromkeys((*filter(None, folders), STANDARD))),
    )


def _sysroot(target: lldb.SBTarget) -> str:
    """The folder that stands for the target's ``/``: what LLDB put before the libraries' names."""
    for number in range(1, target.GetNumModules()):
        module = target.GetModuleAtIndex(number)
        here, there = module.GetFileSpec().fullpath, module.GetPlatformFileSpec().fullpath
        if here and there and here != there and here.endswith(there):
            return str(here.removesuffix(there))
    return ""


def _siginfo(thread: lldb.SBThread) -> signals.Info | None:
    data = thread.GetSiginfo().GetData()
    return signals.decode(raw_bytes(data, 24)) if data.GetByteSize() >= 24 else None


def _members(kind: lldb.SBType) -> Iterator[Member]:
    for index in range(kind.GetNumberOfFields()):
        member = kind.GetFieldAtIndex(index)
        bare = member.GetType().GetCanonicalType()
        # LLDB gives a flexible array one item.
        is_flexible = member.GetType().GetName().endswith("[]")
        yield Member(
            member.GetName() or None,
            member.GetOffsetInBits(),
            0 if is_flexible else bare.GetByteSize(),
            member.GetBitfieldSizeInBits() if member.IsBitfield() else 0,
            partial(_members, bare) if bare.GetTypeClass() & STRUCTS else None,
        )


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
    """The first line of LLDB's words, without the position in the expression; empty where it says
    nothing.
    """
    text = (error.GetCString() or "").strip().split("\n")[0]
    text = re.sub(r"^(?:error: )?(?:<user expression[^>]*>:\d+:\d+: )?", "", text)
    return "" if text in ("No value", "invalid value object") else text


# --- starting, for the command line: lldb opens a target that no person has opened ----------------


def open_core(
    executable: str, core: str, sysroot: str | None = None, debug_folder: str | None = None
) -> LldbDebugger:
    """Make lldb open a core; ``debug_folder`` has more debug information, by build id.

    Raises:
        DebuggerError: with lldb's complaint.
    """
    debugger = lldb.debugger
    if sysroot:
        debugger.HandleCommand(f"platform select --sysroot {_quoted(sysroot)} remote-linux")
    if debug_folder:
        debugger.HandleCommand(f"settings append {DEBUG_FOLDERS} {_quoted(debug_folder)}")
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
