"""The stacks of one stop in gdb: frames, their variables and registers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property

import gdb

from gdbext.backends.adapter import LOST, NO_INTEGER, in_order, known
from gdbext.backends.gdb.printed import (
    function_name,
    library_at,
    output_of,
    source_path,
    symbol_name,
)
from gdbext.backends.gdb.threads import WORD, register, selection, threads_by_lwp
from gdbext.backends.gdb.types import AGGREGATES, STRUCTS
from gdbext.binfmt.dwarf import inlines, locations
from gdbext.binfmt.entry_values import EntryValues
from gdbext.binfmt.files import TargetFiles
from gdbext.target.cplusplus import function_in
from gdbext.target.expressions import has_own_name, plain_function, tidy_type
from gdbext.target.protocol import SIGNAL_FRAME, Debugger, NativeFrame, Variable
from gdbext.target.registers import GENERAL, PRESERVED, VOLATILE, known_registers

INTEGERS = {
    gdb.TYPE_CODE_PTR,
    gdb.TYPE_CODE_REF,
    gdb.TYPE_CODE_INT,
    gdb.TYPE_CODE_CHAR,
    gdb.TYPE_CODE_BOOL,
    gdb.TYPE_CODE_ENUM,
    gdb.TYPE_CODE_RANGE,
}

LAMBDA = "operator()"
"""All that gdb calls the body of one."""


class Stacks:
    """All threads' stacks, each walked when it is first asked for."""

    def __init__(self, debugger: Debugger, files: TargetFiles) -> None:
        self._debugger = debugger
        self._files = files
        self._walks: dict[int, Walk] = {}
        self._entry_values = EntryValues(debugger, files)

    @cached_property
    def _threads(self) -> dict[int, gdb.InferiorThread]:
        return threads_by_lwp()

    def walk(self, lwp: int, limit: int) -> Walk:
        """At least ``limit`` frames of a thread, or all."""
        known = self._walks.get(lwp)
        if lwp not in self._threads:
            return Walk(0, self._files, self._debugger)
        if known is None or (not known.complete and len(known.frames) < limit):
            with selection(self._threads[lwp]):
                known = self._walks[lwp] = Walk(limit, self._files, self._debugger)
        return known

    @contextmanager
    def _frame(self, lwp: int, number: int | None) -> Iterator[gdb.Frame | None]:
        """gdb's own frame of that number of its own, while its thread is selected; None if there is
        none.
        """
        with selection(self._threads.get(lwp)):
            try:
                frame = gdb.newest_frame() if number is not None and lwp in self._threads else None
                while frame is not None and frame.level() < number:
                    frame = frame.older()
            except gdb.error:
                frame = None
            yield frame

    def frames(self, lwp: int, limit: int) -> Sequence[NativeFrame]:
        return self.walk(lwp, limit).frames[:limit]

    def number(self, lwp: int, level: int) -> int:
        """gdb's own number of a frame; of a function that gdb has no frame of, that of the one that
        it is inlined into.
        """
        levels = self.walk(lwp, level + 1).levels[level:]
        return next((number for number in levels if number is not None), level)

    def variables(self, lwp: int, level: int) -> Sequence[Variable]:
        walk = self.walk(lwp, level + 1)
        if level in walk.lost:
            return self._lost_arguments(lwp, level, walk.lost[level])
        with self._frame(lwp, walk.levels[level] if level < len(walk.levels) else None) as frame:
            if frame is None:
                return []
            try:
                block = frame.block()
                frame.select()  # for the expressions of entry values
            except (gdb.error, RuntimeError):
                return []
            is_caller = known_registers(self.walk(lwp, level + 1).frames, level) == PRESERVED
            lost = _unsaved(frame) if is_caller else set()
            arguments: dict[str, Variable] = {}
            local: dict[str, Variable] = {}
            while block is not None:
                for symbol in block:
                    # Of equal names the innermost block's is the one in scope.
                    found = arguments if symbol.is_argument else local
                    name = symbol_name(symbol)
                    if name and name not in found and (symbol.is_argument or _is_local(symbol)):
                        found[name] = self._variable(lwp, level, frame, block, symbol, lost)
                block = block.superblock if block.function is None else None
            return in_order(arguments, local)

    def _lost_arguments(self, lwp: int, level: int, function: inlines.Inlined) -> list[Variable]:
        """The arguments of a function that gdb has no frame of."""
        frames = self.walk(lwp, level + 1).frames
        is_caller = known_registers(frames, level) == PRESERVED
        place = self._files.dwarf_at(self._debugger, frames[level].pc - is_caller)
        if place is None:
            return []
        return locations.arguments(
            place.dwarf,
            function.entry,
            place.address,
            self.registers(lwp, level),
            self._debugger,
            frames[level].pc - is_caller - place.address,
        )

    def _variable(
        self,
        lwp: int,
        level: int,
        frame: gdb.Frame,
        block: gdb.Block,
        symbol: gdb.Symbol,
        unsaved: set[int],
    ) -> Variable:
        """A variable of the selected frame.  ``unsaved``: see :func:`_unsaved`."""
        value, is_address, missing = None, False, None
        try:
            found = frame.read_var(symbol, block)
            value, is_address, missing = _bits(found)
            if (
                value is not None
                and found.address is None
                and any(value == full & _mask(found) for full in unsaved)
            ):
                missing = LOST if _is_volatile(_place(symbol.name, frame.pc() - 1)) else None
        except (gdb.error, ValueError, TypeError, NotImplementedError) as error:
            missing = str(error)
        if missing == LOST:
            value, missing = self._entry_value(lwp, level, frame, symbol, is_caller=bool(unsaved))
        return Variable(
            symbol.name,
            tidy_type(_type_name(symbol.type)),
            value,
            missing,
            is_address,
            symbol.is_argument,
        )

    def _entry_value(
        self, lwp: int, level: int, frame: gdb.Frame, symbol: gdb.Symbol, is_caller: bool
    ) -> tuple[int | None, str | None]:
        """(value, what is missing) of a variable that gdb has no value of: its caller may know what
        it was.
        """
        if symbol.is_argument:
            with suppress(gdb.error, ValueError, TypeError):
                bits, is_address, _ = _bits(gdb.parse_and_eval(f"{symbol.name}@entry"))
                if bits is not None and not is_address:
                    return bits, "entry value"
        if found := re.search(
            r"DW_OP_(?:GNU_)?entry_value\s+\d+: DW_OP_reg(\d+) ",
            _place(symbol.name, frame.pc() - is_caller),
        ):
            return self._on_entry(lwp, level, symbol, int(found[1]), None)
        if (
            symbol.is_argument
            and frame.type() != gdb.INLINE_FRAME
            and (function := frame.function()) is not None
        ):
            place = re.search(
                r"a variable in \$(\w+)", _place(symbol.name, int(function.value().address))
            )
            if place and place[1] in GENERAL:
                return self._on_entry(lwp, level, symbol, GENERAL.index(place[1]), "entry value")
        return None, LOST

    def _on_entry(
        self, lwp: int, level: int, symbol: gdb.Symbol, number: int, missing: str | None
    ) -> tuple[int | None, str | None]:
        """(value, what is missing) of a variable that was in that register when the frame's
        function was called.
        """
        bits = self._entry_values.register(lwp, level, number)
        return (
            (bits & (1 << 8 * symbol.type.sizeof) - 1, missing)
            if bits is not None
            else (None, LOST)
        )

    def registers(self, lwp: int, level: int) -> dict[str, int]:
        names = known_registers(self.walk(lwp, level + 1).frames, level)
        # An inlined function has the registers of the one that it is inlined into.
        numbers = self.walk(lwp, level + 1).levels[level:]
        with self._frame(
            lwp, next((number for number in numbers if number is not None), None)
        ) as frame:
            if frame is None:
                return {}
            return known((name, register(frame, name)) for name in names)


