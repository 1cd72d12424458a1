"""The gdb adapter (gdb 12 and later)."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

import gdb

from gdbext.debuggers import inlines, signals
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
from gdbext.debuggers.registers import PRESERVED, VOLATILE, known_registers
from gdbext.debuggers.text import has_own_name, refuse_side_effects, simple_value, tidy_instruction, tidy_type

WORD = (1 << 64) - 1
STRUCTS = {gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION}
AGGREGATES = STRUCTS | {gdb.TYPE_CODE_ARRAY}
INTEGERS = {
    gdb.TYPE_CODE_PTR,
    gdb.TYPE_CODE_REF,
    gdb.TYPE_CODE_INT,
    gdb.TYPE_CODE_CHAR,
    gdb.TYPE_CODE_BOOL,
    gdb.TYPE_CODE_ENUM,
    gdb.TYPE_CODE_RANGE,
}
LOST, NO_INTEGER = "optimized out", "not an integer"
NO_TARGET = "no process and no core; start one (`run`), attach to one (`attach PID`) or open a core (`core FILE`)"


class _Watch:
    """Counts the events after which memory and frames, or symbols, may be others; remembers which thread had the last signal."""

    def __init__(self) -> None:
        self.changes = 0
        self.symbols = 0
        self.signal: tuple[str, int] | None = None
        for name in ("cont", "exited", "inferior_deleted", "memory_changed", "register_changed"):
            getattr(gdb.events, name).connect(self._target_changed)
        for name in ("new_objfile", "free_objfile", "clear_objfiles"):
            if hasattr(gdb.events, name):  # free_objfile is younger than gdb 12
                getattr(gdb.events, name).connect(self._symbols_changed)
        gdb.events.stop.connect(self._stopped)

    def _target_changed(self, _event: object) -> None:
        self.changes += 1

    def _symbols_changed(self, _event: object) -> None:
        self.changes += 1
        self.symbols += 1

    def _stopped(self, event: gdb.StopEvent) -> None:
        self.changes += 1
        self.signal = None
        if isinstance(event, gdb.SignalEvent) and (thread := event.inferior_thread or gdb.selected_thread()):
            self.signal = event.stop_signal, _lwp(thread)


_watch = _Watch()


class GdbDebugger:
    """gdb's selected inferior, as :class:`gdbext.debuggers.base.Debugger`."""

    def __init__(self) -> None:
        self._types: _Types | None = None
        self._walks: dict[int, _Walk] = {}
        self._files_of_stop: TargetFiles | None = None
        self._stop: int | None = None

    @property
    def version(self) -> str:
        found = re.search(r"\d+(\.\d+)*", gdb.VERSION)
        return f"gdb {found[0] if found else gdb.VERSION}"

    @property
    def kind(self) -> str:
        threads = gdb.selected_inferior().threads()
        if not threads:
            raise DebuggerError(NO_TARGET)
        if any(thread.is_running() for thread in threads):
            raise DebuggerError("the process is running; stop it first (`interrupt`, or Ctrl-C)")
        return "core" if _connection() == "core" else "live"

    @property
    def path(self) -> str | None:
        return self._files().core

    @property
    def pid(self) -> int | None:
        return gdb.selected_inferior().pid or None

    @property
    def executable(self) -> str | None:
        name = gdb.current_progspace().filename
        return str(name) if name else None

    def generation(self) -> int:
        inferior = gdb.selected_inferior()
        return hash((_watch.changes, inferior.num, inferior.pid))

    def _files(self) -> TargetFiles:
        """The files of this stop.  What was kept of an earlier stop is dropped here."""
        stop = self.generation()
        if self._files_of_stop is None or stop != self._stop:
            self._stop = stop
            self._walks.clear()
            connection = _connection()
            core = _core_path() if connection == "core" else None
            self._files_of_stop = TargetFiles(core, self.pid if connection == "native" else None)
            self._entry_values = EntryValues(self, self._files_of_stop)
        return self._files_of_stop

    # --- memory ---------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> bytes:
        if size == 0:
            return b""
        files = self._files()
        try:
            data = files.read(self, address, size) if files.has_memory else gdb.selected_inferior().read_memory(address, size)
        except (gdb.error, OSError, OverflowError, ValueError, MemoryError):
            raise MemoryFault(address, size) from None
        if data is None:
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
        with _selection():
            for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
                lwp = _lwp(thread)
                fs_base = files.fs_base(lwp)
                if fs_base is None:
                    thread.switch()
                    fs_base = _register(gdb.newest_frame(), "fs_base")
                found.append(NativeThread(lwp, thread.num, files.thread_name(lwp), fs_base))
        return found

    def selected(self) -> tuple[int, int]:
        thread = gdb.selected_thread()
        if thread is None:
            raise DebuggerError(NO_TARGET)
        try:
            chosen = gdb.selected_frame().level()
        except gdb.error:
            return _lwp(thread), 0
        levels = self._walk(_lwp(thread), chosen + 1).levels
        return _lwp(thread), max((i for i, level in enumerate(levels) if level is not None and level <= chosen), default=0)

    def frames(self, lwp: int, limit: int = 256) -> Sequence[NativeFrame]:
        return self._walk(lwp, limit).frames[:limit]

    def _walk(self, lwp: int, limit: int) -> _Walk:
        files = self._files()
        known = self._walks.get(lwp)
        if _thread(lwp) is None:
            return _Walk(0, files, self)
        if known is None or (not known.complete and len(known.frames) < limit):
            with _selection(lwp):
                known = self._walks[lwp] = _Walk(limit, files, self)
        return known

    @contextmanager
    def _frame(self, lwp: int, number: int | None) -> Iterator[gdb.Frame | None]:
        """gdb's own frame of that number of its own, while its thread is selected; None if there is none."""
        with _selection(lwp):
            try:
                frame = gdb.newest_frame() if number is not None else None
                while frame is not None and frame.level() < number:
                    frame = frame.older()
            except gdb.error:
                frame = None
            yield frame

    def variables(self, lwp: int, level: int) -> Sequence[Variable]:
        numbers = self._walk(lwp, level + 1).levels
        with self._frame(lwp, numbers[level] if level < len(numbers) else None) as frame:
            if frame is None:
                return []
            try:
                block = frame.block()
                frame.select()  # for the expressions of entry values
            except (gdb.error, RuntimeError):
                return []
            is_caller = known_registers(self.frames(lwp, level + 1), level) == PRESERVED
            lost = _unsaved(frame) if is_caller else set()
            arguments: dict[str, Variable] = {}
            local: dict[str, Variable] = {}
            while block is not None:
                for symbol in block:
                    # Of equal names the innermost block's is the one in scope.
                    found = arguments if symbol.is_argument else local
                    if symbol.name not in found and (symbol.is_argument or _is_local(symbol)):
                        found[symbol.name] = self._variable(lwp, level, frame, block, symbol, lost)
                block = block.superblock if block.function is None else None
            placed = (v for name, v in local.items() if name not in arguments and v.value is not None)
            return [*arguments.values(), *placed]

    def _variable(
        self, lwp: int, level: int, frame: gdb.Frame, block: gdb.Block, symbol: gdb.Symbol, unsaved: set[int]
    ) -> Variable:
        """A variable of the selected frame.  ``unsaved``: see :func:`_unsaved`."""
        value, is_address, missing = None, False, None
        try:
            found = frame.read_var(symbol, block)
            value, is_address, missing = _bits(found)
            if value is not None and found.address is None and any(value == full & _mask(found) for full in unsaved):
                missing = LOST if _is_volatile(_place(symbol.name, frame.pc() - 1)) else None
        except (gdb.error, ValueError, TypeError, NotImplementedError) as error:
            missing = str(error)
        if missing == LOST:
            value, missing = self._entry_value(lwp, level, frame, symbol, is_caller=bool(unsaved))
        return Variable(symbol.name, tidy_type(_type_name(symbol.type)), value, missing, is_address, symbol.is_argument)

    def _entry_value(
        self, lwp: int, level: int, frame: gdb.Frame, symbol: gdb.Symbol, is_caller: bool
    ) -> tuple[int | None, str | None]:
        """(value, what is missing) of a variable that gdb has no value of: its caller may know what it was."""
        if symbol.is_argument:
            with suppress(gdb.error, ValueError, TypeError):
                bits, is_address, _ = _bits(gdb.parse_and_eval(f"{symbol.name}@entry"))
                if bits is not None and not is_address:
                    return bits, "entry value"
        if found := re.search(r"DW_OP_(?:GNU_)?entry_value\s+\d+: DW_OP_reg(\d+) ", _place(symbol.name, frame.pc() - is_caller)):
            bits = self._entry_values.register(lwp, level, int(found[1]))
            if bits is not None:
                return bits & (1 << 8 * symbol.type.sizeof) - 1, None
        return None, LOST

    def registers(self, lwp: int, level: int = 0) -> dict[str, int]:
        names = known_registers(self.frames(lwp, level + 1), level)
        # An inlined function has the registers of the one that it is inlined into.
        numbers = self._walk(lwp, level + 1).levels[level:]
        with self._frame(lwp, next((number for number in numbers if number is not None), None)) as frame:
            values = {name: _register(frame, name) for name in names} if frame is not None else {}
        return {name: value for name, value in values.items() if value is not None}

    def signal(self) -> Signal | None:
        died = self._files().core_signal() if self.kind == "core" else self._live_signal()
        if died is None:
            return None
        return signals.before_handler(self, self.frames(died.lwp, signals.HANDLER_DEPTH), died, self.regions())

    def _live_signal(self) -> Signal | None:
        name, lwp = _watch.signal or (None, None)
        said = gdb.execute("info program", to_string=True)
        found = re.search(r"stopped with signal (SIG\w+)", said)
        if found and found[1] != name:
            # gdb stopped before this module was there to see it.
            name, lwp = found[1], None
        number = getattr(signal, name or "", None)
        if number not in signals.DEADLY:
            return None
        threads = {_lwp(thread): thread for thread in gdb.selected_inferior().threads()}
        last = re.search(r"Last stopped for thread .*LWP (\d+)", said)
        likely = (lwp, int(last[1]) if last else None, self.selected()[0])
        for candidate in sorted(threads, key=lambda each: likely.index(each) if each in likely else len(likely)):
            info = _siginfo(candidate)
            if info is not None and info.number == number:
                return signals.describe(candidate, number, info)
        return signals.describe(lwp or self.selected()[0], number, None)

    def disassemble(self, address: int, count: int = 1, lwp: int | None = None) -> Sequence[tuple[int, str]]:
        try:
            with gdb.with_parameter("disassembly-flavor", "att"):
                listed = gdb.selected_inferior().architecture().disassemble(address, count=count)
            return [(item["addr"], tidy_instruction(item["asm"])) for item in listed]
        except (gdb.error, OverflowError):
            return []

    # --- symbols and types ----------------------------------------------------------------------

    def symbol(self, name: str, file: str | None = None) -> Symbol | None:
        return self._files().symbol(self, name, file) or _dwarf_symbol(name, file)

    def symbol_at(self, address: int) -> Symbol | None:
        try:
            text = gdb.execute(f"info symbol {address:#x}", to_string=True)
        except gdb.error:
            return None
        found = re.match(r"(.+?)(?: \+ (\d+))? in section", text)
        if not found:
            return None
        return self._files().symbol_from(self, found[1], address - int(found[2] or 0))

    def struct(self, name: str) -> Struct | None:
        if self._types is None or self._types.symbols != _watch.symbols:
            self._types = _Types()
        return self._types.struct(name)

    def evaluate(self, expression: str) -> int:
        refuse_side_effects(expression)
        if (known := simple_value(self, expression)) is not None:
            return known
        try:
            with gdb.with_parameter("may-call-functions", False):
                value = gdb.parse_and_eval(expression)
                if value.is_optimized_out:
                    raise DebuggerError(f"`{expression}` is optimized out here; give its address instead")
                code = value.type.strip_typedefs().code
                if code == gdb.TYPE_CODE_VOID:
                    raise DebuggerError(f"`{expression}` has no value")
                if code in AGGREGATES or code == gdb.TYPE_CODE_FUNC:
                    value = value.address
                    if value is None:
                        raise DebuggerError(f"`{expression}` has no address")
                return int(value) & WORD
        except (gdb.error, ValueError, TypeError) as error:
            raise DebuggerError(f"`{expression}`: {error}") from None

    def source(self, file: str, line: int, context: int = 2) -> Sequence[tuple[int, str]]:
        return read_source(file, line, context)


