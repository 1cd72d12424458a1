"""What a function's arguments were, in code without debug information.

A function is called with its arguments in registers (System V ABI for x86-64: rdi, rsi, rdx, rcx,
r8, r9).  What it still needs of them after its first call it keeps in a register that callees
preserve, or in its part of the stack.  Where, the function's own instructions say: all paths from
its first instruction to the one it is at are followed, and only what is the same on all of them
counts.  How many arguments a function has they say as well: it reads those registers that it was
called with, and others hold what somebody else left there.

>>> code = bytes.fromhex("53 4889fb e800000000 90".replace(" ", ""))   # push rbx; mov rdi,rbx; call
>>> entry_arguments(code, 9)
{0: Register(name='rbx')}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from gdbext.binfmt.x86.instruction import LONGEST, Immediate, Instruction, MemoryOperand, decode
from gdbext.target.protocol import Memory, MemoryFault

WORD_SIZE = 8
ARGUMENTS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
VOLATILE = frozenset(("rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"))
GENERAL = VOLATILE | {"rbx", "rsp", "rbp", "r12", "r13", "r14", "r15"}
ENDS = frozenset(("ret", "ud2", "hlt", "iretq"))
READS_ONLY = frozenset(("cmp", "test", "nop", "push", "bt", "prefetcht0", "endbr64", "jmp", "call"))
IMPLICIT = {
    "mul": ("rax", "rdx"),
    "imul": ("rax", "rdx"),
    "div": ("rax", "rdx"),
    "idiv": ("rax", "rdx"),
    "cqto": ("rdx",),
    "cltd": ("rdx",),
    "cltq": ("rax",),
    "cwtl": ("rax",),
    "cmpxchg": ("rax",),
    "cmpxchg8b": ("rax", "rdx"),
    "cmpxchg16b": ("rax", "rdx"),
    "cpuid": ("rax", "rbx", "rcx", "rdx"),
    "rdtsc": ("rax", "rdx"),
    "syscall": ("rax", "rcx", "r11"),
    "xlat": ("rax",),
    **dict.fromkeys(("pcmpestri", "pcmpistri", "vpcmpestri", "vpcmpistri"), ("rcx",)),
}
"""Registers that instructions write which do not name them (Intel's manual, volume 2)."""
ZEROING = frozenset(("xor", "sub", "pxor"))
"""Of a register with itself: its value does not matter."""
WRITES_ONLY = ("mov", "lea", "set", "pop")
"""What they do not read is the last operand."""
STRINGS = ("movs", "stos", "lods", "scas", "cmps")
MAX_INSTRUCTIONS = 6000
MAX_CODE = 1 << 16


class Register(NamedTuple):
    """A register that still has the argument."""

    name: str


class Slot(NamedTuple):
    """A stack slot that still has it, ``offset`` bytes from where rsp pointed at the function's
    entry.

    There the return address lies, eight bytes below what the caller's frame has for rsp.
    """

    offset: int


Place: TypeAlias = "Register | Slot"


class _State(NamedTuple):
    """Which argument each place holds; what rsp and rbp are, as distances from rsp at entry."""

    holds: Mapping[Place, int]
    stack: Mapping[str, int]

    def merged(self, other: _State) -> _State:
        """What is true of both."""
        return _State(
            {p: a for p, a in self.holds.items() if other.holds.get(p) == a},
            {r: d for r, d in self.stack.items() if other.stack.get(r) == d},
        )


ENTRY = _State({Register(name): i for i, name in enumerate(ARGUMENTS)}, {"rsp": 0})


def entry_arguments(code: bytes, at: int, *, is_caller: bool = True) -> dict[int, Place]:
    """Where the arguments are, by position, when the function is at the offset ``at`` of its
    ``code``.

    A caller is at the instruction behind its call, which need not be one of its own: its state is
    that at the end of the call.  Where no path leads there, as behind a jump table, nothing is
    known.
    """
    states: dict[int, _State] = {0: ENTRY}
    pending = [0]
    used: set[int] = set()
    found: _State | None = None
    for _ in range(MAX_INSTRUCTIONS):
        if not pending:
            break
        offset = pending.pop()
        state = states[offset]
        instruction = decode(code[offset : offset + LONGEST])
        if instruction is None:
            continue
        used |= _read(state, instruction)
        after = _step(state, instruction)
        behind = offset + instruction.size
        if is_caller and behind == at and instruction.mnemonic == "call":
            found = after if found is None else found.merged(after)
        for target in _successors(instruction, behind):
            if not 0 <= target < len(code):
                continue
            known = states.get(target)
            merged = after if known is None else known.merged(after)
            if merged != known:
                states[target] = merged
                pending.append(target)
    else:
        return {}  # too long to follow: a path that was not seen may say otherwise
    if not is_caller:
        found = states.get(at)
    places = _by_position(found) if found is not None else {}
    return {argument: place for argument, place in places.items() if argument in used}


def recovered(
    memory: Memory,
    function: range,
    pc: int,
    registers: Mapping[str, int],
    caller_sp: int | None,
    *,
    is_caller: bool,
) -> dict[int, int]:
    """The arguments that the function at those addresses was called with, by position, as far as it
    has them still.

    ``registers`` are those of its frame, ``caller_sp`` is rsp of the frame that called it.
    """
    if len(function) > MAX_CODE:
        return {}
    values: dict[int, int] = {}
    try:
        code = memory.read(function.start, len(function))
        for argument, place in entry_arguments(
            code, pc - function.start, is_caller=is_caller
        ).items():
            if isinstance(place, Slot):
                if caller_sp is not None:
                    home = caller_sp - WORD_SIZE + place.offset
                    values[argument] = int.from_bytes(memory.read(home, WORD_SIZE), "little")
            elif place.name in registers:
                values[argument] = registers[place.name]
    except MemoryFault:
        pass
    return values


def _by_position(state: _State) -> dict[int, Place]:
    """The safest place of each argument: a slot of the stack last, which others may write to."""
    places: dict[int, Place] = {}
    for place, argument in sorted(state.holds.items(), key=lambda item: isinstance(item[0], Slot)):
        places.setdefault(argument, place)
    return dict(sorted(places.items()))


def _successors(instruction: Instruction, behind: int) -> list[int]:
    if instruction.mnemonic in ENDS:
        return []
    if instruction.mnemonic.startswith("j"):
        distance = next((o for o in instruction.operands if isinstance(o, int)), None)
        taken = [behind + distance] if distance is not None else []
        return taken if instruction.mnemonic == "jmp" else [behind, *taken]
    return [behind]


def _read(state: _State, instruction: Instruction) -> set[int]:
    """The arguments that an instruction reads from a register."""
    name, operands = instruction.mnemonic, instruction.operands
    if name.startswith("nop") or (name in ZEROING and len(set(operands)) == 1):
        return set()
    read: list[str | None] = []
    for operand in operands:
        if isinstance(operand, MemoryOperand):
            read += (operand.base, operand.index)
    writes_only = name.startswith(WRITES_ONLY)
    read += [o for o in (operands[:-1] if writes_only else operands) if isinstance(o, str)]
    held = (state.holds.get(Register(whole_register(register))) for register in read if register)
    return {argument for argument in held if argument is not None}


def _step(state: _State, instruction: Instruction) -> _State:
    """The state behind an instruction."""
    name, operands = instruction.mnemonic, instruction.operands
    holds, stack = dict(state.holds), dict(state.stack)
    if name == "call":
        _forget(holds, stack, VOLATILE)
    elif name == "push":
        _move_stack(stack, -8)
        _store(holds, _slot(MemoryOperand(base="rsp"), stack), _held(state, operands[0]))
    elif name == "pop":
        value = holds.get(_slot(MemoryOperand(base="rsp"), stack) or Slot(1))
        _move_stack(stack, 8)
        _write(holds, stack, operands[0], value)
    elif name == "leave":
        _set(stack, "rsp", state.stack.get("rbp"))
        _move_stack(stack, 8)
        _forget(holds, stack, ("rbp",))
    elif name == "mov" and len(operands) == 2:
        source, target = operands
        if target in ("rsp", "rbp") and source in ("rsp", "rbp"):
            _forget(holds, stack, (str(target),))
            _set(stack, str(target), state.stack.get(str(source)))
        else:
            _write(holds, stack, target, _held(state, source))
    elif name in ("add", "sub") and operands[-1] == "rsp" and isinstance(operands[0], Immediate):
        _move_stack(stack, operands[0].value if name == "add" else -operands[0].value)
    elif name == "lea" and operands[-1] in ("rsp", "rbp"):
        slot = _slot(operands[0], stack)
        _forget(holds, stack, (str(operands[-1]),))
        _set(stack, str(operands[-1]), slot.offset if slot else None)
    elif name not in READS_ONLY and not name.startswith("j"):
        for operand in written_operands(instruction):
            _write(holds, stack, operand, None)
        _forget(holds, stack, written_besides(instruction))
    return _State(holds, stack)


def written_operands(instruction: Instruction) -> Sequence[object]:
    """The operands that an instruction writes; the last, unless it is one of those that write
    several.
    """
    if instruction.mnemonic.startswith(("xchg", "xadd")):
        return instruction.operands
    return instruction.operands[-2 if instruction.mnemonic == "mulx" else -1 :]


def written_besides(instruction: Instruction) -> tuple[str, ...]:
    """The registers that an instruction writes besides."""
    name, operands = instruction.mnemonic, instruction.operands
    # movslq and movss are not the string instruction movs, which has two operands in memory.
    is_move = name.startswith(("movs", "cmps"))
    if name.startswith(STRINGS) and not (
        is_move and not all(isinstance(o, MemoryOperand) for o in operands)
    ):
        return ("rax", "rcx", "rsi", "rdi")
    return () if name == "imul" and len(operands) > 1 else IMPLICIT.get(name, ())


def _held(state: _State, operand: object) -> int | None:
    if isinstance(operand, MemoryOperand):
        slot = _slot(operand, state.stack)
        return state.holds.get(slot) if slot else None
    return state.holds.get(Register(operand)) if isinstance(operand, str) else None


def _write(
    holds: dict[Place, int], stack: dict[str, int], operand: object, value: int | None
) -> None:
    """Put an argument, or something else, where the operand says."""
    if isinstance(operand, MemoryOperand):
        _store(holds, _slot(operand, stack), value)
    elif isinstance(operand, str):
        whole = whole_register(operand)
        _forget(holds, stack, (whole,))
        if value is not None and operand == whole:
            holds[Register(whole)] = value


def _store(holds: dict[Place, int], slot: Slot | None, value: int | None) -> None:
    if slot is None:
        return
    for offset in range(-7, 8):
        holds.pop(Slot(slot.offset + offset), None)
    if value is not None:
        holds[slot] = value


def _forget(
    holds: dict[Place, int], stack: dict[str, int], registers: tuple[str, ...] | frozenset[str]
) -> None:
    for name in registers:
        holds.pop(Register(name), None)
        stack.pop(name, None)


def _set(stack: dict[str, int], register: str, distance: int | None) -> None:
    stack.pop(register, None)
    if distance is not None:
        stack[register] = distance


def _move_stack(stack: dict[str, int], distance: int) -> None:
    if "rsp" in stack:
        stack["rsp"] += distance


def _slot(operand: object, stack: Mapping[str, int]) -> Slot | None:
    """The stack slot that an operand names; None for other memory."""
    if not isinstance(operand, MemoryOperand) or operand.index or operand.segment in ("fs", "gs"):
        return None
    if operand.base not in ("rsp", "rbp") or operand.base not in stack:
        return None
    return Slot(stack[operand.base] + operand.displacement)


def whole_register(name: str) -> str:
    """The 64-bit register that a part of one belongs to; other registers' names as they are.

    >>> [whole_register(name) for name in ("edi", "r12d", "sil", "ah", "xmm0", "rbx")]
    ['rdi', 'r12', 'rsi', 'rax', 'xmm0', 'rbx']
    """
    if name in GENERAL:
        return name
    if name[:1] == "r" and name[1:-1].isdigit() and name[-1] in "bwd":
        return name[:-1]
    core = name.removeprefix("e").removesuffix("l").removesuffix("h")
    for candidate in (f"r{core}", f"r{core}x"):
        if candidate in GENERAL:
            return candidate
    return name