class Walk:
    """The selected thread's stack, described.

    ``levels`` are gdb's own numbers of the frames, None where gdb has none.

    gdb guesses frames of functions that ended in a jump (tail calls).  The other debugger's guesses
    are others, and no such frame has anything left in memory, so they are left out.
    """

    def __init__(self, limit: int, files: TargetFiles, debugger: Debugger) -> None:
        self.frames: list[NativeFrame] = []
        self.levels: list[int | None] = []
        self.lost: dict[int, inlines.Inlined] = {}
        """The inlined functions that gdb has no frame of, by level."""
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
        """Add a physical frame's functions: the inlined ones, innermost first, and the one that
        they are inlined into.
        """
        is_caller = bool(self.frames) and self.frames[-1].function != SIGNAL_FRAME
        described = [self._describe(frame, is_caller) for frame in physical]
        levels: list[int | None] = [frame.level() for frame in physical]
        sources = [_source_of(frame) for frame in physical]
        # Most callers' lines are right; to look all of them up would take long.
        if physical and (not is_caller or described[0].file not in (None, sources[0])):
            address = described[0].pc - is_caller
            files = [file for file in (*(each.file for each in described), *sources) if file]
            placed = self._placed(described[0], address, files)
            if not is_caller or placed != described[0]:
                described, levels = self._corrected(
                    [placed, *described[1:]], levels, address, files
                )
        names = [each.function or "" for each in described]
        self.frames += [
            replace(
                each,
                level=len(self.frames) + n,
                function=function_in(name, names[n + 1 :], each.file) or None,
            )
            for n, (each, name) in enumerate(zip(described, names))
        ]
        self.levels += levels

    def _placed(self, frame: NativeFrame, address: int, files: Sequence[str]) -> NativeFrame:
        """An innermost frame with the line that the instruction belongs to: gdb may be wrong about
        it (see ``lines.py``).
        """
        line = self._files.line_at(self._debugger, address)
        if line is None or (
            line.line == frame.line and frame.file and _is_same(frame.file, line.file)
        ):
            return frame
        return replace(frame, file=_known_path(line.file, files), line=line.line)

    def _corrected(
        self,
        described: list[NativeFrame],
        levels: list[int | None],
        address: int,
        files: Sequence[str],
    ) -> tuple[list[NativeFrame], list[int | None]]:
        """The functions that an instruction really belongs to: gdb may be wrong about them (see
        ``inlines.py``).
        """
        place = self._files.dwarf_at(self._debugger, address)
        inlined = inlines.at(place.dwarf, place.address) if place else None
        if (
            place is None
            or inlined is None
            or [each.name for each in inlined] == [each.function for each in described[:-1]]
        ):
            return described, levels
        known = {each.function: level for each, level in zip(described, levels)}
        lines = self._files.lines_of(place.dwarf)
        file, line = described[0].file, described[0].line
        found: list[NativeFrame] = []
        for each in inlined:
            if each.name not in known:
                self.lost[len(self.frames) + len(found)] = each
            found.append(
                replace(described[0], function=each.name, file=file, line=line, is_inlined=True)
            )
            path = (
                lines.file(each.entry.unit, each.call_file) if each.call_file is not None else None
            )
            file, line = (
                (_known_path(path, files), each.call_line)
                if path and each.call_line
                else (None, None)
            )
        found.append(
            replace(
                described[0],
                function=described[-1].function,
                file=file,
                line=line,
                is_inlined=False,
            )
        )
        return found, [known.get(each.function) for each in found]

    def _describe(self, frame: gdb.Frame, is_caller: bool) -> NativeFrame:
        pc = frame.pc()
        position = frame.find_sal()
        file = line = None
        if position.symtab is not None and position.line:
            file = source_path(position.symtab)
            line = position.line if file is not None else None
        module = self._files.file_at(pc) or library_at(pc)
        function = self._function(frame, pc - is_caller, file)
        return NativeFrame(
            0,
            pc,
            register(frame, "rsp") or 0,
            function,
            file,
            line,
            module,
            frame.type() == gdb.INLINE_FRAME,
        )

    def _function(self, frame: gdb.Frame, address: int, file: str | None) -> str | None:
        if frame.type() == gdb.SIGTRAMP_FRAME:
            return SIGNAL_FRAME
        name = function_name(frame)
        if name == LAMBDA and frame.type() != gdb.INLINE_FRAME:
            symbol = self._debugger.symbol_at(address)
            return plain_function(symbol.name) if symbol is not None else name
        if name is not None and frame.function() is not None and has_own_name(file):
            # gdb takes glibc's internal name for the function's.
            return name.removeprefix("__GI_")
        symbol = self._debugger.symbol_at(address)
        return plain_function(symbol.name) if symbol is not None else name