class _Walk:
    """The selected thread's stack, described.  ``levels`` are gdb's own numbers of the frames, None where gdb has none.

    gdb guesses frames of functions that ended in a jump (tail calls).  The other debugger's guesses are others, and no
    such frame has anything left in memory, so they are left out.
    """

    def __init__(self, limit: int, files: TargetFiles, debugger: GdbDebugger) -> None:
        self.frames: list[NativeFrame] = []
        self.levels: list[int | None] = []
        self.complete = False
        self._files = files
        self._debugger = debugger
        try:
            frame: gdb.Frame | None = gdb.newest_frame()
            while frame is not None and len(self.frames) < limit:
                physical = []
                while frame is not None and frame.type() in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
                    physical.append(frame)
                    frame = frame.older()
                physical += [frame] if frame is not None else []
                self._add([each for each in physical if each.type() != gdb.TAILCALL_FRAME])
                frame = frame.older() if frame is not None else None
            self.complete = frame is None
        except gdb.error:
            # A smashed stack ends the walk; what was found so far still counts.
            self.complete = True

    def _add(self, physical: list[gdb.Frame]) -> None:
        """Add a physical frame's functions: the inlined ones, innermost first, and the one that they are inlined into."""
        is_caller = bool(self.frames) and self.frames[-1].function != SIGNAL_FRAME
        described = [self._describe(frame, is_caller) for frame in physical]
        levels: list[int | None] = [frame.level() for frame in physical]
        if physical and not is_caller:
            described, levels = self._corrected(described, levels, [_source_of(frame) for frame in physical])
        self.frames += [replace(each, level=level) for level, each in enumerate(described, len(self.frames))]
        self.levels += levels

    def _corrected(
        self, described: list[NativeFrame], levels: list[int | None], sources: list[str | None]
    ) -> tuple[list[NativeFrame], list[int | None]]:
        """The functions that an instruction really belongs to: gdb may be wrong about them (see ``inlines.py``)."""
        place = self._files.dwarf_at(self._debugger, described[-1].pc)
        inlined = inlines.at(place.dwarf, place.address) if place else None
        if inlined is None or [each.name for each in inlined] == [each.function for each in described[:-1]]:
            return described, levels
        known = {each.function: index for index, each in enumerate(described)}
        file, line = described[0].file, described[0].line
        found: list[NativeFrame] = []
        found_levels: list[int | None] = []
        for name, call_line in [*((each.name, each.call_line) for each in inlined), (described[-1].function, None)]:
            index = known.get(name)
            if found:
                file = sources[index] if index is not None else None
            found.append(
                replace(described[0], function=name, file=file, line=line if file else None, is_inlined=len(found) < len(inlined))
            )
            found_levels.append(levels[index] if index is not None else None)
            line = call_line
        return found, found_levels

    def _describe(self, frame: gdb.Frame, is_caller: bool) -> NativeFrame:
        pc = frame.pc()
        position = frame.find_sal()
        file = line = None
        if position.symtab is not None and position.line:
            file, line = _path(position.symtab), position.line
        module = self._files.file_at(pc) or gdb.solib_name(pc)
        function = self._function(frame, pc - is_caller, file)
        return NativeFrame(0, pc, _register(frame, "rsp") or 0, function, file, line, module, frame.type() == gdb.INLINE_FRAME)

    def _function(self, frame: gdb.Frame, address: int, file: str | None) -> str | None:
        if frame.type() == gdb.SIGTRAMP_FRAME:
            return SIGNAL_FRAME
        name: str | None = frame.name()
        if name is not None and frame.function() is not None and has_own_name(file):
            # gdb takes glibc's internal name for the function's.
            return name.removeprefix("__GI_")
        symbol = self._debugger.symbol_at(address)
        return symbol.name if symbol is not None else name


