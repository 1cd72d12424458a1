"""Whether a table of instructions is that of a process: its code objects must decode to their end
and make sense.

CPython's compiler keeps to these rules in every code object (Python/flowgraph.c): every way through
the code leaves the same depth on the value stack at one place, never below zero nor above
``co_stacksize``; jumps lead to instructions, names, constants and local variables exist, and a
RESUME begins the code.  A table with other numbers breaks one of them within a few code objects.
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.cpython.interpreter.bytecode import (
    BytecodeInstruction,
    Instrumentation,
    instructions,
    read_instrumentation,
)
from gdbext.cpython.interpreter.jumps import BACKWARD, ENDS, FORWARD
from gdbext.cpython.interpreter.opcodes import Opcodes
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault

MAX_UNITS = 1 << 14
MAX_ITEMS = 1 << 16
NAMES = ("LOAD_NAME", "STORE_NAME", "DELETE_NAME", "STORE_ATTR", "DELETE_ATTR", "STORE_GLOBAL")
SHIFTED_NAMES = ("LOAD_GLOBAL", "LOAD_ATTR")
LOCALS = ("LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_CHECK", "STORE_FAST", "LOAD_DEREF")
LAST_IN_A_ROW = 4
"""Nothing is asked of a RESUME but that it stands within the first instructions: cells are made
before it.
"""


@dataclass(frozen=True, kw_only=True)
class CheckedCode:
    """What of a code object the check needs; ``content`` is its ``co_code_adaptive``, the others
    are counts.

    ``exception_table`` is empty where the code object's own is damaged: what it led to is not
    followed then.
    """

    content: bytes
    instrumentation: Instrumentation
    exception_table: bytes
    stack_size: int
    names: int
    constants: int
    variables: int


def read_code(memory: Memory, layout: Layout, address: int) -> CheckedCode | None:
    """The code object at ``address``; None where it cannot be read, or is too long to
    be worth it.
    """
    try:
        record = layout.record(memory, "PyCodeObject", address)
        units = record["ob_size"]
        if not 0 < units <= MAX_UNITS:
            return None
        return CheckedCode(
            content=memory.read(record.address_of("co_code_adaptive"), 2 * units),
            instrumentation=read_instrumentation(memory, layout, address),
            exception_table=_exception_table(memory, layout, record["co_exceptiontable"], units),
            stack_size=record["co_stacksize"],
            names=_size(memory, layout, record["co_names"]),
            constants=_size(memory, layout, record["co_consts"]),
            variables=record["co_nlocalsplus"],
        )
    except (MemoryFault, UnknownLayout):
        return None


def fault_in(code: CheckedCode, table: Opcodes) -> str | None:
    """What is wrong with the code object if the table is right; None where nothing is."""
    decoded = instructions(code.content, table, code.instrumentation)
    units = len(code.content) // 2
    end = decoded[-1].end if decoded else 0
    if end != units:
        return f"unit {end} of {units} is not an instruction"
    if all(i.name != "RESUME" for i in decoded[: LAST_IN_A_ROW + code.variables]):
        return "the code does not begin with a RESUME"
    for instruction in decoded:
        if problem := _argument(instruction, code):
            return problem
    return _stack(decoded, code, table)


def _argument(at: BytecodeInstruction, code: CheckedCode) -> str | None:
    """Whether the argument is the index of something that there is."""
    if at.name in NAMES:
        index, limit, what = at.oparg, code.names, "name"
    elif at.name in SHIFTED_NAMES:
        index, limit, what = at.oparg >> 1, code.names, "name"
    elif at.name == "LOAD_CONST":
        index, limit, what = at.oparg, code.constants, "constant"
    elif at.name in LOCALS:
        index, limit, what = at.oparg, code.variables, "variable"
    else:
        return None
    return f"{at.name} at unit {at.index} has no {what} {index}" if index >= limit else None


def _stack(decoded: list[BytecodeInstruction], code: CheckedCode, table: Opcodes) -> str | None:
    """Follow every way through the code; each place must always be reached at the same depth."""
    starts = dict(zip([0, *(i.end for i in decoded)], decoded))
    depths = {0: 0} | dict(handlers(code.exception_table))
    waiting = list(depths)
    while waiting:
        start = waiting.pop()
        depth = depths[start]
        at = starts.get(start)
        if at is None:
            return f"unit {start} is jumped to, and no instruction starts there"
        popped, pushed = table.effect(at.name, at.oparg)
        if popped > depth and at.name not in ENDS:
            return f"{at.name} at unit {at.index} pops {popped} of {depth} values"
        depth = max(depth - popped, 0) + pushed
        if depth > code.stack_size + 1:
            return (
                f"{at.name} at unit {at.index} makes the stack {depth} deep, not {code.stack_size}"
            )
        for target in _next(at):
            if target not in depths:
                depths[target] = depth
                waiting.append(target)
            elif depths[target] != depth:
                return f"unit {target} is reached with {depths[target]} and {depth} values"
    return None


def _next(at: BytecodeInstruction) -> Iterator[int]:
    """Where the code goes on after an instruction."""
    if at.name not in ENDS:
        yield at.end
    if at.name in FORWARD:
        yield at.end + at.oparg
    elif at.name in BACKWARD:
        yield at.end - at.oparg


def _exception_table(memory: Memory, layout: Layout, address: int, units: int) -> bytes:
    """The ``co_exceptiontable`` of code of so many units; empty where it cannot be one.

    Most code objects share one empty ``bytes``: its damage says nothing of their instructions.
    """
    try:
        place = address + layout.offset("PyBytesObject", "ob_sval")
        table = memory.read(place, min(_size(memory, layout, address), MAX_ITEMS))
    except MemoryFault:
        return b""
    return table if _is_exception_table(table, units) else b""


def _is_exception_table(table: bytes, units: int) -> bool:
    """Whether each entry begins with bit 7, and nothing else has it, and all of them lie within the
    code (Python/assemble.c, assemble_emit_exception_table_entry).
    """
    numbers: list[int] = []
    value = 0
    is_new = True
    for byte in table:
        begins = is_new and len(numbers) % 4 == 0
        if bool(byte & 128) != begins:
            return False
        value = value << 6 | byte & 63
        is_new = not byte & 64
        if is_new:
            numbers.append(value)
            value = 0
    entries = zip(*[iter(numbers)] * 4)
    return (
        is_new
        and len(numbers) % 4 == 0
        and all(start + size <= units and target < units for start, size, target, _ in entries)
    )


def handlers(table: bytes) -> list[tuple[int, int]]:
    """(code unit, stack depth) of each exception handler in a ``co_exceptiontable``
    (InternalDocs/exception_handling.md).

    Each entry is four numbers: start, length, target, depth and whether the instruction's index is
    pushed too.  A number is groups of six bits, the highest first; bit 6 says that another follows.
    A damaged table ends at the damage.
    """
    numbers: list[int] = []
    value = 0
    for byte in table:
        value = value << 6 | byte & 63
        if not byte & 64:
            numbers.append(value)
            value = 0
    return [
        (numbers[i + 2], (numbers[i + 3] >> 1) + (numbers[i + 3] & 1) + 1)
        for i in range(0, len(numbers) - 3, 4)
    ]


def _size(memory: Memory, layout: Layout, address: int) -> int:
    """``ob_size`` of a tuple or bytes object."""
    place = address + layout.offset("PyVarObject", "ob_size")
    return int.from_bytes(memory.read(place, 8), "little")
