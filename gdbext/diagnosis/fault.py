"""What the processor, libc and the interpreter said when the process died.

* a fault: the faulting instruction and the memory operand that it could not access,
* an abort: the C assertion's text (glibc keeps it in ``__abort_msg``) or the message of ``Py_FatalError``,
* an exhausted stack.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gdbext.binfmt.x86.instruction import LONGEST, Instruction, MemoryOperand, decode
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.strings import read_cstring
from gdbext.target.protocol import (
    Debugger,
    Memory,
    MemoryFault,
    NativeFrame,
    Region,
    Signal,
    Symbol,
    Variable,
)

WORD = (1 << 64) - 1
FAULT_SIGNALS = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE")
FATAL_SIGNALS = (*FAULT_SIGNALS, "SIGABRT", "SIGTRAP", "SIGSYS")
"""Signals that a program's own deeds bring; the other deadly ones are sent to it (SIGQUIT), or tell of a limit (SIGXCPU)."""
# The kernel leaves a guard gap below a growing stack; glibc maps a guard page below a thread's.
STACK_REACH = 1 << 20
# The System V ABI: nothing further below the stack pointer is the function's own; a wild pointer led there.
RED_ZONE = 128
NULL_PAGE = PAGE = 4096
OBJECT_WORDS = 16
ASSERTION = re.compile(
    r"(?P<file>[^:\n]*):(?P<line>\d+): (?P<function>[^:\n]*): Assertion [`'](?P<text>.*)' failed",
    re.S,
)


@dataclass(frozen=True)
class Operand:
    """The memory operand of the faulting instruction.  ``address`` is what it evaluates to."""

    text: str
    base: str | None
    base_value: int | None
    displacement: int
    address: int
    is_write: bool


@dataclass(frozen=True)
class Fault:
    """Everything known of the death itself."""

    signal: Signal | None
    instruction: str | None = None
    operand: Operand | None = None
    jumped_to: int | None = None
    """Set when the program counter itself is not executable code: a call through a bad function pointer."""
    assertion: str | None = None
    assertion_function: str | None = None
    library_message: str | None = None
    """What glibc says of its own abort: a damaged heap, a smashed stack."""
    fatal_error: str | None = None
    fatal_text_is_data: bool = False
    """The message lies in writable memory: it was made at run time, perhaps of the program's data."""
    fatal_object: int | None = None
    """The object that a fatal error is about, where its reporter was given one."""
    stack_overflow: bool = False
    stack_limit: int | None = None
    stack_pointer: int | None = None
    from_outside: bool = False
    """Another process sent the signal."""

    @property
    def is_crash(self) -> bool:
        """Whether the target brought its death on itself; one that was stopped or killed need not have anything wrong."""
        return (
            self.signal is not None and self.signal.name in FATAL_SIGNALS and not self.from_outside
        )

    @property
    def address(self) -> int | None:
        """The address that could not be accessed: si_addr, or what the operand evaluates to where the kernel gives none."""
        if self.signal is None or self.signal.name not in FAULT_SIGNALS:
            return None
        if self.signal.address is not None and self.signal.code != "SI_KERNEL":
            return self.signal.address
        if self.operand is not None:
            return self.operand.address
        return self.jumped_to if self.jumped_to is not None else self.signal.address

    @property
    def through(self) -> int | None:
        """The pointer that the fault went through: where it jumped to, or the faulting operand's base."""
        if self.jumped_to is not None:
            return self.jumped_to
        return self.operand.base_value if self.operand else None

    @property
    def is_fault(self) -> bool:
        return self.signal is not None and self.signal.name in FAULT_SIGNALS

    @property
    def access(self) -> str | None:
        """``reading``, ``writing`` or ``jumping to``; None where that is not known, or nothing was accessed."""
        if self.jumped_to is not None:
            return "jumping to"
        if self.operand is None or not self.is_fault:
            return None
        return "writing" if self.operand.is_write else "reading"


def read_fault(
    debugger: Debugger, memory: Memory, frames: Sequence[NativeFrame], lwp: int | None
) -> Fault:
    """Decode the fault of thread ``lwp``, whose native frames are given.  Never raises for a damaged target."""
    signal = debugger.signal()
    if signal is None or lwp is None:
        return Fault(signal)
    registers = debugger.registers(lwp)
    if signal.name in FAULT_SIGNALS:
        # A handler (faulthandler's, say) may have run since: the fault is where the signal came in.
        level = frame_of_signal(frames)
        if level:
            registers = debugger.registers(lwp, level)
        return _decode_fault(debugger, signal, registers)
    if signal.name == "SIGABRT":
        said = abort_message(memory, debugger.symbol) if aborted_by_libc(frames) else None
        assertion, function = failed_assertion(said)
        message, text, about = fatal_message(
            memory, frames, lambda level: debugger.variables(lwp, level)
        )
        return Fault(
            signal,
            assertion=assertion,
            assertion_function=function,
            library_message=said.strip() if said and not assertion else None,
            fatal_error=message,
            fatal_text_is_data=any(
                r.writable and r.start <= text < r.end for r in debugger.regions()
            ),
            fatal_object=about,
            from_outside=_from_outside(debugger, signal),
        )
    return Fault(signal, from_outside=_from_outside(debugger, signal))


