"""Where the value of a register came from, in code with or without debug information.

All paths from a function's first instruction to the one it is at are followed, and a register's
value is what it is on all of them: what the function was called with, the result of a call, a word
loaded from memory by a pointer of which the same is known.  What paths do not agree on has no
source, but still is one value: a loop's index, say, which the register itself has.

Two parts: :class:`_Function` follows the code and gives each place (a register, a slot of the
stack) a symbolic :data:`Value`, without any process; :class:`_Now` says what numbers such values
are in the stopped one, as far as a register or a slot still has them.  A number that nothing has
any more can only be read from memory once more (``is_read_again``), which may have changed.

>>> code = bytes.fromhex("488b4728 488b4008 488b4018".replace(" ", ""))
>>> values = at_instruction(code, 0x1000, 0x1008)   # mov 0x28(%rdi),%rax; mov 0x8(%rax),%rax; ...
>>> values["rax"].address.displacement, values["rax"].address.base.address.base
(8, EntryRegister(register='rdi'))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from gdbext.binfmt.recovered_arguments import (
    ENDS,
    GENERAL,
    READS_ONLY,
    VOLATILE,
    ZEROING,
    whole_register,
    written_besides,
    written_operands,
)
from gdbext.binfmt.x86.instruction import (
    LONGEST,
    WORD,
    Immediate,
    Instruction,
    MemoryOperand,
    decode,
)
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault

WORD_SIZE = 8
MAX_CODE = 1 << 14
WIDEST = 64
"""Bytes that the longest vector register writes."""
MAX_INSTRUCTIONS = 20_000
MAX_DEPTH = 8
"""Values made of more than that are not followed further back."""
MAX_AWAY = 300
"""Instructions that are followed outside the function's own code, where compilers put what is
seldom run; what goes on for longer is another function.
"""


@dataclass(frozen=True)
class EntryRegister:
    """What a register had when the function was called."""

    register: str


@dataclass(frozen=True)
class CallResult:
    """What the call returned that returns to this address."""

    call: int


@dataclass(frozen=True)
class Constant:
    """A number that stands in the code, or an address in its module."""

    value: int


@dataclass(frozen=True)
class Unknown:
    """What a register has since the instruction at ``site``, wherever it is from."""

    site: int
    place: Place


@dataclass(frozen=True)
class Sum:
    """``displacement(base,index,scale)``: an address, or a sum."""

    base: Value | None
    indexed: Value | None = None
    scale: int = 1
    displacement: int = 0


@dataclass(frozen=True)
class Loaded:
    """The word that the instruction at ``site`` read; ``since`` is the last call before."""

    site: int
    address: Sum | Constant
    since: Value


Value: TypeAlias = "EntryRegister | CallResult | Constant | Unknown | Sum | Loaded"
Place: TypeAlias = "str | int"
"""A register's name, or a slot of the function's stack by its distance from rsp at entry."""
State: TypeAlias = "Mapping[Place, Value]"
TOP = EntryRegister("rsp")
LAST_CALL = "call"
"""The place of what the last call returned: two values that agree on it have no call between."""


@dataclass(frozen=True, kw_only=True)
class MemoryLoad:
    """A word that the code read from memory, on its way to what it did last.

    ``place`` was made of the pointer ``base``, None for a variable of the code's own module;
    ``value`` is what the code has of it.
    """

    place: int
    value: int
    base: int | None = None
    offset: int = 0
    is_read_again: bool = False
    """The code has the value no more: it, or the place, was read from memory as that is now."""
    is_fresh: bool = True
    """Nothing was called since it was read."""
    is_local: bool = False
    """The place is in the function's own part of the stack."""


@dataclass(frozen=True, kw_only=True)
class ValueSource:
    """Where a value came from: the loads that led to it, the last one first, and what the first of
    them began with: the function's argument of that position, or what the call returned that
    returns to that address.
    """

    loads: tuple[MemoryLoad, ...] = ()
    argument: int | None = None
    result_of: int | None = None
    has_called: bool = False
    """The function, which had it as an argument, has called others since it was called itself."""


ARGUMENTS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")


def at_instruction(code: bytes, start: int, pc: int) -> State:
    """What the registers have before the instruction at ``pc`` of a function that begins at
    ``start``; nothing where no path leads there, or not all are known.
    """

    def read(address: int, size: int) -> bytes:
        return code[address - start : address - start + size] if address >= start else b""

    return _Function(range(start, start + len(code)), read).before(pc)


