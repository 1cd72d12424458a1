"""The drgn adapter (drgn 0.3 and later): cores, read in this very process."""

from __future__ import annotations

from collections.abc import Sequence

import drgn
from drgn import FindObjectFlags

from gdbext.backends.drgn import types
from gdbext.backends.drgn.expressions import Expressions
from gdbext.backends.drgn.program import ERRORS, open_program
from gdbext.backends.drgn.stack import Stacks
from gdbext.binfmt import elf
from gdbext.binfmt.debug_files import STANDARD, Where
from gdbext.binfmt.files import TargetFiles, read_source
from gdbext.target import signals
from gdbext.target.protocol import (
    DebuggerError,
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
from gdbext.target.text import refuse_side_effects, simple_value


class DrgnDebugger:
    """A core, as :class:`gdbext.target.protocol.Debugger`."""

    def __init__(
        self, executable: str, core: str, sysroot: str = "", folders: tuple[str, ...] = (STANDARD,)
    ) -> None:
        self._core = core
        self._executable = executable
        self._info = elf.read_core(core)
        self._files = TargetFiles(
            core, None, Where(sysroot=sysroot, executable=executable, folders=folders)
        )
        self._program = open_program(core, self._files, self)
        self._stacks = Stacks(self, self._files, self._program)
        self._structs: dict[str, Struct | None] = {}

    @property
    def version(self) -> str:
        return f"drgn {drgn.__version__}"

    @property
    def kind(self) -> str:
        return "core"

    @property
    def path(self) -> str | None:
        return self._core

    @property
    def pid(self) -> int | None:
        return self._info.pid

    @property
    def executable(self) -> str | None:
        return self._executable

    def generation(self) -> int:
        return 0

    # --- memory ---------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> bytes:
        if size == 0:
            return b""
        try:
            data = self._files.read(self, address, size)
        except (OSError, OverflowError, ValueError, MemoryError):
            raise MemoryFault(address, size) from None
        if data is None:
            raise MemoryFault(address, size)
        return data

    def regions(self) -> Sequence[Region]:
        return self._files.regions

    def modules(self) -> Sequence[Module]:
        return self._files.modules(self)

    # --- threads and frames ---------------------------------------------------------------------

    def threads(self) -> Sequence[NativeThread]:
        return [
            NativeThread(thread.lwp, number, self._files.thread_name(thread.lwp), thread.fs_base)
            for number, thread in enumerate(self._info.threads, 1)
        ]

    def selected(self) -> tuple[int, int]:
        return self._info.threads[0].lwp, 0

    def frames(self, lwp: int, limit: int = 256) -> Sequence[NativeFrame]:
        return [each.native for each in self._stacks.walk(lwp, limit)[:limit]]

    def variables(self, lwp: int, level: int) -> Sequence[Variable]:
        return self._stacks.variables(lwp, level)

    def registers(self, lwp: int, level: int = 0) -> dict[str, int]:
        return self._stacks.registers(lwp, level)

    def signal(self) -> Signal | None:
        died = self._files.core_signal()
        if died is None:
            return None
        frames = self.frames(died.lwp, signals.HANDLER_DEPTH)
        return signals.before_handler(self, frames, died, self.regions())

    # --- symbols and types ----------------------------------------------------------------------

    def symbol(self, name: str, file: str | None = None) -> Symbol | None:
        return self._files.symbol(self, name, file) or self._dwarf_symbol(name, file)

    def _dwarf_symbol(self, name: str, file: str | None) -> Symbol | None:
        """A symbol that only separate debug information knows."""
        try:
            found = self._program.object(
                name, FindObjectFlags.FUNCTION | FindObjectFlags.VARIABLE, file
            )
        except ERRORS:
            return None
        if found.address_ is None:
            return None
        return Symbol(name, found.address_, types.size_of(found.type_))

    def symbol_at(self, address: int) -> Symbol | None:
        try:
            found = self._program.symbol(address)
            return self._files.symbol_from(self, found.name, found.address)
        except ERRORS:
            return None

    def struct(self, name: str) -> Struct | None:
        if name not in self._structs:
            self._structs[name] = types.struct(self._program, name)
        return self._structs[name]

    def evaluate(self, expression: str) -> int:
        refuse_side_effects(expression)
        if (known := simple_value(self, expression)) is not None:
            return known
        walk = self._stacks.walk(self.selected()[0], 1)
        frame = walk[0].frame if walk else None
        registers = self.registers(*self.selected())
        return Expressions(self._program, frame, registers, self.symbol).value(expression)

    def source(self, file: str, line: int, context: int = 2) -> Sequence[tuple[int, str]]:
        return read_source(file, line, context)


def open_core(
    executable: str, core: str, sysroot: str | None = None, debug_folder: str | None = None
) -> DrgnDebugger:
    """Open a core; ``debug_folder`` has more debug information, by build id.

    Raises:
        DebuggerError: with drgn's complaint.
    """
    folders = (debug_folder, STANDARD) if debug_folder else (STANDARD,)
    return DrgnDebugger(executable, core, sysroot or "", folders)


def attach(pid: int) -> DrgnDebugger:
    """Always raises: drgn does not unwind the stacks of running processes.

    Raises:
        DebuggerError
    """
    raise DebuggerError(
        f"drgn reads cores only; for process {pid} take gdb or lldb, or a snapshot of it "
        "(--snapshot)"
    )


def leave() -> None:
    """Nothing is held."""
