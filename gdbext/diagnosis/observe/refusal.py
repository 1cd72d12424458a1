"""Why the processor refused an instruction: SIGFPE of an impossible division, SIGILL, SIGTRAP.

The kernel says FPE_INTDIV of every division that failed (arch/x86/kernel/traps.c): by zero, and of
one whose quotient does not fit its register, as that of the least integer by -1.  The divisor tells
which it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gdbext.binfmt.recovered_arguments import whole_register
from gdbext.binfmt.x86.instruction import GENERAL, Instruction, MemoryOperand
from gdbext.diagnosis.facts.fault import Refusal, Refused
from gdbext.target.protocol import Memory, MemoryFault, Signal

UNDEFINED = re.compile(rb"[\x40-\x4f\x66\x67\xf2\xf3]*\x0f[\x0b\xb9\xff]", re.S)
"""ud2, ud1 and ud0, which are defined to be undefined (Software Developer's Manual, volume 2):
gcc, Rust and CPython's unreachable code end in ud2, checks of clang's in ud1.
"""
DIVISION = re.compile("i?div([bwlq]?)")
WIDTHS = {"b": 1, "w": 2, "l": 4, "q": 8}


def read_refusal(
    memory: Memory,
    signal: Signal,
    instruction: Instruction | None,
    registers: Mapping[str, int],
    pc: int,
) -> Refusal | None:
    """Why the instruction was refused; None where nothing says it.  Never raises."""
    if signal.name == "SIGTRAP":
        is_int3 = instruction is not None and instruction.mnemonic == "int3"
        return Refusal(why=Refused.BREAKPOINT) if is_int3 else None
    if signal.name == "SIGILL":
        try:
            is_trap = UNDEFINED.match(memory.read(pc, 4)) is not None
        except MemoryFault:
            is_trap = instruction is not None and instruction.mnemonic == "ud2"
        return Refusal(why=Refused.TRAP if is_trap else Refused.ILLEGAL)
    if (signal.code or "").startswith("FPE_FLT"):
        return Refusal(why=Refused.FLOATING_POINT)
    division = DIVISION.fullmatch(instruction.mnemonic) if instruction is not None else None
    if instruction is None or division is None:
        return Refusal(why=Refused.DIVISION) if signal.code == "FPE_INTDIV" else None
    operand = instruction.operands[0]
    if isinstance(operand, MemoryOperand):
        value = _read(memory, operand.address(registers, pc + instruction.size), division[1])
        return Refusal(why=Refused.DIVISION, divisor=str(operand), value=value)
    name = str(operand)
    return Refusal(why=Refused.DIVISION, divisor=f"%{name}", value=_part(registers, name))


def _read(memory: Memory, address: int | None, suffix: str) -> int | None:
    if address is None or suffix not in WIDTHS:
        return None
    try:
        return int.from_bytes(memory.read(address, WIDTHS[suffix]), "little")
    except MemoryFault:
        return None


def _part(registers: Mapping[str, int], name: str) -> int | None:
    """What a general register, or a part of one, has."""
    whole = registers.get(whole_register(name))
    if whole is None or name in GENERAL:
        return whole
    if name[-1] == "h":
        return whole >> 8 & 0xFF
    if name[-1] in "lb":
        return whole & 0xFF
    return whole & (0xFFFFFFFF if name[0] == "e" or name[-1] == "d" else 0xFFFF)
