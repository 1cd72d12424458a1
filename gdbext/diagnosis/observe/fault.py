"""Reads what the processor, libc and the interpreter reported when the process died.

* a fault: the faulting instruction and the memory operand that it could not access, or why the
  processor refused the instruction itself,
* an abort: the C assertion's text (glibc keeps it in ``__abort_msg``) or the message of
  ``Py_FatalError``,
* an exhausted stack.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from gdbext.binfmt.x86.instruction import LONGEST, Instruction, MemoryOperand, decode
from gdbext.cpython.objects.strings import read_cstring
from gdbext.cpython.traits.functions import function_traits
from gdbext.diagnosis.conclude.reporters import (
    MAX_REPORTERS,
    aborted_by_libc,
    reports_fatal_error,
)
from gdbext.diagnosis.facts.fault import (
    ACCESS_SIGNALS,
    FAULT_SIGNALS,
    SENT_CODES,
    Fault,
    FaultOperand,
)
from gdbext.diagnosis.facts.frames import frame_of_signal
from gdbext.diagnosis.observe.refusal import read_refusal
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

PAGE = 4096
# The kernel leaves a guard gap below a growing stack; glibc maps a guard page below a thread's.
STACK_REACH = 1 << 20
# The System V ABI: nothing further below the stack pointer is the function's own.
RED_ZONE = 128
ASSERTION = re.compile(
    r"(?P<file>[^:\n]*):(?P<line>\d+): (?P<function>[^:\n]*): Assertion [`'](?P<text>.*)' failed",
    re.S,
)
EXPRESSION = "expr"
ALLOCATOR_ASSERTS = "_mi_assert_fail"
NO_FIELDS: Mapping[int, str] = {}
Given: TypeAlias = "Callable[[int], Mapping[str, int]]"
"""The arguments of a level's function, by the names of its parameters."""
DIRECTIVE = re.compile(r"%[-0-9.*]*(?:ll?|z)?[a-zA-Z]")


def nothing_given(_level: int) -> Mapping[str, int]:
    """Where nothing is known of arguments that no variable has."""
    return {}