def source_of(
    memory: Memory,
    function: range,
    pc: int,
    registers: Mapping[str, int],
    operand: str | MemoryOperand,
    has: int,
    most: int = 6,
) -> ValueSource:
    """Where the value ``has`` came from that an operand of the instruction at ``pc`` has, a
    register or memory, in the innermost function's code.

    ``registers`` are those before the instruction.
    """
    body = _body(memory, function)
    state = body.before(pc) if body is not None else {}
    instruction = body.instruction(pc) if body is not None else None
    if not state or instruction is None:
        return ValueSource()
    value = _value(state, operand, pc, pc + instruction.size)
    return _source(_Now(memory, state, registers), value, has, most)


def call_arguments(
    memory: Memory, function: range, returns_to: int, registers: Mapping[str, int]
) -> dict[int, int]:
    """What the call that returns there was given, by position, as far as the caller's code says it
    and has it still.

    ``registers`` are the caller's: those that functions preserve, and rsp.
    """
    state = _before_call(memory, function, returns_to)
    now = _Now(memory, state, _preserved(registers)) if state else None
    found = {}
    for position, register in enumerate(ARGUMENTS) if now is not None else ():
        value = now.value(state[register]) if now is not None else None
        if value is not None:
            found[position] = value.value
    return found


def argument_source(
    memory: Memory,
    function: range,
    returns_to: int,
    registers: Mapping[str, int],
    position: int,
    has: int,
    inner_has_called: bool = True,
    most: int = 6,
) -> ValueSource:
    """As :func:`source_of`, of what the call that returns there was given as its argument of that
    position: ``has``.

    ``registers`` are the caller's: those that functions preserve, and rsp.  What was read before a
    call that ``inner_has_called``, the function that was called, is not fresh any more.
    """
    state = _before_call(memory, function, returns_to)
    if not state:
        return ValueSource()
    now = _Now(memory, state, _preserved(registers))
    found = _source(now, state[ARGUMENTS[position]], has, most)
    if not inner_has_called:
        return found
    return replace(found, loads=tuple(replace(load, is_fresh=False) for load in found.loads))


def _before_call(memory: Memory, function: range, returns_to: int) -> State:
    """What is known before the function's call that returns there."""
    body = _body(memory, function)
    if body is None:
        return {}
    call = next(
        (
            at
            for at, instruction in body.own().items()
            if at + instruction.size == returns_to and instruction.mnemonic == "call"
        ),
        None,
    )
    return body.before(call) if call is not None else {}


def _preserved(registers: Mapping[str, int]) -> dict[str, int]:
    return {name: value for name, value in registers.items() if name not in VOLATILE}


def _body(memory: Memory, function: range) -> _Function | None:
    if len(function) > MAX_CODE:
        return None
    try:
        code = memory.read(function.start, len(function))
    except MemoryFault:
        return None

    def read(address: int, size: int) -> bytes:
        if address in function:
            return code[address - function.start :][:size]
        try:
            return memory.read(address, size)
        except MemoryFault:
            return b""

    return _Function(function, read)


def _source(now: _Now, value: Value | None, has: int, most: int) -> ValueSource:
    loads: list[MemoryLoad] = []
    again = False
    while isinstance(value, Loaded) and len(loads) < most:
        place = now.value(value.address)
        if place is None:
            break
        pointer, base = _pointer(now, value.address)
        again = again or place.is_read_again
        loads.append(
            MemoryLoad(
                place=place.value,
                value=has,
                base=base.value if base else None,
                offset=place.value - base.value & WORD if base else 0,
                is_read_again=again,
                is_fresh=value.since == now.last_call,
                is_local=pointer == TOP,
            )
        )
        if base is None:
            break
        again = again or base.is_read_again
        value, has = pointer, base.value
    argument = result = None
    if isinstance(value, EntryRegister) and value.register in ARGUMENTS:
        argument = ARGUMENTS.index(value.register)
    elif isinstance(value, CallResult):
        result = value.call
    return ValueSource(
        loads=tuple(loads),
        argument=argument,
        result_of=result,
        has_called=argument is not None and now.last_call != EntryRegister(LAST_CALL),
    )


def _pointer(now: _Now, address: Sum | Constant) -> tuple[Value | None, _Known | None]:
    """The part of an address that points; with an index of bytes that is the larger one."""
    if isinstance(address, Constant):
        return None, None
    parts = [
        (part, known)
        for part in (address.base, address.indexed if address.scale == 1 else None)
        if part is not None and not isinstance(part, Constant)
        if (known := now.value(part)) is not None
    ]
    return max(parts, key=lambda part: part[1].value, default=(None, None))