def _source_of(frame: gdb.Frame) -> str | None:
    """The source file that has the frame's function."""
    function = frame.function()
    return _path(function.symtab) if function is not None and function.symtab is not None else None


def _path(symtab: gdb.Symtab) -> str:
    """A source file's path; as DWARF has it where even the compiler's folder is relative."""
    full = symtab.fullname()
    return str(os.path.normpath(full if os.path.isabs(full) else symtab.filename))


def _register(frame: gdb.Frame, name: str) -> int | None:
    """A register as it was in that frame; None where it was not saved."""
    try:
        return int(frame.read_register(name)) & WORD
    except (gdb.error, ValueError, TypeError):
        return None


def _unsaved(frame: gdb.Frame) -> set[int]:
    """What gdb takes for the registers of a caller's frame that nobody saved.

    It says that they are what the callee has in them, and shows variables by that: the values are wrong.
    """
    return {value for name in VOLATILE if (value := _register(frame, name)) is not None}


def _place(name: str, pc: int) -> str:
    """Where a variable of the selected frame lives at that instruction, in gdb's words."""
    try:
        text = gdb.execute(f"info address {name}", to_string=True)
    except gdb.error:
        return ""
    for start, end, place in re.findall(r"Range (0x[0-9a-f]+)-(0x[0-9a-f]+): ((?:.|\n)*?)(?=\n +Range|\Z)", text):
        if int(start, 16) <= pc < int(end, 16):
            return str(place)
    return "" if "multi-location" in text else text