def read_fault(
    debugger: Debugger,
    memory: Memory,
    signal: Signal | None,
    frames: Sequence[NativeFrame],
    lwp: int | None,
    header_fields: Mapping[int, str] = NO_FIELDS,
    given: Given = nothing_given,
) -> Fault:
    """Decode the fault of thread ``lwp``, whose signal and native frames are given.

    ``header_fields`` are ``PyObject``'s fields by offset; ``given`` says of a frame what code tells
    of its arguments.  Never raises for a damaged target.
    """
    if signal is None or lwp is None:
        return Fault(signal=signal)
    registers = debugger.registers(lwp)
    if signal.name in FAULT_SIGNALS and signal.code not in SENT_CODES:
        # A handler (faulthandler's, say) may have run since: the fault is where the signal came in.
        level = frame_of_signal(frames)
        if level:
            registers = debugger.registers(lwp, level)
        fault = _decode_fault(debugger, signal, registers)
        operand = fault.operand
        if operand is None or operand.base_value != 0:
            return fault
        return replace(fault, header_field=header_fields.get(operand.displacement))
    if signal.name == "SIGABRT":
        said = abort_message(memory, debugger.symbol) if aborted_by_libc(frames) else None
        assertion, function = failed_assertion(said)
        if assertion is None:
            assertion, function = allocator_assertion(
                memory, frames, lambda level: debugger.variables(lwp, level)
            )
        message, text, about = fatal_message(
            memory, frames, lambda level: debugger.variables(lwp, level), given
        )
        return Fault(
            signal=signal,
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
    return Fault(signal=signal, from_outside=_from_outside(debugger, signal))


def _from_outside(debugger: Debugger, signal: Signal) -> bool:
    """raise() and abort() send a signal too, but to their own process."""
    return None not in (signal.sender, debugger.pid) and signal.sender != debugger.pid


def _decode_fault(debugger: Debugger, signal: Signal, registers: dict[str, int]) -> Fault:
    pc = registers.get("rip")
    stack_pointer = registers.get("rsp")
    instruction = operand = jumped = refusal = None
    is_access = signal.name in ACCESS_SIGNALS
    is_at_pc = is_access and pc == signal.address
    if pc is not None and (is_at_pc or not _is_mapped(debugger.regions(), pc)):
        # The processor could not fetch the instruction itself.
        jumped = pc
    elif pc is not None:
        # The processor has carried out int3 by the time that it reports it.
        decoded = read_instruction(debugger, pc - (signal.name == "SIGTRAP"))
        instruction = decoded.text(pc) if decoded is not None else None
        if not is_access:
            refusal = read_refusal(debugger, signal, decoded, registers, pc)
        elif decoded is not None:
            operand = accessed_operand(decoded, registers, pc, signal.address)
    limit = stack_limit(debugger.regions(), stack_pointer)
    address = operand.address if operand else signal.address
    overflow = bool(
        is_access
        and jumped is None
        and stack_pointer is not None
        and limit is not None
        and address is not None
        and limit - STACK_REACH <= address < limit
        and stack_pointer - RED_ZONE <= address < stack_pointer + STACK_REACH
    )
    return Fault(
        signal=signal,
        instruction=instruction,
        operand=operand,
        refusal=refusal,
        jumped_to=jumped,
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
) -> FaultOperand | None:
    """The memory operand that an instruction accesses.

    None if it has none, or where it lies is not known.  Of two, those of a string instruction, it
    is the one at ``fault_address``.
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
) -> FaultOperand:
    values = {**registers, "rip": next_instruction}
    return FaultOperand(
        text=str(operand),
        base=operand.base,
        base_value=values[operand.base] if operand.base else None,
        displacement=operand.displacement,
        address=address,
        is_write=operand.is_written,
    )


def stack_limit(regions: Sequence[Region], stack_pointer: int | None) -> int | None:
    """The lowest address of the stack's mapping: the writable one with ``stack_pointer``, or just
    above.
    """
    if stack_pointer is None:
        return None
    for region in regions:
        if region.writable and region.start - STACK_REACH <= stack_pointer < region.end:
            return region.start
    return None


def _is_mapped(regions: Sequence[Region], address: int) -> bool:
    return any(r.start <= address < r.end for r in regions)


def abort_message(memory: Memory, symbol: Callable[[str], Symbol | None]) -> str | None:
    """What glibc printed before it aborted, from its ``__abort_msg``.

    That is a failed assertion, a damaged heap, a smashed stack.  The variable points to ``struct {
    unsigned size; char text[]; }``.
    """
    place = symbol("__abort_msg")
    if place is None:
        return None
    try:
        pointer = int.from_bytes(memory.read(place.address, 8), "little")
        return read_cstring(memory, pointer + 4, 4000) if pointer else None
    except MemoryFault:
        return None


def failed_assertion(text: str | None) -> tuple[str | None, str | None]:
    """(asserted expression, function) of a failed C assertion, from what was printed."""
    found = ASSERTION.search(text or "")
    return (found["text"], found["function"]) if found else (None, None)


def allocator_assertion(
    memory: Memory,
    frames: Sequence[NativeFrame],
    variables: Callable[[int], Sequence[Variable]],
) -> tuple[str | None, str | None]:
    """(asserted expression, function) of a failed assertion of mimalloc's own, which debug builds
    have (Objects/mimalloc/options.c).
    """
    for frame in frames[:MAX_REPORTERS]:
        if frame.function == ALLOCATOR_ASSERTS:
            values = {v.name: v.value for v in variables(frame.level)}
            found = (_string(memory, values.get(name)) for name in ("assertion", "func"))
            expression, function = found
            return expression, function
    return None, None


LOST_MESSAGE = "the message is not known: the compiler left no place for it"


def fatal_message(
    memory: Memory,
    frames: Sequence[NativeFrame],
    variables: Callable[[int], Sequence[Variable]],
    given: Given = nothing_given,
) -> tuple[str | None, int, int | None]:
    """(a fatal Python error's ``function: message``, the message's address, the object it is
    about).

    From the arguments of the functions that report it, or from what code says of these; else only
    that one of them was called is known.
    """
    message = about = None
    text = 0
    for frame in frames[:MAX_REPORTERS]:
        if not reports_fatal_error(frame):
            continue
        values = {v.name: v.value for v in variables(frame.level)}
        values |= {n: a for n, a in given(frame.level).items() if values.get(n) is None}
        traits = function_traits(frame.function)
        where_name, what_name, object_name = traits.reporter, traits.message, traits.about
        # An assertion on an object need not have a message; then its expression says what failed.
        what_name = next((name for name in (what_name, EXPRESSION) if values.get(name)), what_name)
        where, what = (
            _string(memory, values.get(where_name)),
            _string(memory, values.get(what_name)),
        )
        if what:
            # The outermost is the most specific: an assertion's own text, not the general line that
            # it leads to.
            # What a format's directives stood for is not to be had.
            what = DIRECTIVE.sub("…", what) if what_name == "format" else what
            message = f"{where}: {what}" if where else what
            text = values.get(what_name) or 0
        about = values.get(object_name) or about
    if message is None and any(map(reports_fatal_error, frames[:MAX_REPORTERS])):
        message = LOST_MESSAGE
    return message, text, about


def _string(memory: Memory, address: int | None) -> str | None:
    if not address:
        return None
    try:
        return read_cstring(memory, address, 1000)
    except MemoryFault:
        return None
