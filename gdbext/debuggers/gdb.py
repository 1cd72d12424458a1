"""The gdb adapter (gdb 12 and later).  The only module that imports ``gdb``."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence

import gdb

from gdbext.debuggers import elf
from gdbext.debuggers.base import (
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

WORD = (1 << 64) - 1
GENERAL_REGISTERS = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split()
SIGNAL_CODES = {
    "SIGSEGV": {1: "SEGV_MAPERR", 2: "SEGV_ACCERR", 3: "SEGV_BNDERR", 4: "SEGV_PKUERR", 128: "SI_KERNEL"},
    "SIGBUS": {1: "BUS_ADRALN", 2: "BUS_ADRERR", 3: "BUS_OBJERR", 128: "SI_KERNEL"},
    "SIGFPE": {1: "FPE_INTDIV", 2: "FPE_INTOVF"},
    "SIGILL": {1: "ILL_ILLOPC", 2: "ILL_ILLOPN"},
    "SIGTRAP": {1: "TRAP_BRKPT", 2: "TRAP_TRACE"},
}
SENDER_CODES = {0: "SI_USER", -1: "SI_QUEUE", -6: "SI_TKILL"}
FAULT_SIGNALS = {"SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP"}
POINTER_CODES = {gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_REF}
AGGREGATE_CODES = {gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION, gdb.TYPE_CODE_ARRAY}

_generation = 0


def _target_ran(_event: object) -> None:
    global _generation
    _generation += 1


def _watch_target() -> None:
    """Count every event after which memory or the set of symbols may differ."""
    for name in ("stop", "cont", "exited", "new_objfile", "inferior_deleted", "memory_changed"):
        getattr(gdb.events, name).connect(_target_ran)


_watch_target()


def _guarded(method: Callable[..., object]) -> Callable[..., object]:
    """gdb's own errors become DebuggerError, with gdb's words."""

    @functools.wraps(method)
    def call(*args: object, **kwargs: object) -> object:
        try:
            return method(*args, **kwargs)
        except gdb.error as error:
            raise DebuggerError(str(error)) from None

    return call


class GdbDebugger:
    """gdb's selected inferior, as :class:`gdbext.debuggers.base.Debugger`."""

    def __init__(self) -> None:
        self._frames: dict[int, list[tuple[NativeFrame, gdb.Frame]]] = {}
        self._frames_generation = -1
        self._structs: dict[str, Struct | None] = {}

    @property
    def version(self) -> str:
        found = re.match(r"\d+(\.\d+)*", gdb.VERSION)
        digits = re.search(r"(\d+\.\d+)", gdb.VERSION)
        return f"gdb {found[0] if found else digits[1] if digits else gdb.VERSION}"

    @property
    def kind(self) -> str:
        connection = getattr(gdb.selected_inferior(), "connection", None)
        if gdb.selected_thread() is None:
            raise DebuggerError("no process and no core; start one (`run`), attach to one (`attach PID`) or open a core (`core FILE`)")
        return "core" if connection is not None and connection.type == "core" else "live"

    @property
    def path(self) -> str | None:
        details = getattr(gdb.selected_inferior(), "connection", None)
        if details is None or details.type != "core":
            return None
        found = re.search(r"Local core dump file:\s*`(.+)', file type", gdb.execute("info files", to_string=True))
        return found[1] if found else None

    @property
    def pid(self) -> int | None:
        return gdb.selected_inferior().pid or None

    @property
    def executable(self) -> str | None:
        return gdb.current_progspace().filename

    def generation(self) -> int:
        return _generation

    # --- memory ---------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> bytes:
        if size == 0:
            return b""
        try:
            return bytes(gdb.selected_inferior().read_memory(address, size))
        except (gdb.error, OverflowError, ValueError, MemoryError):
            raise MemoryFault(address, size) from None

    def regions(self) -> Sequence[Region]:
        return self._maps()[0]

    def modules(self) -> Sequence[Module]:
        bases: dict[str, int] = {}
        for start, _, _, path in self._maps()[1]:
            bases.setdefault(path, start)
        found = []
        for path, base in bases.items():
            build_id = elf.build_id_in_memory(self, base)
            if build_id is not None:
                found.append(Module(path, base, build_id))
        return found

    def _maps(self) -> tuple[list[Region], list[tuple[int, int, int, str]]]:
        if path := self.path:
            core = elf.read_core(path)
            return core.regions, core.files
        return elf.live_maps(self.pid) if self.pid else ([], [])

    # --- threads and frames ---------------------------------------------------------------------

    def threads(self) -> Sequence[NativeThread]:
        found = []
        with _selection():
            for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
                fs_base = None
                try:
                    thread.switch()
                    fs_base = int(gdb.newest_frame().read_register("fs_base")) & WORD
                except (gdb.error, ValueError):
                    pass
                lwp = thread.ptid[1] or thread.ptid[0]
                found.append(NativeThread(lwp, thread.num, thread.name, fs_base))
        return found

    @_guarded
    def selected(self) -> tuple[int, int]:
        thread = gdb.selected_thread()
        if thread is None:
            raise DebuggerError("no thread is selected")
        frame = gdb.selected_frame()
        level = 0
        newer = frame.newer()
        while newer is not None:
            level += 1
            newer = newer.newer()
        return thread.ptid[1] or thread.ptid[0], level

    def frames(self, lwp: int, limit: int = 256) -> Sequence[NativeFrame]:
        return [frame for frame, _ in self._walk(lwp, limit)]

    def _walk(self, lwp: int, limit: int) -> list[tuple[NativeFrame, gdb.Frame]]:
        if self._frames_generation != _generation:
            self._frames.clear()
            self._frames_generation = _generation
        known = self._frames.get(lwp)
        if known is not None and (len(known) >= limit or known[-1:] and known[-1][1].older() is None):
            return known[:limit]
        with _selection(lwp):
            found: list[tuple[NativeFrame, gdb.Frame]] = []
            try:
                frame: gdb.Frame | None = gdb.newest_frame()
                while frame is not None and len(found) < limit:
                    found.append((self._describe(frame, len(found)), frame))
                    frame = frame.older()
            except (gdb.error, MemoryError):
                # A smashed stack ends the walk; what was found so far still counts.
                pass
        self._frames[lwp] = found
        return found

    def _describe(self, frame: gdb.Frame, level: int) -> NativeFrame:
        pc = frame.pc()
        file = line = None
        try:
            position = frame.find_sal()
            if position.symtab is not None and position.line:
                file, line = position.symtab.fullname(), position.line
        except (gdb.error, ValueError):
            pass
        try:
            sp = int(frame.read_register("rsp")) & WORD
        except (gdb.error, ValueError):
            sp = 0
        return NativeFrame(level, pc, sp, frame.name(), file, line, gdb.solib_name(pc) or self.executable, frame.type() == gdb.INLINE_FRAME)

    def variables(self, lwp: int, level: int) -> Sequence[Variable]:
        walked = self._walk(lwp, level + 1)
        if level >= len(walked):
            return []
        frame = walked[level][1]
        with _selection(lwp):
            try:
                frame.select()
                block: gdb.Block | None = frame.block()
            except (gdb.error, RuntimeError):
                return []
            arguments, local = [], []
            names: set[str] = set()
            while block is not None:
                for symbol in block:
                    if symbol.name in names or not (symbol.is_argument or symbol.is_variable):
                        continue
                    names.add(symbol.name)
                    (arguments if symbol.is_argument else local).append(_variable(frame, symbol))
                if block.function is not None:
                    break
                block = block.superblock
            return arguments + local

    def registers(self, lwp: int, level: int = 0) -> dict[str, int]:
        walked = self._walk(lwp, level + 1)
        if level >= len(walked):
            return {}
        found = {}
        for name in GENERAL_REGISTERS:
            try:
                found[name] = int(walked[level][1].read_register(name)) & WORD
            except (gdb.error, ValueError, TypeError):
                continue  # not saved in that frame
        return found

    def signal(self) -> Signal | None:
        threads = {t.ptid[1] or t.ptid[0]: t for t in gdb.selected_inferior().threads()}
        stopped = self._stop_signal()
        if stopped is None:
            return None
        name, lwp = stopped
        number = code = address = None
        if lwp in threads:
            with _selection(lwp):
                try:
                    info = gdb.parse_and_eval("$_siginfo")
                    number, raw_code = int(info["si_signo"]), int(info["si_code"])
                    code = SIGNAL_CODES.get(name, {}).get(raw_code) or SENDER_CODES.get(raw_code) or str(raw_code)
                    if name in FAULT_SIGNALS and raw_code > 0:
                        address = int(info["_sifields"]["_sigfault"]["si_addr"]) & WORD
                except (gdb.error, ValueError):
                    pass
        return Signal(name, lwp, number, code, address)

    def _stop_signal(self) -> tuple[str, int] | None:
        """(signal, LWP) of the last stop.  A core's is thread 1: the kernel writes the dying thread first."""
        if self.kind == "core":
            first = min(gdb.selected_inferior().threads(), key=lambda t: t.num)
            lwp = first.ptid[1] or first.ptid[0]
            with _selection(lwp):
                try:
                    number = int(gdb.parse_and_eval("$_siginfo.si_signo"))
                except gdb.error:
                    try:
                        number = int(gdb.parse_and_eval("$_siginfo.si_signo")) if False else 0
                    except gdb.error:
                        number = 0
            return (_signal_name(number), lwp) if number else None
        found = re.search(r"It stopped at (?:signal )?(SIG\w+)", gdb.execute("info program", to_string=True))
        thread = gdb.selected_thread()
        if thread is None:
            return None
        text = found[1] if found else None
        if text in (None, "SIGINT", "SIGSTOP", "SIGTRAP"):
            return None
        return text, thread.ptid[1] or thread.ptid[0]

    def disassemble(self, address: int, count: int = 1, lwp: int | None = None) -> Sequence[tuple[int, str]]:
        try:
            architecture = gdb.selected_inferior().architecture()
            return [
                (item["addr"], re.sub(r"\s*(<[^>]*>|#.*)", "", item["asm"])) for item in architecture.disassemble(address, count=count)
            ]
        except (gdb.error, AttributeError):
            return []

    # --- symbols and types ----------------------------------------------------------------------

    def symbol(self, name: str, file: str | None = None) -> Symbol | None:
        quoted = f"'{file}'::{name}" if file else f"'{name}'" if not name.isidentifier() else name
        try:
            value = gdb.parse_and_eval(f"&{quoted}")
            size = value.type.target().sizeof if value.type.code in POINTER_CODES else 0
            return Symbol(name, int(value) & WORD, size)
        except (gdb.error, ValueError):
            return None

    def symbol_at(self, address: int) -> Symbol | None:
        try:
            text = gdb.execute(f"info symbol {address:#x}", to_string=True)
        except gdb.error:
            return None
        found = re.match(r"(\S+)(?: \+ (\d+))? in section", text)
        if not found:
            return None
        start = address - int(found[2] or 0)
        size = 0
        try:
            block = gdb.block_for_pc(address)
            while block is not None and block.function is None:
                block = block.superblock
            if block is not None:
                size = block.end - block.start
        except (gdb.error, RuntimeError):
            pass
        return Symbol(found[1], start, size)

    def struct(self, name: str) -> Struct | None:
        if name not in self._structs:
            found = None
            for spelling in (name, f"struct {name}"):
                try:
                    kind = gdb.lookup_type(spelling).strip_typedefs()
                except gdb.error:
                    continue
                if kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION) and kind.sizeof:
                    found = Struct(name, kind.sizeof, dict(_flatten(kind, "", 0)))
                    break
            self._structs[name] = found
        return self._structs[name]

    def evaluate(self, expression: str) -> int:
        try:
            value = gdb.parse_and_eval(expression)
            if value.is_optimized_out:
                raise DebuggerError(f"`{expression}` is optimized out here; give its address instead")
            kind = value.type.strip_typedefs()
            if kind.code in AGGREGATE_CODES:
                value = value.address
            return int(value) & WORD
        except (gdb.error, ValueError, TypeError) as error:
            raise DebuggerError(f"`{expression}`: {error}") from None

    def source(self, file: str, line: int, context: int = 2) -> Sequence[tuple[int, str]]:
        return read_source(file, line, context)