def _from_outside(debugger: Debugger, signal: Signal) -> bool:
    """raise() and abort() send a signal too, but to their own process."""
    return None not in (signal.sender, debugger.pid) and signal.sender != debugger.pid


def frame_of_signal(frames: Sequence[NativeFrame]) -> int:
    """The index of the frame that a signal interrupted, where a handler's frames lie above it; else 0."""
    for index, frame in enumerate(frames[:32]):
        if frame.function in ("<signal handler called>", "__restore_rt"):
            return min(index + 1, len(frames) - 1)
    return 0


def _decode_fault(debugger: Debugger, signal: Signal, registers: dict[str, int]) -> Fault:
    pc = registers.get("rip")
    stack_pointer = registers.get("rsp")
    instruction = operand = jumped = None
    if pc is not None and (pc == signal.address or not _is_mapped(debugger.regions(), pc)):
        # The processor could not fetch the instruction itself.
        jumped = pc
    elif pc is not None:
        decoded = read_instruction(debugger, pc)
        if decoded is not None:
            instruction = decoded.text(pc)
            operand = accessed_operand(decoded, registers, pc, signal.address)
    limit = stack_limit(debugger.regions(), stack_pointer)
    address = operand.address if operand else signal.address
    overflow = bool(
        signal.name in ("SIGSEGV", "SIGBUS")
        and jumped is None
        and stack_pointer is not None
        and limit is not None
        and address is not None
        and limit - STACK_REACH <= address < limit
        and stack_pointer - RED_ZONE <= address < stack_pointer + STACK_REACH
    )
    return Fault(
        signal,
        instruction,
        operand,
        jumped,
        stack_overflow=overflow,
        stack_limit=limit,
        stack_pointer=stack_pointer,
        from_outside=_from_outside(debugger, signal),
    )


def read_instruction(memory: Memory, pc: int) -> Instruction | None:
    """The instruction at an address; None where its bytes cannot be read or are not known."""
    for size in (LONGEST, min(LONGEST, -pc % PAGE)):
        try:
            return decode(memory.read(pc, size))
        except MemoryFault:
            continue
    return None


def accessed_operand(
    instruction: Instruction, registers: dict[str, int], pc: int, fault_address: int | None = None
) -> Operand | None:
    """The memory operand that an instruction accesses; None if it has none, or where it lies is not known.

    Of two, those of a string instruction, it is the one at ``fault_address``.
    """
    found = []
    for each in instruction.accesses:
        address = each.address(registers, pc + instruction.size)
        if address is not None:
            found.append(_operand(each, registers, pc + instruction.size, address))
    found.sort(key=lambda operand: operand.address != fault_address)
    return found[0] if found else None


def _operand(
    operand: MemoryOperand, registers: dict[str, int], next_instruction: int, address: int
) -> Operand:
    values = {**registers, "rip": next_instruction}
    return Operand(
        str(operand),
        operand.base,
        values[operand.base] if operand.base else None,
        operand.displacement,
        address,
        operand.is_written,
    )


def goes_through(memory: Memory, layout: Layout, fault: Fault, address: int) -> bool:
    """Whether the faulting access can come of an object: it is in the object, or through a pointer that the object, or
    what the object points to, has.

    A NULL may have come from anywhere, and so proves nothing, but for a NULL ``ob_type`` whose slot was read.
    """
    reached = {
        w
        for w in (fault.jumped_to, fault.operand.base_value if fault.operand else None)
        if w and w >= NULL_PAGE
    }
    if fault.operand is not None:
        if address <= fault.operand.address < address + 8 * OBJECT_WORDS:
            return True
        of_type = (
            layout.size("PyVarObject") <= fault.operand.displacement < layout.size("PyTypeObject")
        )
        if of_type and fault.operand.base_value == 0 and _has_no_type(memory, layout, address):
            return True
    words = _words(memory, address)
    return bool(reached) and (
        address in reached
        or not reached.isdisjoint(words)
        or any(not reached.isdisjoint(_words(memory, w)) for w in words)
    )