class _Known(NamedTuple):
    value: int
    is_read_again: bool = False


class _Now:
    """What values are in the stopped process: those that a register or a stack slot still has, and
    what these lead to.
    """

    def __init__(self, memory: Memory, state: State, registers: Mapping[str, int]) -> None:
        self._memory = memory
        self._registers = registers
        self.last_call = state.get(LAST_CALL)
        # A register says more than a slot of the stack, which others may write to.
        places = [p for p in state if isinstance(p, int)] + sorted(set(registers) & set(state))
        self._held: dict[Value, tuple[Place, int]] = {}
        for place in places:
            value = state[place]
            self._held[value] = place, 0
            if isinstance(value, Sum) and value.base and value.indexed is None:
                self._held.setdefault(value.base, (place, value.displacement))
        top = state.get("rsp")
        distance = _distance(top) if top is not None else None
        is_known = distance is not None and "rsp" in registers
        self._top = registers["rsp"] - (distance or 0) if is_known else None

    def value(self, value: Value) -> _Known | None:
        """The number; None where nothing has it any more."""
        place, distance = self._held.get(value, (None, 0))
        if isinstance(place, str) and place in self._registers:
            return _Known(self._registers[place] - distance & WORD)
        if isinstance(value, Constant):
            return _Known(value.value)
        try:
            if isinstance(place, int) and self._top is not None:
                return _Known(self._word(self._top + place) - distance & WORD)
            if isinstance(value, Loaded):
                known = self.value(value.address)
                return _Known(self._word(known.value), is_read_again=True) if known else None
        except MemoryFault:
            return None
        if value == TOP and self._top is not None:
            return _Known(self._top)
        return self._sum(value) if isinstance(value, Sum) else None

    def _sum(self, address: Sum) -> _Known | None:
        total, again = address.displacement, False
        for part, factor in ((address.base, 1), (address.indexed, address.scale)):
            if part is None:
                continue
            known = self.value(part)
            if known is None:
                return None
            total, again = total + known.value * factor, again or known.is_read_again
        return _Known(total & WORD, again)

    def _word(self, address: int) -> int:
        return int.from_bytes(self._memory.read(address & WORD, WORD_SIZE), "little")


class _Function:
    """The states before each instruction of a function, all paths followed."""

    def __init__(self, addresses: range, read: Callable[[int, int], bytes]) -> None:
        self._addresses = addresses
        self._read = read
        self._known: dict[int, Instruction | None] = {}
        self._states: dict[int, State] = {}
        self._ways: dict[int, dict[int, State]] = {}
        """The states that come to an instruction, by the instruction that they come from."""
        self._varies: dict[int, set[Place]] = {}
        """What the ways to an instruction do not agree on."""
        self._away: dict[int, int] = {}

    def before(self, pc: int) -> State:
        """The state there; an empty one where not all paths could be followed."""
        keeps_slots = not any(map(_takes_stack_address, self.own().values()))
        pending: list[int] = []
        places = (*GENERAL, LAST_CALL)
        self._begin(self._addresses.start, {name: EntryRegister(name) for name in places}, pending)
        seen: set[int] = set()
        for _ in range(MAX_INSTRUCTIONS):
            if not pending and not self._begin_elsewhere(pending):
                return self._states.get(pc, {})
            at = pending.pop()
            instruction = self.instruction(at)
            if instruction is None:
                if at + LONGEST in self._addresses:
                    # What it does, and where it goes on, is not known; at the end it is padding.
                    return {}
                continue
            state: State = self._states[at]
            if at in seen:
                state = _without(state, at, at + instruction.size)
            seen.add(at)
            after = _step(state, instruction, at, keeps_slots)
            targets = _successors(instruction, state, at + instruction.size)
            if targets is None:
                return {}
            for target in targets:
                away = 0 if target in self._addresses else self._away[at] + 1
                if away <= MAX_AWAY and self._arrive(at, target, after):
                    self._away[target] = away
                    pending.append(target)
        return {}

    def _begin(self, at: int, state: State, pending: list[int]) -> None:
        self._away[at] = 0
        self._arrive(-1, at, state)
        pending.append(at)

    def _begin_elsewhere(self, pending: list[int]) -> bool:
        """Go on where no jump leads: the C++ runtime does, to where an exception is caught."""
        for at, instruction in self.own().items():
            if at not in self._states and not instruction.mnemonic.startswith(("nop", "int3")):
                places = (*GENERAL, LAST_CALL)
                self._begin(at, {name: Unknown(at, name) for name in places}, pending)
                return True
        return False

    def own(self) -> Mapping[int, Instruction]:
        """The function's instructions, in their order."""
        found: dict[int, Instruction] = {}
        at = self._addresses.start
        while at in self._addresses and (instruction := self.instruction(at)) is not None:
            found[at] = instruction
            at += instruction.size
        return found

    def instruction(self, at: int) -> Instruction | None:
        """The one at an address; None for one that is not known."""
        if at not in self._known:
            self._known[at] = decode(self._read(at, LONGEST))
        return self._known[at]

    def _arrive(self, source: int, target: int, state: State) -> bool:
        """Bring a state to an instruction; whether that changes what is known there."""
        ways = self._ways.setdefault(target, {})
        ways[source] = state
        if len(ways) > 1:
            varies = self._varies.setdefault(target, set())
            common = set(state).intersection(*ways.values())
            varies |= {p for p in common if p not in varies and _differs(target, p, ways)}
            state = {p: Unknown(target, p) if p in varies else state[p] for p in common}
        if state == self._states.get(target):
            return False
        self._states[target] = state
        return True


