"""What the adapters have in common: all that a target's files answer, and how an answer is made of
theirs and the debugger's.

Nothing here imports a debugger.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from signal import SIGTRAP
from typing import Protocol

from gdbext.binfmt import elf
from gdbext.binfmt.files import TargetFiles, read_source
from gdbext.target import signals
from gdbext.target.expressions import refuse_side_effects, simple_value
from gdbext.target.protocol import (
    Debugger,
    MappedFile,
    MemoryFault,
    Module,
    NativeFrame,
    Region,
    Signal,
    Symbol,
    Variable,
)

LOST, NO_INTEGER = "optimized out", "not an integer"
"""Why a variable has no value."""


class Stacks(Protocol):
    """All threads' stacks of one stop; as :class:`gdbext.target.protocol.Debugger` asks for
    them.
    """

    def frames(self, lwp: int, limit: int) -> Sequence[NativeFrame]: ...

    def variables(self, lwp: int, level: int) -> Sequence[Variable]: ...

    def registers(self, lwp: int, level: int) -> dict[str, int]: ...


class Adapter(Debugger, ABC):
    """A debugger's target, of which the files are read here."""

    ERRORS: tuple[type[Exception], ...] = (
        OSError,
        OverflowError,
        TypeError,
        ValueError,
        MemoryError,
    )
    """What the debugger raises where memory cannot be read."""

    @abstractmethod
    def _files(self) -> TargetFiles:
        """The files of this stop."""

    @abstractmethod
    def _stacks(self) -> Stacks:
        """The stacks of this stop."""

    @property
    def examine(self) -> str:
        return "x/gx"

    @property
    def path(self) -> str | None:
        return self._files().core

    # --- memory ---------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> bytes:
        if size == 0:
            return b""
        files = self._files()
        try:
            data = (
                files.read(self, address, size)
                if files.has_memory
                else self._read_process(address, size)
            )
        except self.ERRORS:
            raise MemoryFault(address, size) from None
        if data is None or len(data) != size:
            raise MemoryFault(address, size)
        return bytes(data)

    @abstractmethod
    def _read_process(self, address: int, size: int) -> bytes | memoryview | None:
        """The same of a process that is alive."""

    def regions(self) -> Sequence[Region]:
        return self._files().regions

    def mapped_files(self) -> Sequence[MappedFile]:
        return self._files().mapped

    def file_build_id(self, path: str) -> str | None:
        return elf.build_id_in_file(path)

    def modules(self) -> Sequence[Module]:
        return self._files().modules(self)

    # --- threads and frames ---------------------------------------------------------------------

    def frames(self, lwp: int, limit: int = 256) -> Sequence[NativeFrame]:
        return self._stacks().frames(lwp, limit)

    def frame_number(self, lwp: int, level: int) -> int:
        return level

    def variables(self, lwp: int, level: int) -> Sequence[Variable]:
        return self._stacks().variables(lwp, level)

    def registers(self, lwp: int, level: int = 0) -> dict[str, int]:
        return self._stacks().registers(lwp, level)

    def signal(self) -> Signal | None:
        died = self._files().core_signal() if self.kind == "core" else self._live_signal()
        if died is None:
            return None
        if died.number == SIGTRAP:
            pc = self.registers(died.lwp).get("rip")
            return died if pc and signals.met_breakpoint(self, self.symbol_at, pc) else None
        frames = self.frames(died.lwp, signals.HANDLER_DEPTH)
        return signals.before_handler(self, frames, died, self.regions())

    @abstractmethod
    def _live_signal(self) -> Signal | None:
        """The deadly signal that a process stopped at."""

    # --- symbols and expressions ----------------------------------------------------------------

    def symbol(self, name: str, file: str | None = None) -> Symbol | None:
        return self._files().symbol(self, name, file) or self._dwarf_symbol(name, file)

    def function(self, name: str) -> Symbol | None:
        files = self._files()
        found = files.symbol(self, name)
        # Of a remote target the files may not be here.
        return found or (None if files.has_symbols(self) else self._dwarf_symbol(name, None))

    def symbol_at(self, address: int) -> Symbol | None:
        known = self._files().symbols_at
        if address not in known:
            known[address] = self._symbol_at(address)
        return known[address]

    @abstractmethod
    def _symbol_at(self, address: int) -> Symbol | None:
        """The symbol that the address lies in, as the debugger finds it."""

    @abstractmethod
    def _dwarf_symbol(self, name: str, file: str | None) -> Symbol | None:
        """A symbol that only separate debug information knows."""

    def has_dwarf(self, address: int) -> bool:
        place = self._files().dwarf_at(self, address)
        return place is not None and place.dwarf.is_there

    def evaluate(self, expression: str) -> int:
        refuse_side_effects(expression)
        known = simple_value(self, expression)
        return self._evaluate(expression) if known is None else known

    @abstractmethod
    def _evaluate(self, expression: str) -> int:
        """The value of what is more than a number or a name, or none of ours."""

    def source(self, file: str, line: int, context: int = 2) -> Sequence[tuple[int, str]]:
        return read_source(file, line, context)


def in_order(
    arguments: Mapping[str, Variable], local: Mapping[str, Variable]
) -> Sequence[Variable]:
    """A frame's variables as the protocol wants them: locals without a value are left out."""
    placed = (v for name, v in local.items() if name not in arguments and v.value is not None)
    return [*arguments.values(), *placed]


def known(registers: Iterable[tuple[str, int | None]]) -> dict[str, int]:
    """The registers that have a value."""
    return {name: value for name, value in registers if value is not None}
