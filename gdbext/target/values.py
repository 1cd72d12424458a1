"""What a debugger says of a target, as plain values; and how it says that it cannot.

An address is an ``int``; "not known" is ``None``.
"""

from __future__ import annotations

from dataclasses import field
from typing import NamedTuple

from gdbext.frozen import dataclass
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
    """The text whose bytes a word may be, such as ``xxxxxxxx`` of 0x7878787878787878; None for
    other words.
    """
    data = (word & (1 << 64) - 1).to_bytes(8, "little").rstrip(b"\0")
    return (
        data.decode()
        if len(data) >= TEXT_BYTES and all(0x20 <= byte < 0x7F for byte in data)
        else None
    )


class DebuggerError(Exception):
    """The debugger cannot do what was asked; the message tells a person what is wrong and what to
    try.
    """


SIGNAL_FRAME = "<signal handler called>"
"""The function of the frame that the kernel makes for a signal handler: below it is the code that
the signal interrupted.
"""


@dataclass(frozen=True)
class Variable:
    """An argument or local of a native frame.

    ``value`` is the variable's bits as an unsigned integer of the type's size (a pointer, an
    integer, an enum, a struct of one word that lives in a register), or the address of a struct or
    array when ``is_address``.  It is None when the compiler left no location; ``missing`` then says
    why (``optimized out``).  ``missing`` of ``entry value`` means that the present value is lost
    and ``value`` is what the argument was when the function was called.
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

    ``level`` counts from 0 without gaps.  It may lag behind the debugger's own number: the frames
    of tail calls that the debugger only guesses are left out.  ``function`` is DWARF's name, else
    that of the symbol, without the suffixes of compilers' copies
    (:func:`gdbext.target.expressions.plain_function`), or SIGNAL_FRAME.  ``file`` is a whole path;
    ``module`` the mapped file; ``is_inlined`` frames share pc and sp with their caller.
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
    """``number`` is the debugger's own; ``fs_base`` the thread pointer (pthread_self on glibc),
    None if unknown.
    """

    lwp: int
    number: int
    name: str | None = None
    fs_base: int | None = None


@dataclass(frozen=True)
class Signal:
    """Why the target stopped.

    ``code`` is a name such as ``SEGV_MAPERR`` where known; ``address`` is si_addr, None where the
    kernel knew none (SI_KERNEL: an address that no pointer can have).  ``sender`` is the sending
    process's pid; None where the kernel sent it, or nothing is known.
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


class MappedFile(NamedTuple):
    """The bytes of a file from ``offset`` on, mapped at [start, end)."""

    start: int
    end: int
    offset: int
    path: str


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
    """A struct's member: byte ``offset`` and ``size``; bit-fields also ``bit`` (from the byte's
    lowest) and ``bits``.
    """

    offset: int
    size: int
    bit: int = 0
    bits: int = 0


MAX_NESTING = 4
"""A struct's members are listed this deep (``a.b.c.d``): ``_PyRuntime`` holds 16,000, all but 1,000
of them deeper.
"""


@dataclass(frozen=True)
class Struct:
    """A struct's layout.  Nested members are flattened with dots: ``ob_base.ob_size``; unnamed ones
    vanish.
    """

    name: str
    size: int
    fields: dict[str, Field] = field(default_factory=dict)