def _has_no_type(memory: Memory, layout: Layout, address: int) -> bool:
    try:
        return not any(memory.read(address + layout.offset("PyObject", "ob_type"), 8))
    except MemoryFault:
        return False


def _words(memory: Memory, address: int) -> set[int]:
    """The pointers at the beginning of an object."""
    try:
        found = struct.unpack(f"<{OBJECT_WORDS}Q", memory.read(address, 8 * OBJECT_WORDS))
    except MemoryFault:
        return set()
    return {w for w in found if w >= NULL_PAGE}


def stack_limit(regions: Sequence[Region], stack_pointer: int | None) -> int | None:
    """The lowest address of the writable mapping that is the stack: the one with ``stack_pointer``, or just above it."""
    if stack_pointer is None:
        return None
    for region in regions:
        if region.writable and region.start - STACK_REACH <= stack_pointer < region.end:
            return region.start
    return None


def _is_mapped(regions: Sequence[Region], address: int) -> bool:
    return any(r.start <= address < r.end for r in regions)


def abort_message(memory: Memory, symbol: Callable[[str], Symbol | None]) -> str | None:
    """What glibc printed before it aborted, from its ``__abort_msg``: a failed assertion, a damaged heap, a smashed stack.

    The variable points to ``struct { unsigned size; char text[]; }``.
    """
    place = symbol("__abort_msg")
    if place is None:
        return None
    try:
        pointer = int.from_bytes(memory.read(place.address, 8), "little")
        return read_cstring(memory, pointer + 4, 4000) if pointer else None
    except MemoryFault:
        return None


def aborted_by_libc(frames: Sequence[NativeFrame]) -> bool:
    """Whether abort() was called by glibc itself: its last message stays where it is, whoever aborts later.

    True where no frame is known to be abort().
    """
    outward = [frame for frame in frames[:24] if not frame.is_inlined]
    place = next(
        (n for n, frame in enumerate(outward[:-1]) if ABORT.fullmatch(frame.function or "")), None
    )
    return place is None or outward[place].module == outward[place + 1].module


def failed_assertion(text: str | None) -> tuple[str | None, str | None]:
    """(asserted expression, function) of a failed C assertion, from what was printed."""
    found = ASSERTION.search(text or "")
    return (found["text"], found["function"]) if found else (None, None)


ABORT = re.compile(r"_*(GI_)?abort")
EXPRESSION = "expr"
DIRECTIVE = re.compile(r"%[-0-9.*]*(?:ll?|z)?[a-zA-Z]")
# Python/pylifecycle.c and Objects/object.c: every fatal error comes through one of these; their arguments by name:
# (who reports it, what, the object that it is about).
FATAL_FUNCTIONS = {
    "fatal_error": ("prefix", "msg", ""),
    "_Py_FatalErrorFunc": ("func", "msg", ""),
    "_Py_FatalErrorFormat": ("func", "format", ""),
    "_PyObject_AssertFailed": ("function", "msg", "obj"),
    "_Py_NegativeRefcount": ("", "", "op"),
}


def fatal_message(
    memory: Memory, frames: Sequence[NativeFrame], variables: Callable[[int], Sequence[Variable]]
) -> tuple[str | None, int, int | None]:
    """From the reporters' arguments: (a fatal Python error's ``function: message``, where the message is, what it is about)."""
    message = about = None
    text = 0
    for frame in frames[:24]:
        if frame.function not in FATAL_FUNCTIONS:
            continue
        values = {v.name: v.value for v in variables(frame.level)}
        where_name, what_name, object_name = FATAL_FUNCTIONS[frame.function]
        # An assertion on an object need not have a message; then its expression says what failed.
        what_name = next((name for name in (what_name, EXPRESSION) if values.get(name)), what_name)
        where, what = (
            _string(memory, values.get(where_name)),
            _string(memory, values.get(what_name)),
        )
        if what:
            # The outermost is the most specific: an assertion's own text, not the general line that it leads to.
            # What a format's directives stood for is not to be had.
            what = DIRECTIVE.sub("…", what) if what_name == "format" else what
            message = f"{where}: {what}" if where else what
            text = values.get(what_name) or 0
        about = values.get(object_name) or about
    return message, text, about


def reporter_module(frames: Sequence[NativeFrame]) -> str | None:
    """The module whose code reported a fatal error: that of the caller of the outermost of the reporting functions."""
    reporters = [n for n, frame in enumerate(frames[:24]) if frame.function in FATAL_FUNCTIONS]
    return (
        frames[reporters[-1] + 1].module if reporters and reporters[-1] + 1 < len(frames) else None
    )


def _string(memory: Memory, address: int | None) -> str | None:
    if not address:
        return None
    try:
        return read_cstring(memory, address, 1000)
    except MemoryFault:
        return None