def _source_of(frame: gdb.Frame) -> str | None:
    """The source file that has the frame's function."""
    function = frame.function()
    symtab = function.symtab if function is not None else None
    return source_path(symtab) if symtab is not None else None


def _known_path(path: str, files: Sequence[str]) -> str:
    """A path of the debug information, in gdb's words where it has any: gdb finds files whose
    folder has moved.
    """
    return next((file for file in files if _is_same(file, path)), path)


def _is_same(path: str, other: str) -> bool:
    """Whether two paths are of one file: the longer one may have the folder of the build, which the
    other lacks.
    """
    return path == other or path.endswith("/" + other) or other.endswith("/" + path)


def _unsaved(frame: gdb.Frame) -> set[int]:
    """What gdb takes for the registers of a caller's frame that nobody saved.

    It says that they are what the callee has in them, and shows variables by that: the values are
    wrong.
    """
    return {value for name in VOLATILE if (value := register(frame, name)) is not None}


def _place(name: str, pc: int) -> str:
    """Where a variable of the selected frame lives at that instruction, in gdb's words."""
    text = output_of(f"info address {name}")
    for start, end, place in re.findall(
        r"Range (0x[0-9a-f]+)-(0x[0-9a-f]+): ((?:.|\n)*?)(?=\n +Range|\Z)", text
    ):
        if int(start, 16) <= pc < int(end, 16):
            return str(place)
    return "" if "multi-location" in text else text