def _is_volatile(place: str) -> bool:
    """Whether it is a register that callees may use for themselves."""
    return "entry_value" not in place and any(register in VOLATILE for register in re.findall(r"\$(\w+)", place))


def _is_local(symbol: gdb.Symbol) -> bool:
    """Variables of a frame: no static ones, none without any place, and of constants only those that were variables."""
    if symbol.is_variable:
        return symbol.addr_class not in (gdb.SYMBOL_LOC_STATIC, gdb.SYMBOL_LOC_OPTIMIZED_OUT)
    return bool(symbol.is_constant and symbol.type.strip_typedefs().code != gdb.TYPE_CODE_ENUM)


def _bits(value: gdb.Value) -> tuple[int | None, bool, str | None]:
    """(bits, False, None), (address of a struct or array, True, None), or (None, False, why not)."""
    kind = value.type.strip_typedefs()
    if value.is_optimized_out:
        return None, False, LOST
    if kind.code in AGGREGATES and value.address is not None:
        return int(value.address) & WORD, True, None
    if kind.code in STRUCTS:
        # A struct of one word lives in a register.
        whole = next((f for f in kind.fields() if getattr(f, "bitpos", 1) == 0 and f.type.sizeof == kind.sizeof), None)
        return _bits(value[whole]) if whole is not None else (None, False, NO_INTEGER)
    if kind.code not in INTEGERS:
        return None, False, NO_INTEGER
    bits = int(value) & _mask(value)
    if bits == 0 and kind.code == gdb.TYPE_CODE_PTR and "synthetic" in str(value):
        return None, False, LOST  # what it points to was optimized into registers
    return bits, False, None


