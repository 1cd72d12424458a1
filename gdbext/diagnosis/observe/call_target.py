"""Which function a frame called, by the name under which its code knows it.

A call of a shared library's function goes through the procedure linkage table (System V ABI for
x86-64): the stub there jumps to the address in the global offset table.  What was called may have
ended in a jump to another function, as ``operator delete`` does to ``free``: its own frame is gone
then, and the call instruction alone still says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from gdbext.binfmt.recovered_arguments import MAX_CODE, whole_register
from gdbext.binfmt.x86.instruction import LONGEST, MemoryOperand, Operand, decode
from gdbext.target.protocol import Debugger, MemoryFault

CALL_RELATIVE = 0xE8
CALL_THROUGH = b"\xff\x15"
JUMP_THROUGH = b"\xff\x25"
ENDBR64 = b"\xf3\x0f\x1e\xfa"
BND = 0xF2
STUB = 16
FORGETS = ("j", "call", "ret", "xchg", "cmpxchg", "xadd")
"""Behind these, registers that were equal need not be."""
PRESERVED = ("rbx", "rbp", "rsp", "r12", "r13", "r14", "r15")


class Passed(NamedTuple):
    """An argument.  One that is read again, from where the caller took it in memory, may have been
    changed there since.
    """

    value: int
    is_read_again: bool = False


def called_function(debugger: Debugger, return_address: int) -> str | None:
    """The name of the function whose call returns there; None for a call through a register.

    >>> called_function(debugger, 0x7f00001010)  # doctest: +SKIP
    'operator delete[](void*)'
    """
    target = called_address(debugger, return_address)
    symbol = debugger.symbol_at(target) if target else None
    return symbol.name if symbol is not None else None


def called_address(debugger: Debugger, return_address: int) -> int | None:
    """Where the function begins whose call returns there; None for a call through a register."""
    try:
        return _target(debugger, return_address)
    except MemoryFault:
        return None


def passed_first(
    debugger: Debugger, function: range, return_address: int, registers: Mapping[str, int]
) -> Passed | None:
    """The first argument of the call that returns there, from where the caller's code took it.

    ``registers`` are the caller's.  Counts only what the call has left as it was, a register that
    functions preserve, or memory at one, and where one path alone leads from there to the call:
    compilers let calls that are the same share one instruction.
    """
    end = return_address - function.start
    try:
        code = debugger.read(function.start, min(len(function), MAX_CODE))
    except MemoryFault:
        return None
    joins = _jump_targets(code, end)
    if joins is None:
        return None
    source: Operand | None = None
    copies: dict[str, str] = {}
    at = 0
    while at < end:
        if at in joins:
            source, copies = None, {}
        instruction = decode(code[at : at + LONGEST])
        if instruction is None:
            return None
        at += instruction.size
        if at == end:
            break
        if instruction.prefix or instruction.mnemonic.startswith(FORGETS):
            source, copies = None, {}
            continue
        operands = instruction.operands
        target = operands[-1] if operands else None
        if not isinstance(target, str):
            continue
        is_move = instruction.mnemonic == "mov" and target == whole_register(target)
        target = whole_register(target)
        if target == "rdi":
            source = _by_copy(operands[0], copies) if is_move else None
        copies = {a: b for a, b in copies.items() if target not in (a, b)}
        if is_move and isinstance(operands[0], str) and target in PRESERVED:
            copies[operands[0]] = target
    if isinstance(source, str):
        is_known = source in PRESERVED and source in registers
        return Passed(registers[source]) if is_known else None
    if not isinstance(source, MemoryOperand) or source.index or source.base not in PRESERVED:
        return None
    address = source.address(registers)
    try:
        if address is None:
            return None
        return Passed(_word(debugger, address), is_read_again=True)
    except MemoryFault:
        return None


def _jump_targets(code: bytes, end: int) -> set[int] | None:
    """The offsets that the function's jumps lead to; None where ``end`` is not reached.

    Behind ``end``, what cannot be decoded may hide jumps: no more are known then.
    """
    found: set[int] = set()
    at = 0
    while at < len(code):
        instruction = decode(code[at : at + LONGEST])
        if instruction is None:
            break
        at += instruction.size
        if instruction.mnemonic.startswith("j"):
            found |= {at + operand for operand in instruction.operands if isinstance(operand, int)}
    return found if at >= end else None


def _by_copy(source: Operand, copies: Mapping[str, str]) -> Operand:
    """Memory at a register that the call has spoilt, by the preserved one that equals it."""
    if isinstance(source, MemoryOperand) and source.base is not None:
        return replace(source, base=copies.get(source.base, source.base))
    return source


def _target(debugger: Debugger, return_address: int) -> int | None:
    before = debugger.read(return_address - 6, 6)
    distance = int.from_bytes(before[2:], "little", signed=True)
    if before[:2] == CALL_THROUGH:
        return _word(debugger, return_address + distance)
    if before[1] != CALL_RELATIVE:
        return None
    target = return_address + distance
    return _behind_stub(debugger, target) or target


def _behind_stub(debugger: Debugger, target: int) -> int | None:
    """Where a stub of the linkage table jumps to; None if no stub is there."""
    code = debugger.read(target, STUB)
    at = len(ENDBR64) if code.startswith(ENDBR64) else 0
    at += code[at] == BND
    if code[at : at + 2] != JUMP_THROUGH:
        return None
    distance = int.from_bytes(code[at + 2 : at + 6], "little", signed=True)
    return _word(debugger, target + at + 6 + distance)


def _word(debugger: Debugger, address: int) -> int:
    return int.from_bytes(debugger.read(address, 8), "little")