def read_source(file: str, line: int, context: int) -> list[tuple[int, str]]:
    """(number, text) of the lines around ``line`` of a file; empty if it cannot be read."""
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return []
    first = max(line - context, 1)
    return [(n, lines[n - 1]) for n in range(first, min(line + context, len(lines)) + 1)]


def _signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


class _selection:
    """Select a thread for a while; afterwards the user's own selection is as it was."""

    def __init__(self, lwp: int | None = None) -> None:
        self._lwp = lwp
        self._thread: gdb.InferiorThread | None = None
        self._frame: gdb.Frame | None = None

    def __enter__(self) -> None:
        self._thread = gdb.selected_thread()
        try:
            self._frame = gdb.selected_frame() if self._thread else None
        except gdb.error:
            self._frame = None
        if self._lwp is None:
            return
        if self._thread and self._lwp == (self._thread.ptid[1] or self._thread.ptid[0]):
            return
        for thread in gdb.selected_inferior().threads():
            if self._lwp == (thread.ptid[1] or thread.ptid[0]):
                thread.switch()
                return

    def __exit__(self, *_exc: object) -> None:
        if self._thread and self._thread.is_valid():
            self._thread.switch()
            if self._frame and self._frame.is_valid():
                self._frame.select()


def _variable(frame: gdb.Frame, symbol: gdb.Symbol) -> Variable:
    kind = str(symbol.type)
    try:
        value = frame.read_var(symbol)
        if value.is_optimized_out:
            if symbol.is_argument:
                # What the argument was on entry often survives where its present value does not.
                try:
                    entry = gdb.parse_and_eval(f"{symbol.name}@entry")
                    if not entry.is_optimized_out:
                        return Variable(symbol.name, kind, int(entry) & WORD, "entry value")
                except (gdb.error, ValueError, TypeError):
                    pass
            return Variable(symbol.name, kind, None, "optimized out")
        code = value.type.strip_typedefs().code
        if code in AGGREGATE_CODES:
            address = value.address
            return Variable(symbol.name, kind, int(address) & WORD if address is not None else None, None, True)
        if code == gdb.TYPE_CODE_FLT:
            return Variable(symbol.name, kind, None, "a floating-point value")
        return Variable(symbol.name, kind, int(value) & WORD)
    except (gdb.error, ValueError, TypeError) as error:
        return Variable(symbol.name, kind, None, str(error))


def _flatten(kind: gdb.Type, prefix: str, base: int) -> Iterator[tuple[str, Field]]:
    for member in kind.fields():
        if not hasattr(member, "bitpos"):
            continue
        target = member.type.strip_typedefs()
        offset = base + member.bitpos // 8
        name = prefix + member.name if member.name else prefix
        if member.name:
            if member.bitsize:
                # gdb counts a bit-field's bitpos from the struct's start, in bits.
                yield name, Field(offset, 1, member.bitpos % 8, member.bitsize)
                continue
            yield name, Field(offset, target.sizeof)
        if target.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
            yield from _flatten(target, f"{name}." if member.name else prefix, offset)