def _mask(value: gdb.Value) -> int:
    """As many bits as the value has."""
    return int((1 << 8 * value.type.sizeof) - 1)


def _type_name(kind: gdb.Type) -> str:
    """A type as C has it, without a struct's members."""
    return kind.name or kind.tag or str(kind)


def _siginfo(lwp: int) -> signals.Info | None:
    with _selection(lwp):
        try:
            info = gdb.parse_and_eval("$_siginfo")
            words = info.cast(gdb.lookup_type("unsigned char").array(info.type.sizeof - 1))
            return signals.decode(bytes(int(words[i]) for i in range(24)))
        except gdb.error:
            return None


def _dwarf_symbol(name: str, file: str | None) -> Symbol | None:
    """A symbol that only separate debug information knows, or that gdb has of a remote target."""
    try:
        found = gdb.lookup_static_symbols(name) if file else [gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)]
        for symbol in found:
            if symbol is not None and (file is None or symbol.symtab.filename.endswith(file)):
                value = symbol.value()
                return Symbol(name, int(value.address) & WORD, 0 if value.type.code == gdb.TYPE_CODE_FUNC else value.type.sizeof)
        # Without debug information there is still the linker's symbol, whose size gdb does not tell.
        return None if file else Symbol(name, int(gdb.parse_and_eval(f"&'{name}'")) & WORD)
    except (gdb.error, ValueError, TypeError):
        return None


class _Types:
    """Struct layouts, as long as no symbols are read or dropped.

    gdb's own search reads one compile unit after the other until one has the name, some 10 ms each.  The unit of the
    bytecode interpreter knows nearly all of CPython's structs, and every Python backtrace has had it read.
    """

    def __init__(self) -> None:
        self._near = _types_of_unit("PyEval_EvalCode")
        self._structs: dict[str, Struct | None] = {}
        self.symbols = _watch.symbols

    def struct(self, name: str) -> Struct | None:
        if name not in self._structs:
            kind = self._find(name)
            self._structs[name] = Struct(name, kind.sizeof, dict(_flatten(kind, "", 0))) if kind is not None else None
        return self._structs[name]

    def _find(self, name: str) -> gdb.Type | None:
        """A struct by its typedef or tag."""
        if name in self._near and (kind := _as_struct(self._near[name].type)):
            return kind
        # A tag before a typedef: asked for a typedef that does not exist, gdb 13 reads every unit (1 s).
        for spelling in (f"struct {name}", f"union {name}", name):
            with suppress(gdb.error):
                if kind := _as_struct(gdb.lookup_type(spelling)):
                    return kind
        return None


def _as_struct(kind: gdb.Type) -> gdb.Type | None:
    bare = kind.strip_typedefs()
    return bare if bare.code in STRUCTS and bare.sizeof else None


