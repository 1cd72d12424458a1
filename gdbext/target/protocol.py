"""What gdbext asks of a debugger.

Read only: nothing here calls a function in the target, writes to it or resumes it.  All answers are
:mod:`values`.  The adapters in ``backends/`` give equal answers for one core; ``tests/fakes.py``
has another, over a dict of bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gdbext.target.values import (
    MAX_NESTING,
    SIGNAL_FRAME,
    DebuggerError,
    Field,
    MappedFile,
    MemoryFault,
    Module,
    NativeFrame,
    NativeThread,
    Region,
    Signal,
    Struct,
    Symbol,
    Variable,
    text_in_word,
)


class Memory(Protocol):
    """Anything that bytes can be read from."""

    def read(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes from ``address``.

        Raises:
            MemoryFault: if any of them cannot be read.
        """


class Debugger(Memory, Protocol):
    """The target at rest, seen through a debugger."""

    @property
    def version(self) -> str:
        """Name and version: ``gdb 18.1``."""

    @property
    def examine(self) -> str:
        """What a person types before an address to see the word there: ``x/gx``."""

    @property
    def kind(self) -> str:
        """``core`` or ``live``.  Raises DebuggerError when there is no process and no core."""

    @property
    def path(self) -> str | None:
        """The core file's path; None for a live process."""

    @property
    def pid(self) -> int | None:
        """The process, of a core the one that it was; None where the debugger does not know."""

    @property
    def executable(self) -> str | None:
        """Path of the program's ELF file, as the debugger has it."""

    def generation(self) -> int:
        """A number that changes when the target has run: what was read before may be stale then."""

    def threads(self) -> Sequence[NativeThread]:
        """All threads in the debugger's order of numbers."""

    def selected(self) -> tuple[int, int]:
        """(LWP, frame level) that the user has selected."""

    def frames(self, lwp: int, limit: int = 256) -> Sequence[NativeFrame]:
        """The thread's native stack, innermost first, at most ``limit`` frames."""

    def frame_number(self, lwp: int, level: int) -> int:
        """What the debugger's own commands call that frame: it may show frames that are left out of
        :meth:`frames`.
        """

    def variables(self, lwp: int, level: int) -> Sequence[Variable]:
        """Arguments, then locals of the enclosing blocks from the innermost out, of that frame
        (DWARF).

        Of equal names only the one in scope; no static ones; locals that the compiler left no value
        of are left out.
        """

    def registers(self, lwp: int, level: int = 0) -> dict[str, int]:
        """General registers by name (``rax`` … ``r15``, ``rip``, ``rsp``, ``rbp``) as unwound to
        that frame.

        A caller's frame has only those that functions must preserve; a frame that a signal
        interrupted has all.
        """

    def signal(self) -> Signal | None:
        """The deadly signal that the target stopped at; None if it was just interrupted, or stopped
        to write a core.

        Where a handler of the signal ended the process (faulthandler), this is the fault that the
        handler was called for.
        """

    def symbol(self, name: str, file: str | None = None) -> Symbol | None:
        """A function's or variable's symbol (static ones too, where .symtab or DWARF has them).

        ``file`` is the end of a source file's name, to tell static ones of equal name apart.
        """

    def function(self, name: str) -> Symbol | None:
        """A function's symbol, from the files' symbol tables alone: what is in none of them has no
        code of its own.  DWARF, which takes long to search, knows inlined functions besides.
        """

    def symbol_at(self, address: int) -> Symbol | None:
        """The symbol that the address lies in."""

    def struct(self, name: str) -> Struct | None:
        """A struct's or typedef's layout from DWARF; None if there is none."""

    def has_dwarf(self, address: int) -> bool:
        """Whether there is DWARF of the file that is mapped at the address."""

    def modules(self) -> Sequence[Module]:
        """The mapped ELF files, in address order."""

    def mapped_files(self) -> Sequence[MappedFile]:
        """Each mapping of a file, in address order (from the core's notes or the process's maps);
        empty where that is not known.
        """

    def file_build_id(self, path: str) -> str | None:
        """The GNU build id of a file as the debugger finds it, in hex digits; None if there is
        none.
        """

    def regions(self) -> Sequence[Region]:
        """Mapped memory in address order (from the core's headers or the process's maps)."""

    def evaluate(self, expression: str) -> int:
        """The value of an expression of the debugger's language, as an unsigned address; of a
        struct or array its address.

        Nothing in the target is called or changed for it.

        Raises:
            DebuggerError: with the debugger's own complaint.
        """

    def source(self, file: str, line: int, context: int = 2) -> Sequence[tuple[int, str]]:
        """(number, text) of lines around ``line``; empty when the file cannot be found."""


class Backend(Protocol):
    """A debugger's adapter, a module: how it opens a target that no person has opened."""

    def open_core(
        self,
        executable: str,
        core: str,
        sysroot: str | None = None,
        debug_folder: str | None = None,
    ) -> Debugger:
        """Make the debugger open a core.  ``sysroot`` is a folder that stands for ``/`` of the
        machine where it was made, ``debug_folder`` one that has more debug information, by build
        id.

        Raises:
            DebuggerError: with the debugger's complaint.
        """

    def attach(self, pid: int) -> Debugger:
        """Make the debugger stop and inspect a running process.

        Raises:
            DebuggerError: with the debugger's complaint.
        """

    def leave(self) -> None:
        """Let a process that was attached to go on, unharmed; harmless for a core."""


__all__ = [
    "Backend",
    "Debugger",
    "DebuggerError",
    "Field",
    "MAX_NESTING",
    "MappedFile",
    "Memory",
    "MemoryFault",
    "Module",
    "NativeFrame",
    "NativeThread",
    "Region",
    "SIGNAL_FRAME",
    "Signal",
    "Struct",
    "Symbol",
    "Variable",
    "text_in_word",
]
