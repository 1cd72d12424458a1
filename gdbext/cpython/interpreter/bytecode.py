"""Instructions of a code object, from the bytes that the interpreter runs (``co_code_adaptive``, or
a thread's own copy).

Those bytes are not ``co_code``: the interpreter has specialised instructions in place, tools have
instrumented them, and inline caches hold counters.  What comes out here is the plain instruction of
each.
"""

from __future__ import annotations

from gdbext.cpython.interpreter.opcodes import Opcodes
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault

MAX_UNITS = 1 << 20
MAX_ARGUMENT = (1 << 31) - 1


@dataclass(slots=True)
class BytecodeInstruction:
    """``index`` and ``end`` count code units; ``index`` is that of the instruction itself, after
    its EXTENDED_ARG prefixes.
    """

    index: int
    name: str
    oparg: int
    end: int
    """Where the next instruction starts, behind this one's inline cache."""


@dataclass(frozen=True)
class Instrumentation:
    """What stood where INSTRUMENTED_LINE and INSTRUMENTED_INSTRUCTION stand now: an opcode for each
    code unit, 0 for none.
    """

    lines: bytes = b""
    instructions: bytes = b""


def instructions(
    code: bytes, table: Opcodes, instrumentation: Instrumentation | None = None
) -> list[BytecodeInstruction]:
    """The instructions in ``code``, up to the first unit that is none (damage).

    Example, with the table of 3.13:
        >>> from gdbext.cpython.interpreter.opcodes import opcodes
        >>> from gdbext.cpython.versions import catalog
        >>> (of_3_13, *_) = [known for known in catalog.shipped() if known.name.startswith("3.13.")]
        >>> table = opcodes(of_3_13.name, of_3_13.opcodes())
        >>> [(i.name, i.oparg) for i in instructions(bytes([149, 0, 103, 1]), table)]
        [('RESUME', 0), ('RETURN_CONST', 1)]
    """
    plain, caches = table.plain, table.caches
    found = []
    index, prefix = 0, 0
    last = min(len(code) // 2, MAX_UNITS)
    while index < last:
        number = code[2 * index]
        name = plain[number]
        if name is None:
            number = _original(table, number, index, instrumentation or Instrumentation())
            name = plain[number]
            if name is None:
                break
        oparg = prefix << 8 | code[2 * index + 1]
        if name == "EXTENDED_ARG":
            prefix = oparg & MAX_ARGUMENT >> 8
            index += 1
            continue
        prefix = 0
        end = index + 1 + caches[number]
        found.append(BytecodeInstruction(index, name, oparg, end))
        index = end
    return found


def read_instrumentation(memory: Memory, layout: Layout, code: int) -> Instrumentation:
    """What ``sys.monitoring`` (coverage, debuggers, profilers) has replaced in the code object at
    ``code``.
    """
    try:
        record = layout.record(memory, "PyCodeObject", code)
        units = record["ob_size"]
        if not record["_co_monitoring"] or units > MAX_UNITS:
            return Instrumentation()
        monitoring = layout.record(memory, "_PyCoMonitoringData", record["_co_monitoring"])
        lines = each = b""
        if address := monitoring["lines"]:
            stride = memory.read(address, 1)[0]
            lines = (
                memory.read(
                    address + layout.offset("_PyCoLineInstrumentationData", "data"), units * stride
                )[::stride]
                if stride
                else b""
            )
        if address := monitoring["per_instruction_opcodes"]:
            each = memory.read(address, units)
        return Instrumentation(lines, each)
    except (MemoryFault, UnknownLayout):
        return Instrumentation()


def _original(table: Opcodes, number: int, index: int, instrumentation: Instrumentation) -> int:
    """The opcode that a stand-in stands for; the stand-in itself where that is not known."""
    for stand_in, kept in (
        ("INSTRUMENTED_LINE", instrumentation.lines),
        ("INSTRUMENTED_INSTRUCTION", instrumentation.instructions),
    ):
        if table.stand_ins.get(number) == stand_in and index < len(kept) and kept[index]:
            number = kept[index]
    return number