def _types_of_unit(function: str) -> dict[str, gdb.Symbol]:
    """Typedefs and tags of the compile unit that has the function."""
    try:
        block = gdb.block_for_pc(int(gdb.parse_and_eval(f"&{function}")))
        while block is not None and not block.is_static:
            block = block.superblock
        return {s.name: s for s in block or () if s.addr_class == gdb.SYMBOL_LOC_TYPEDEF and s.type.sizeof}
    except (gdb.error, RuntimeError):
        return {}


def _flatten(kind: gdb.Type, prefix: str, base: int) -> Iterator[tuple[str, Field]]:
    for member in kind.fields():
        if not hasattr(member, "bitpos"):
            continue
        target = member.type.strip_typedefs()
        offset, bit = base + member.bitpos // 8, member.bitpos % 8
        name = prefix + (member.name or "")
        if member.bitsize:
            # gdb counts bits from the struct's start.
            yield name, Field(offset, (bit + member.bitsize + 7) // 8, bit, member.bitsize)
            continue
        if member.name:
            yield name, Field(offset, target.sizeof)
        if target.code in STRUCTS and name.count(".") < MAX_NESTING - 1:
            yield from _flatten(target, f"{name}." if member.name else prefix, offset)


def _lwp(thread: gdb.InferiorThread) -> int:
    return int(thread.ptid[1] or thread.ptid[0])


def _thread(lwp: int) -> gdb.InferiorThread | None:
    return next((thread for thread in gdb.selected_inferior().threads() if _lwp(thread) == lwp), None)


def _connection() -> str | None:
    """``core``, ``native``, ``remote``, ``extended-remote`` …"""
    connection = gdb.selected_inferior().connection
    return str(connection.type) if connection is not None else None


def _core_path() -> str | None:
    core = getattr(gdb.selected_inferior(), "corefile", None)
    if core is not None:
        return str(core.filename)
    found = re.search(r"Local core dump file:\s*`(.+)', file type", gdb.execute("info files", to_string=True))
    return found[1] if found else None


@contextmanager
def _selection(lwp: int | None = None) -> Iterator[None]:
    """Select a thread for a while; afterwards the user's own selection is as it was."""
    thread = gdb.selected_thread()
    frame = None
    with suppress(gdb.error):
        frame = gdb.selected_frame() if thread is not None else None
    try:
        if lwp is not None and (thread is None or lwp != _lwp(thread)):
            wanted = _thread(lwp)
            if wanted is not None:
                wanted.switch()
        yield
    finally:
        if thread is not None and thread.is_valid():
            if gdb.selected_thread() != thread:
                thread.switch()
            if frame is not None and frame.is_valid() and gdb.selected_frame() != frame:
                frame.select()


# --- starting, for the command line: gdb opens a target that no person has opened ------------------


def open_core(executable: str, core: str, sysroot: str | None = None) -> GdbDebugger:
    """Make gdb open a core.

    Raises:
        DebuggerError: with gdb's complaint.
    """
    try:
        if sysroot:
            gdb.execute(f"set sysroot {sysroot}")
        gdb.execute(f"file {_quoted(executable)}")
        # Not as a string: gdb cannot make one of what a damaged core has for names.
        gdb.execute(f"core-file {_plain_path(core)}")
    except gdb.error as error:
        raise DebuggerError(f"gdb cannot open {core}: {error}") from None
    return GdbDebugger()


def attach(pid: int) -> GdbDebugger:
    """Make gdb stop and inspect a running process.

    Raises:
        DebuggerError: with gdb's complaint.
    """
    try:
        gdb.execute(f"attach {pid}")
    except gdb.error as error:
        raise DebuggerError(f"gdb cannot attach to process {pid}: {error}") from None
    return GdbDebugger()


def leave() -> None:
    """Let a process that was attached to go on, unharmed; harmless for a core."""
    connection = getattr(gdb.selected_inferior(), "connection", None)
    if gdb.selected_inferior().pid and connection is not None and connection.type != "core":
        gdb.execute("detach")


def _quoted(path: str) -> str:
    return re.sub(r"([^\w/.+-])", r"\\\1", path)


def _plain_path(path: str) -> str:
    """A name of the file without characters that some version of gdb interprets (`core-file` takes quotes since 16 only)."""
    if re.fullmatch(r"[\w/.+-]+", path):
        return path
    return f"/proc/self/fd/{os.open(path, os.O_RDONLY)}"