def _successors(instruction: Instruction, state: State, behind: int) -> list[int] | None:
    """Where it goes on; None for a table of jumps, which may lead anywhere in the function."""
    name = instruction.mnemonic
    if name in ENDS:
        return []
    if not name.startswith("j"):
        return [behind]
    distance = next((o for o in instruction.operands if isinstance(o, int)), None)
    if distance is None:
        return [] if _leaves(instruction.operands[0], state) else None
    taken = behind + distance
    return [taken] if name == "jmp" else [behind, taken]


def _leaves(through: object, state: State) -> bool:
    """Whether a jump through a pointer goes to another function: the pointer was read from a place
    of its own, not from one of many.
    """
    if isinstance(through, MemoryOperand):
        return through.index is None
    value = state.get(through) if isinstance(through, str) else None
    if isinstance(value, Loaded):
        return not isinstance(value.address, Sum) or value.address.indexed is None
    return False


def _without(state: State, *sites: int) -> State:
    """A state without what instructions gave that run again now: they give another value."""
    return {
        place: Unknown(sites[0], place) if any(_is_of(value, site) for site in sites) else value
        for place, value in state.items()
    }


def _takes_stack_address(instruction: Instruction) -> bool:
    operands = instruction.operands
    if instruction.mnemonic == "mov":
        return operands[0] == "rsp" and operands[-1] != "rbp"
    if instruction.mnemonic != "lea" or operands[-1] in ("rsp", "rbp"):
        return False
    named = operands[0]
    # rbp may be any pointer; a slot that is taken for handed out only tells less.
    return isinstance(named, MemoryOperand) and bool({named.base, named.index} & {"rsp", "rbp"})


def _differs(join: int, place: Place, ways: Mapping[int, State]) -> bool:
    """Whether a place has one value on one way to an instruction, another on another.

    What the instruction itself has called unknown is another one each time.
    """
    values = {state[place] for state in ways.values()}
    return len(values) > 1 or any(_is_of(value, join) for value in values)


def _is_of(value: Value | None, site: int) -> bool:
    """Whether a value is made of one that the instruction at ``site`` gives: when it runs again,
    that is another one.
    """
    if isinstance(value, Unknown):
        return value.site == site
    if isinstance(value, CallResult):
        return value.call == site
    if isinstance(value, Loaded):
        return value.site == site or _is_of(value.address, site) or _is_of(value.since, site)
    if isinstance(value, Sum):
        return _is_of(value.base, site) or _is_of(value.indexed, site)
    return False


def _depth(value: Value | None) -> int:
    if isinstance(value, Loaded):
        return 1 + _depth(value.address)
    if isinstance(value, Sum):
        return 1 + max(_depth(value.base), _depth(value.indexed))
    return 0


def _step(before: State, instruction: Instruction, at: int, keeps_slots: bool) -> State:
    """The state behind the instruction at an address."""
    name, operands = instruction.mnemonic, instruction.operands
    behind = at + instruction.size
    state = dict(before)
    if name == "call":
        state.update((register, Unknown(at, register)) for register in VOLATILE)
        state["rax"] = state[LAST_CALL] = CallResult(behind)
        # What lies at and above the return address is the caller's.
        return {p: v for p, v in state.items() if isinstance(p, str) or (keeps_slots and p < 0)}
    if name in ("push", "pop", "leave"):
        _move(state, instruction, at, behind)
    elif name == "mov" and len(operands) == 2:
        _write(state, operands[1], _value(before, operands[0], at, behind), at, behind)
    elif name == "lea" and isinstance(operands[0], MemoryOperand):
        _write(state, operands[1], _address(before, operands[0], behind), at, behind)
    elif name in ("add", "sub") and isinstance(operands[0], Immediate):
        distance = operands[0].value if name == "add" else -operands[0].value
        _write(state, operands[-1], _plus(before, operands[-1], distance), at, behind)
    elif name in ZEROING and len(operands) == 2 and operands[0] == operands[1]:
        _write(state, operands[1], Constant(0), at, behind, is_any_width=True)
    elif name not in READS_ONLY and not name.startswith("j"):
        _spoil(state, instruction, at, behind)
    return state


