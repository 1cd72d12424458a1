"""Linux signals: names of numbers and codes, and what a ``siginfo_t`` says
(include/uapi/asm-generic/siginfo.h, x86-64).
"""

from __future__ import annotations

import signal
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gdbext.target.protocol import (
    SIGNAL_FRAME,
    Memory,
    MemoryFault,
    NativeFrame,
    Region,
    Signal,
    Symbol,
)

CODES: dict[int, str] = {
    signal.SIGILL: (
        "ILL_ILLOPC ILL_ILLOPN ILL_ILLADR ILL_ILLTRP ILL_PRVOPC ILL_PRVREG ILL_COPROC ILL_BADSTK "
        "ILL_BADIADDR"
    ),
    signal.SIGFPE: (
        "FPE_INTDIV FPE_INTOVF FPE_FLTDIV FPE_FLTOVF FPE_FLTUND FPE_FLTRES FPE_FLTINV FPE_FLTSUB"
    ),
    signal.SIGSEGV: "SEGV_MAPERR SEGV_ACCERR SEGV_BNDERR SEGV_PKUERR",
    signal.SIGBUS: "BUS_ADRALN BUS_ADRERR BUS_OBJERR BUS_MCEERR_AR BUS_MCEERR_AO",
    signal.SIGTRAP: "TRAP_BRKPT TRAP_TRACE TRAP_BRANCH TRAP_HWBKPT TRAP_UNK",
}
"""The kernel's own codes of each signal, from 1 on."""
SENDER_CODES = {
    0: "SI_USER",
    -1: "SI_QUEUE",
    -2: "SI_TIMER",
    -3: "SI_MESGQ",
    -4: "SI_ASYNCIO",
    -6: "SI_TKILL",
    128: "SI_KERNEL",
}
SI_KERNEL = 128
FAULTS = frozenset({signal.SIGILL, signal.SIGFPE, signal.SIGSEGV, signal.SIGBUS, signal.SIGTRAP})
"""Signals of the processor's exceptions; their siginfo has si_addr."""
DEADLY = frozenset(
    {
        signal.SIGQUIT,
        signal.SIGILL,
        signal.SIGABRT,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGSEGV,
        signal.SIGSYS,
        signal.SIGXCPU,
        signal.SIGXFSZ,
    }
)
"""Signals whose default is to die with a core (signal(7)), but for SIGTRAP: that is what a
debugger's own stops look like.
"""
SIGNAL_FRAME_INFO = 304
"""From the stack pointer of a signal frame (arch/x86/include/asm/sigframe.h), which is its ``struct
ucontext``, to its siginfo.
"""
SIGNAL_FRAME_TRAP = 40 + 152
"""… to the error code, trap number, signal mask and cr2 of its ``struct sigcontext``
(uapi/asm/sigcontext.h).
"""
PAGE_FAULT, PROTECTION_FAULT = 14, 13
"""The processor's exceptions that become SIGSEGV."""
INT3 = b"\xcc"
SIGNAL_RETURN = b"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05"
"""``mov $15,%rax; syscall`` (rt_sigreturn)."""
HANDLER_DEPTH = 32
"""So many frames a signal handler may have gone down."""


class Info(NamedTuple):
    """A ``siginfo_t``.  ``address`` is si_addr; None where the signal has none or the kernel did
    not know it (SI_KERNEL).
    """

    number: int
    code: str
    address: int | None
    sender: int | None
    """The pid of the process that sent it, None where the kernel did."""


def name(number: int) -> str:
    """``SIGSEGV``; ``SIG64`` for those without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def decode(data: bytes) -> Info | None:
    """What a ``siginfo_t``'s bytes say; None if they are too few.

    >>> decode(struct.pack("<iii4xQ", 11, 0, 1, 0x19))
    Info(number=11, code='SEGV_MAPERR', address=25, sender=None)
    """
    if len(data) < 24:
        return None
    number, _, code, word = struct.unpack_from("<iii4xQ", data)
    if code <= 0:
        return Info(number, SENDER_CODES.get(code, str(code)), None, word & 0xFFFFFFFF)
    names = CODES.get(number, "").split()
    label = names[code - 1] if code <= len(names) else SENDER_CODES.get(code, str(code))
    return Info(number, label, word if number in FAULTS and code != SI_KERNEL else None, None)


def before_handler(
    memory: Memory, frames: Sequence[NativeFrame], died: Signal, regions: Sequence[Region]
) -> Signal:
    """The fault that led to ``died``, where a handler of it ended the process: faulthandler raises
    the signal again, others abort.

    The kernel left the fault's siginfo in the signal frame on the stack, if the handler asked for
    it; and always the processor's words.  ``frames`` are the innermost ones of the thread.
    """
    frame = next((f for f in frames[:HANDLER_DEPTH] if f.function == SIGNAL_FRAME), None)
    if frame is None or died.code not in SENDER_CODES.values() or died.code == "SI_KERNEL":
        return died
    try:
        info = decode(memory.read(frame.sp + SIGNAL_FRAME_INFO, 24))
        if info is not None and info.number in FAULTS and info.sender is None:
            return describe(died.lwp, info.number, info)
        error, trap, _, address = struct.unpack(
            "<4Q", memory.read(frame.sp + SIGNAL_FRAME_TRAP, 32)
        )
    except MemoryFault:
        return died
    if trap == PAGE_FAULT and died.number == signal.SIGSEGV:
        is_mapped = error & 1 or any(region.start <= address < region.end for region in regions)
        return Signal(
            died.name, died.lwp, died.number, "SEGV_ACCERR" if is_mapped else "SEGV_MAPERR", address
        )
    if trap == PROTECTION_FAULT and died.number == signal.SIGSEGV:
        return Signal(died.name, died.lwp, died.number, "SI_KERNEL")
    return died


def met_breakpoint(memory: Memory, symbol_at: Callable[[int], Symbol | None], pc: int) -> bool:
    """Whether SIGTRAP came of an int3 that is in the code itself: it lies just before ``pc``, in a
    function.

    A debugger takes its own breakpoints out of the memory that it writes, and goes back to where
    they were; linkers fill the space between functions with int3.
    """
    before = symbol_at(pc - 1)
    try:
        is_int3 = memory.read(pc - 1, 1) == INT3
    except MemoryFault:
        return False
    return is_int3 and before is not None and pc - 1 < before.address + before.size


def returns_from_signal(memory: Memory, pc: int) -> bool:
    """Whether a frame's pc is what the kernel lets a signal handler return to."""
    try:
        return memory.read(pc, len(SIGNAL_RETURN)) == SIGNAL_RETURN
    except MemoryFault:
        return False


def describe(lwp: int, number: int, info: Info | None) -> Signal:
    """A signal and its siginfo; that of another signal is left out."""
    if info is None or info.number != number:
        return Signal(name(number), lwp, number)
    return Signal(name(number), lwp, number, info.code, info.address, info.sender)
