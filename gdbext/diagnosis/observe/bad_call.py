"""Reads the call that led to an address where no code is.

The call has only put its return address on the stack: right before that stands the instruction,
which names a register or memory, and all registers but rsp are what they were.

The same stack is left where the call reached a function that ended in a jump (a call in its last
line, as compilers make it) and the jump found no code.  Such a function has restored the registers
that functions preserve; the others may have any value, that of the jump's target among them.
"""

from __future__ import annotations

from collections.abc import Sequence

from gdbext.binfmt.x86.instruction import MemoryOperand, decode
from gdbext.diagnosis.facts.fault import NULL_PAGE, BadCall, Target
from gdbext.diagnosis.facts.frames import CrashStack
from gdbext.frozen import dataclass
from gdbext.target.protocol import Debugger, MemoryFault, NativeFrame, Region, text_in_word

WORD = 8
HIGHEST = 1 << 47
"""Addresses of user space end there."""
NEAR = 1 << 30
"""The kernel maps libraries and pages of code side by side: one that is gone was that near to
another.
"""
PRESERVED = frozenset(("rbx", "rbp", "rsp", "rip", "r12", "r13", "r14", "r15"))
"""What a function leaves as it found it (System V ABI for x86-64), and the caller's own place."""
LONGEST_CALL = 8
"""Bytes of a call through memory, with a prefix, an index and a displacement."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """The instruction at ``pc`` of the caller's ``frame``, which went where ``operand`` leads;
    ``registers`` are those before it.
    """

    pc: int
    operand: str | MemoryOperand
    frame: NativeFrame
    registers: dict[str, int]


def read_bad_call(debugger: Debugger, stack: CrashStack, jumped_to: int) -> BadCall | None:
    """The call that went to ``jumped_to``; None where the stack shows none: a return into a stack
    that was written over, say.
    """
    call = read_call(debugger, stack, jumped_to)
    if call is None:
        return None
    regions = debugger.regions()
    here = next((r for r in regions if r.start <= jumped_to < r.end), None)
    return BadCall(
        target=_target(jumped_to, here, regions),
        caller=call.frame.function,
        mapped=here.path if here is not None else None,
        may_be_inner=not _names(call.operand) <= PRESERVED,
    )


def called_data(debugger: Debugger, stack: CrashStack) -> int | None:
    """Where a call through a pointer went, if what is there is data that may be executed: the link
    of a free callback in a page of callbacks (libffi's, cffi's), say.

    Its first word is the address of something mapped, which no code of a function begins with.
    None where the fault is in the code of a file, or further on than its first instruction.
    """
    frame = next(iter(stack.from_fault), None)
    if frame is None or frame.module is not None or read_call(debugger, stack, frame.pc) is None:
        return None
    try:
        word = int.from_bytes(debugger.read(frame.pc, WORD), "little")
    except MemoryFault:
        return None
    is_address = any(region.start <= word < region.end for region in debugger.regions())
    return frame.pc if is_address else None


def read_call(debugger: Debugger, stack: CrashStack, jumped_to: int) -> Call | None:
    """The caller's instruction, if it is a call through a pointer that had this value."""
    if stack.lwp is None or not stack.from_fault:
        return None
    callee = stack.from_fault[0]
    caller = next((f for f in stack.from_fault[1:] if not f.is_inlined), None)
    if caller is None:
        return None
    try:
        registers = debugger.registers(stack.lwp, callee.level)
        returns_to = int.from_bytes(debugger.read(registers["rsp"], WORD), "little")
        before = debugger.read(returns_to - LONGEST_CALL, LONGEST_CALL)
    except (MemoryFault, KeyError):
        return None
    if caller.pc != returns_to:
        return None
    registers = {**registers, "rsp": registers["rsp"] + WORD, "rip": returns_to}
    for size in range(2, LONGEST_CALL + 1):
        instruction = decode(before[-size:])
        if instruction is None or instruction.size != size or instruction.mnemonic != "call":
            continue
        operand = instruction.operands[0]
        if not instruction.is_indirect or not isinstance(operand, (str, MemoryOperand)):
            continue
        if _value(debugger, operand, registers, returns_to) == jumped_to:
            return Call(pc=returns_to - size, operand=operand, frame=caller, registers=registers)
    return None


def _names(operand: str | MemoryOperand) -> set[str]:
    """The registers that an operand is made of."""
    if isinstance(operand, str):
        return {operand}
    return {name for name in (operand.base, operand.index) if name is not None}


def _value(
    debugger: Debugger, operand: str | MemoryOperand, registers: dict[str, int], behind: int
) -> int | None:
    if isinstance(operand, str):
        return registers.get(operand)
    address = operand.address(registers, behind)
    try:
        return int.from_bytes(debugger.read(address, WORD), "little") if address else None
    except MemoryFault:
        return None


def _target(address: int, here: Region | None, regions: Sequence[Region]) -> Target:
    if address < NULL_PAGE:
        return Target.NULL
    if address >= HIGHEST or text_in_word(address) is not None:
        return Target.NO_ADDRESS
    if here is not None:
        return Target.DATA
    is_near = any(r.start - NEAR <= address < r.end + NEAR for r in regions)
    return Target.UNMAPPED if is_near else Target.ELSEWHERE
