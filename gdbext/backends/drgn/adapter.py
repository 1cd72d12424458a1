"""The drgn adapter (drgn 0.3 and later): cores, read in this very process."""

from __future__ import annotations

from collections.abc import Sequence

import drgn
from drgn import FindObjectFlags

from gdbext.backends.adapter import Adapter
from gdbext.backends.drgn import types
from gdbext.backends.drgn.expressions import Expressions
from gdbext.backends.drgn.program import ERRORS, Opened
from gdbext.backends.drgn.stack import Stacks
from gdbext.binfmt import elf
from gdbext.binfmt.debug_files import STANDARD, Where
from gdbext.binfmt.files import TargetFiles
from gdbext.target.protocol import (
    DebuggerError,
    NativeThread,
    Struct,
    Symbol,
)


class DrgnDebugger(Adapter):
    """A core, as :class:`gdbext.target.protocol.Debugger`."""

    def __init__(
        self, executable: str, core: str, sysroot: str = "", folders: tuple[str, ...] = (STANDARD,)
    ) -> None:
        self._executable = executable
        self._info = elf.read_core(core)
        self._target_files = TargetFiles(
            core, None, Where(sysroot=sysroot, executable=executable, folders=folders)
        )
        self._opened = Opened(core, self._target_files, self)
        self._program = self._opened.program
        self._stacks_of_core = Stacks(self, self._target_files, self._opened)
        self._structs: dict[str, Struct | None] = {}

    def _files(self) -> TargetFiles:
        return self._target_files

    def _stacks(self) -> Stacks:
        return self._stacks_of_core

    @property
    def version(self) -> str:
        return f"drgn {drgn.__version__}"

    @property
    def kind(self) -> str:
        return "core"

    @property
    def pid(self) -> int | None:
        return self._info.pid

    @property
    def executable(self) -> str | None:
        return self._executable

    def generation(self) -> int:
        return 0

    # --- memory ---------------------------------------------------------------------------------

    def _read_process(self, address: int, size: int) -> None:
        return None  # a core's is in its file

    # --- threads and frames ---------------------------------------------------------------------

    def threads(self) -> Sequence[NativeThread]:
        return [
            NativeThread(
                thread.lwp, number, self._target_files.thread_name(thread.lwp), thread.fs_base
            )
            for number, thread in enumerate(self._info.threads, 1)
        ]

    def selected(self) -> tuple[int, int]:
        return self._info.threads[0].lwp, 0

    def _live_signal(self) -> None:
        return None

    # --- symbols and types ----------------------------------------------------------------------

    def _dwarf_symbol(self, name: str, file: str | None) -> Symbol | None:
        self._opened.read_all()
        try:
            found = self._program.object(
                name, FindObjectFlags.FUNCTION | FindObjectFlags.VARIABLE, file
            )
        except ERRORS:
            return None
        if found.address_ is None:
            return None
        return Symbol(name, found.address_, types.size_of(found.type_))

    def _symbol_at(self, address: int) -> Symbol | None:
        self._opened.read_at([address])
        try:
            found = self._program.symbol(address)
            return self._target_files.symbol_from(self, found.name, found.address)
        except ERRORS:
            return None

    def struct(self, name: str) -> Struct | None:
        if name not in self._structs:
            found = types.struct(self._program, name)
            if found is None and self._opened.read_all():
                found = types.struct(self._program, name)
            self._structs[name] = found
        return self._structs[name]

    def _evaluate(self, expression: str) -> int:
        self._opened.read_all()
        walk = self._stacks_of_core.walk(self.selected()[0], 1)
        frame = walk[0].frame if walk else None
        registers = self.registers(*self.selected())
        return Expressions(self._program, frame, registers, self.symbol).value(expression)


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