def _is_volatile(place: str) -> bool:
    """Whether it is a register that callees may use for themselves."""
    return "entry_value" not in place and any(
        register in VOLATILE for register in re.findall(r"\$(\w+)", place)
    )


def _is_local(symbol: gdb.Symbol) -> bool:
    """Variables of a frame: no static ones, none without any place, and of constants only those
    that were variables.
    """
    if symbol.is_variable:
        return symbol.addr_class not in (gdb.SYMBOL_LOC_STATIC, gdb.SYMBOL_LOC_OPTIMIZED_OUT)
    return bool(symbol.is_constant and symbol.type.strip_typedefs().code != gdb.TYPE_CODE_ENUM)


def _bits(value: gdb.Value) -> tuple[int | None, bool, str | None]:
    """(bits, False, None), (address of a struct or array, True, None), or (None, False,
    why not).
    """
    kind = value.type.strip_typedefs()
    if value.is_optimized_out:
        return None, False, LOST
    if kind.code in AGGREGATES and value.address is not None:
        return int(value.address) & WORD, True, None
    if kind.code in STRUCTS:
        # A struct of one word lives in a register.
        whole = next(
            (
                f
                for f in kind.fields()
                if getattr(f, "bitpos", 1) == 0 and f.type.sizeof == kind.sizeof
            ),
            None,
        )
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
    """A type as C has it, without a struct's members; ``?`` where its name is not text."""
    try:
        return kind.name or kind.tag or str(kind)
    except UnicodeDecodeError:
        return "?"
