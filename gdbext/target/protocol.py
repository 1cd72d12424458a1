"""What gdbext asks of a debugger.  Read only: nothing here calls a function in the target, writes to it or resumes it.

All answers are plain Python data.  An address is an ``int``; "not known" is ``None``.  The two adapters
(``gdb.py``, ``lldb.py``) give equal answers for one core; ``tests/fakes.py`` has a third, over a dict of bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gdbext.model import Address, Claim, Data


class MemoryFault(Exception):
    """Memory that cannot be read: unmapped, or left out of the core."""

    def __init__(self, address: int, size: int) -> None:
        super().__init__(address, size)
        self.address = address
        self.size = size

    @property
    def claim(self) -> Claim:
        """Why, as a value."""
        text = text_in_word(self.address)
        address = Address(self.address)
        if text:
            return Claim("text-not-address", size=self.size, address=address, text=Data(text))
        return Claim("unreadable", size=self.size, address=address)

    def __str__(self) -> str:
        text = text_in_word(self.address)
        note = (
            f', a pointer that looks like the text "{text}": something was written over it'
            if text
            else ""
        )
        return f"cannot read {self.size} bytes at {self.address:#x}{note}"


TEXT_BYTES = 6


def text_in_word(word: int) -> str | None:
    """The text whose bytes a word may be, such as ``xxxxxxxx`` of 0x7878787878787878; None for other words."""
    data = (word & (1 << 64) - 1).to_bytes(8, "little").rstrip(b"\0")
    return (
        data.decode()
        if len(data) >= TEXT_BYTES and all(0x20 <= byte < 0x7F for byte in data)
        else None
    )


class DebuggerError(Exception):
    """The debugger cannot do what was asked; the message tells a person what is wrong and what to try."""


class Memory(Protocol):
    """Anything that bytes can be read from."""

    def read(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes from ``address``.

        Raises:
            MemoryFault: if any of them cannot be read.
        """


SIGNAL_FRAME = "<signal handler called>"
"""The function of the frame that the kernel makes for a signal handler: below it is the code that the signal interrupted."""


@dataclass(frozen=True)
class Variable:
    """An argument or local of a native frame.

    ``value`` is the variable's bits as an unsigned integer of the type's size (a pointer, an integer, an enum, a struct of
    one word that lives in a register), or the address of a struct or array when ``is_address``.  It is None when the
    compiler left no location; ``missing`` then says why (``optimized out``).  ``missing`` of ``entry value`` means that the
    present value is lost and ``value`` is what the argument was when the function was called.
    """

    name: str
    type: str
    value: int | None = None
    missing: str | None = None
    is_address: bool = False
    is_argument: bool = False


@dataclass(frozen=True)
class NativeFrame:
    """One frame of a native stack, inlined functions as frames of their own.

    ``level`` counts from 0 without gaps.  It may lag behind the debugger's own number: the frames of tail calls that the
    debugger only guesses are left out.  ``function`` is DWARF's name, else that of the symbol, without the suffixes of
    compilers' copies (:func:`gdbext.target.text.plain_function`), or SIGNAL_FRAME.  ``file`` is a
    whole path; ``module`` the mapped file; ``is_inlined`` frames share pc and sp with their caller.
    """

    level: int
    pc: int
    sp: int
    function: str | None
    file: str | None = None
    line: int | None = None
    module: str | None = None
    is_inlined: bool = False


@dataclass(frozen=True)
class NativeThread:
    """``number`` is the debugger's own; ``fs_base`` the thread pointer (pthread_self on glibc), None if unknown."""

    lwp: int
    number: int
    name: str | None = None
    fs_base: int | None = None


@dataclass(frozen=True)
class Signal:
    """Why the target stopped.

    ``code`` is a name such as ``SEGV_MAPERR`` where known; ``address`` is si_addr, None where the kernel knew none (SI_KERNEL: an
    address that no pointer can have).  ``sender`` is the sending process's pid; None where the
    kernel sent it, or nothing is known.
    """

    name: str
    lwp: int
    number: int | None = None
    code: str | None = None
    address: int | None = None
    sender: int | None = None


@dataclass(frozen=True)
class Module:
    """A mapped ELF file.  ``base`` is where its start is mapped, ``build_id`` hex."""

    path: str
    base: int
    build_id: str | None = None


@dataclass(frozen=True)
class Region:
    """Mapped memory [start, end).  ``path`` is the mapped file, ``[stack]``… or None."""

    start: int
    end: int
    writable: bool = True
    path: str | None = None


@dataclass(frozen=True)
class Symbol:
    """``size`` is 0 if unknown."""

    name: str
    address: int
    size: int = 0


@dataclass(frozen=True)
class Field:
    """A struct's member: byte ``offset`` and ``size``; bit-fields also ``bit`` (from the byte's lowest) and ``bits``."""

    offset: int
    size: int
    bit: int = 0
    bits: int = 0


MAX_NESTING = 4
"""A struct's members are told this deep (``a.b.c.d``): ``_PyRuntime`` holds 16,000, all but 1,000 of them deeper."""


@dataclass(frozen=True)
class Struct:
    """A struct's layout.  Nested members are flattened with dots: ``ob_base.ob_size``; unnamed ones vanish."""

    name: str
    size: int
    fields: dict[str, Field] = field(default_factory=dict)


class Debugger(Memory, Protocol):
    """The target at rest, seen through a debugger."""

    @property
    def version(self) -> str:
        """Name and version: ``gdb 18.1``."""

    @property
    def kind(self) -> str:
        """``core`` or ``live``.  Raises DebuggerError when there is no process and no core."""

    @property
    def path(self) -> str | None:
        """The core file's path; None for a live process."""

    @property
    def pid(self) -> int | None: ...

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

    def variables(self, lwp: int, level: int) -> Sequence[Variable]:
        """Arguments, then locals of the enclosing blocks from the innermost out, of that frame (DWARF).

        Of equal names only the one in scope; no static ones; locals that the compiler left no value of are left out.
        """

    def registers(self, lwp: int, level: int = 0) -> dict[str, int]:
        """General registers by name (``rax`` … ``r15``, ``rip``, ``rsp``, ``rbp``) as unwound to that frame.

        A caller's frame has only those that functions must preserve; a frame that a signal interrupted has all.
        """

    def signal(self) -> Signal | None:
        """The deadly signal that the target stopped at; None if it was just interrupted, or stopped to write a core.

        Where a handler of the signal ended the process (faulthandler), this is the fault that the handler was called for.
        """

    def symbol(self, name: str, file: str | None = None) -> Symbol | None:
        """A function's or variable's symbol (static ones too, where .symtab or DWARF has them).

        ``file`` is the end of a source file's name, to tell static ones of equal name apart.
        """

    def symbol_at(self, address: int) -> Symbol | None:
        """The symbol that the address lies in."""

    def struct(self, name: str) -> Struct | None:
        """A struct's or typedef's layout from DWARF; None if there is none."""

    def modules(self) -> Sequence[Module]: ...

    def regions(self) -> Sequence[Region]:
        """Mapped memory in address order (from the core's headers or the process's maps)."""

    def evaluate(self, expression: str) -> int:
        """The value of an expression of the debugger's language, as an unsigned address; of a struct or array its address.

        Nothing in the target is called or changed for it.

        Raises:
            DebuggerError: with the debugger's own complaint.
        """

    def source(self, file: str, line: int, context: int = 2) -> Sequence[tuple[int, str]]:
        """(number, text) of lines around ``line``; empty when the file cannot be found."""