def _move(state: dict[Place, Value], instruction: Instruction, at: int, behind: int) -> None:
    """What moves the stack pointer by itself."""
    top, operands = MemoryOperand(base="rsp"), instruction.operands
    if instruction.mnemonic == "push":
        value = _value(state, operands[0], at, behind)
        _move_stack(state, -WORD_SIZE)
        _write(state, top, value, at, behind)
        return
    if instruction.mnemonic == "leave":
        state["rsp"] = state["rbp"]
    target = operands[0] if operands else "rbp"
    value = _value(state, top, at, behind)
    _move_stack(state, WORD_SIZE)
    _write(state, target, value, at, behind)


def _spoil(state: dict[Place, Value], instruction: Instruction, at: int, behind: int) -> None:
    """What writes something that is not followed."""
    for operand in written_operands(instruction):
        _write(state, operand, None, at, behind)
    state.update((register, Unknown(at, register)) for register in written_besides(instruction))


def _value(state: State, operand: object, at: int, behind: int) -> Value | None:
    """What an operand of 64 bits has; None for one of another width."""
    if isinstance(operand, Immediate):
        return Constant(operand.value & WORD)
    if isinstance(operand, str):
        return state.get(operand) if operand in GENERAL else None
    if not isinstance(operand, MemoryOperand) or operand.segment in ("fs", "gs"):
        return None
    address = _address(state, operand, behind)
    slot = _distance(address)
    if slot is not None and slot in state:
        return state[slot]
    return Loaded(at, address, state[LAST_CALL]) if address is not None else None


def _address(state: State, operand: MemoryOperand, behind: int) -> Sum | Constant | None:
    if operand.base == "rip":
        return Constant(behind + operand.displacement & WORD)
    base = state.get(operand.base) if operand.base else None
    index = state.get(operand.index) if operand.index else None
    if (operand.base and base is None) or (operand.index and index is None):
        return None
    return _sum(base, index, operand.scale, operand.displacement)


def _sum(base: Value | None, index: Value | None, scale: int, displacement: int) -> Sum | Constant:
    if isinstance(base, Constant) and index is None:
        return Constant(base.value + displacement & WORD)
    scale = scale if index is not None else 1
    if isinstance(base, Sum) and base.indexed is None:
        return Sum(base.base, index, scale, base.displacement + displacement)
    return Sum(base, index, scale, displacement)


def _plus(state: State, operand: object, distance: int) -> Value | None:
    value = state.get(operand) if isinstance(operand, str) else None
    return _sum(value, None, 1, distance) if value is not None else None


def _distance(value: object) -> int | None:
    """How far an address is from rsp at the function's entry; None for other memory."""
    if value == TOP:
        return 0
    if not isinstance(value, Sum) or value.base != TOP or value.indexed is not None:
        return None
    return value.displacement


def _write(
    state: dict[Place, Value],
    operand: object,
    value: Value | None,
    at: int,
    behind: int,
    is_any_width: bool = False,
) -> None:
    """Put a value where the operand says; None for one that nothing is known of."""
    if isinstance(operand, MemoryOperand):
        slot = _distance(_address(state, operand, behind))
        if slot is None:
            return
        for near in range(slot - 7, slot + (WORD_SIZE if value is not None else WIDEST)):
            state.pop(near, None)
        if value is not None:
            state[slot] = value
    elif isinstance(operand, str) and (register := whole_register(operand)) in GENERAL:
        is_whole = operand == register or is_any_width
        if value is None or not is_whole or _depth(value) > MAX_DEPTH:
            value = Unknown(at, register)
        state[register] = value


def _move_stack(state: dict[Place, Value], distance: int) -> None:
    state["rsp"] = _sum(state["rsp"], None, 1, distance)


__all__ = [
    "MemoryLoad",
    "ValueSource",
    "argument_source",
    "at_instruction",
    "call_arguments",
    "source_of",
]
