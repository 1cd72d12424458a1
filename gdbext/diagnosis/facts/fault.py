"""What the processor, libc and the interpreter reported when the process died."""

from __future__ import annotations

import enum
from dataclasses import field

from gdbext.diagnosis.facts.origin import Origin
from gdbext.frozen import dataclass
from gdbext.model import Claim
from gdbext.target.values import Signal

ACCESS_SIGNALS = ("SIGSEGV", "SIGBUS")
"""Memory could not be accessed: si_addr is its address."""
FAULT_SIGNALS = (*ACCESS_SIGNALS, "SIGILL", "SIGFPE", "SIGTRAP")
"""Of the others, si_addr, if there is one, is where the instruction itself lies."""
FATAL_SIGNALS = (*FAULT_SIGNALS, "SIGABRT", "SIGSYS")
"""Signals raised by the process's own execution; the other deadly ones are sent to it (SIGQUIT), or
report a limit (SIGXCPU)."""
SENT_CODES = ("SI_USER", "SI_QUEUE", "SI_TKILL")
"""kill(), sigqueue(), raise() and pthread_kill(): no instruction faulted, whatever the signal."""
NULL_PAGE = 4096
"""Linux maps nothing below: an address down there is an offset from NULL."""


@dataclass(frozen=True, kw_only=True)
class FaultOperand:
    """The memory operand of the faulting instruction; ``address`` is what it evaluates to."""

    text: str
    base: str | None
    base_value: int | None
    displacement: int
    address: int
    is_write: bool


class Refused(enum.Enum):
    """Why the processor did not carry out an instruction that it could fetch, where that was no
    access to memory.
    """

    DIVISION = "the quotient has no value, or does not fit"
    FLOATING_POINT = "a floating-point exception that is not masked"
    TRAP = "an instruction that is defined to be none: compilers write it where none must get to"
    BREAKPOINT = "int3, where no debugger was there to see to it"
    ILLEGAL = "not an instruction of this processor's"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An instruction that the processor refused; of a division the divisor, None where it cannot be
    read.
    """

    why: Refused
    divisor: str | None = None
    """Its operand, in AT&T syntax."""
    value: int | None = None

    @property
    def claim(self) -> Claim:
        """What the processor refused, as a part of claims."""
        if self.why is Refused.FLOATING_POINT:
            return Claim("floating-point-exception")
        if self.why is Refused.TRAP:
            return Claim("trap-instruction")
        if self.why is Refused.BREAKPOINT:
            return Claim("breakpoint-instruction")
        if self.why is Refused.ILLEGAL:
            return Claim("illegal-instruction")
        if self.value == 0:
            return Claim("divided-by-zero")
        return Claim("division-fault" if self.value is None else "quotient-too-large")


class Target(enum.Enum):
    """Where a call went that found no code."""

    NULL = "NULL, or just behind"
    NO_ADDRESS = "a word that no pointer can be"
    UNMAPPED = "where nothing is mapped, beside what is"
    ELSEWHERE = "where nothing is mapped far and wide"
    DATA = "mapped memory that may not be executed"


@dataclass(frozen=True, kw_only=True)
class BadCall:
    """A call through a pointer that leads to no code; ``caller`` is who called."""

    target: Target
    caller: str | None = None
    mapped: str | None = None
    """The file that is mapped there, or what the kernel calls the memory."""
    may_be_inner: bool = False
    """A function that the caller called may have ended in the jump instead: the call's operand is
    in registers that functions may change.
    """


@dataclass(frozen=True, kw_only=True)
class CppException:
    """A C++ exception that nobody caught; None for what is not known of it."""

    type: str | None = None
    text: str | None = None
    """What its ``what()`` says."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The death itself; ``signal`` is None for a target that just stopped."""

    signal: Signal | None
    instruction: str | None = None
    operand: FaultOperand | None = None
    refusal: Refusal | None = None
    """Of SIGFPE, SIGILL and SIGTRAP: what the instruction itself did wrong."""
    jumped_to: int | None = None
    """Set when the program counter is not in executable code: a call through a bad pointer."""
    bad_call: BadCall | None = None
    """The call that led there, where the stack shows one."""
    assertion: str | None = None
    assertion_function: str | None = None
    library_message: str | None = None
    """What glibc prints before it aborts by itself: a damaged heap, a smashed stack."""
    exception: CppException | None = None
    """The C++ exception that ended the process."""
    binding_message: str | None = None
    """What pybind11 or nanobind was about to say of it."""
    fatal_error: str | None = None
    fatal_text_is_data: bool = False
    """The message lies in writable memory: made at run time, perhaps of the program's data."""
    fatal_object: int | None = None
    """The object that a fatal error is about, where its reporter was given one."""
    stack_overflow: bool = False
    stack_limit: int | None = None
    stack_pointer: int | None = None
    from_outside: bool = False
    """Another process sent the signal."""
    header_field: str | None = None
    """The field of an object's header that the access is at from NULL: what else begins at NULL is
    seldom read so far in.
    """
    origin: Origin = field(default_factory=Origin)
    """Where the code had the operand's base from; of a jump, the address that it went to."""

    @property
    def was_sent(self) -> bool:
        """Whether a process, this one or another, sent the signal."""
        return self.signal is not None and self.signal.code in SENT_CODES

    @property
    def reads_header(self) -> bool:
        """Whether the access is at a field of an object's header from NULL."""
        return self.header_field is not None

    @property
    def is_fault(self) -> bool:
        """Whether the signal is one by which the processor reports that an instruction faulted."""
        return self.signal is not None and self.signal.name in FAULT_SIGNALS

    @property
    def is_trap(self) -> bool:
        """Whether the code ended itself, by an instruction that is there for nothing else."""
        return self.refusal is not None and self.refusal.why in (Refused.TRAP, Refused.BREAKPOINT)

    @property
    def is_crash(self) -> bool:
        """Whether the target brought its death on itself.

        One that was stopped or killed need not have anything wrong.
        """
        return (
            self.signal is not None and self.signal.name in FATAL_SIGNALS and not self.from_outside
        )

    @property
    def address(self) -> int | None:
        """The address that could not be accessed.

        That is si_addr, or what the operand evaluates to where the kernel gives none; of a call
        through a bad pointer where that led.  None of an instruction that was refused.
        """
        if self.jumped_to is not None and self.is_fault:
            return self.jumped_to
        if self.signal is None or self.signal.name not in ACCESS_SIGNALS:
            return None
        if self.signal.address is not None and self.signal.code != "SI_KERNEL":
            return self.signal.address
        return self.operand.address if self.operand is not None else self.signal.address

    @property
    def through(self) -> int | None:
        """The pointer that the fault went through: the jump's target, or the operand's base."""
        if self.jumped_to is not None:
            return self.jumped_to
        return self.operand.base_value if self.operand else None

    @property
    def is_through_null(self) -> bool:
        """Whether the access went to a small offset from NULL."""
        return (
            self.is_fault
            and self.jumped_to is None
            and self.address is not None
            and self.address < NULL_PAGE
            and self.operand is not None
            and self.operand.base_value is not None
            and self.operand.base_value < NULL_PAGE
        )

    @property
    def access(self) -> str | None:
        """``reading``, ``writing`` or ``jumping to``; None where that is not known."""
        if self.jumped_to is not None:
            return "jumping to"
        if self.operand is None or not self.is_fault:
            return None
        return "writing" if self.operand.is_write else "reading"
