"""Instructions of a code object, from the bytes that the interpreter runs (``co_code_adaptive``, or a thread's own copy).

Those bytes are not ``co_code``: the interpreter has specialised instructions in place, tools have instrumented them, and inline
caches hold counters.  What comes out here is the plain instruction of each.  Numbers, caches and stack effects are facts of each
minor version, in ``opcodes/`` (made by scripts/opcode_tables.py from CPython's Include/internal/pycore_opcode_metadata.h).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.target.protocol import Memory, MemoryFault

FOLDER = Path(__file__).with_name("opcodes")
MAX_UNITS = 1 << 20
MAX_ARGUMENT = (1 << 31) - 1


@dataclass(slots=True)
class Instruction:
    """``index`` and ``end`` count code units; ``index`` is that of the instruction itself, after its EXTENDED_ARG prefixes."""

    index: int
    name: str
    oparg: int
    end: int
    """Where the next instruction starts, behind this one's inline cache."""


@dataclass(frozen=True)
class Opcodes:
    """One minor version's instructions.

    ``plain`` gives each of the 256 numbers its unspecialised, uninstrumented name (None: not an instruction, or one that
    only stands in for another), ``caches`` the code units of inline cache behind it.  ``binary`` names BINARY_OP's arguments.
    """

    plain: tuple[str | None, ...]
    caches: tuple[int, ...]
    effects: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
    binary: tuple[str, ...]
    stand_ins: Mapping[int, str]

    def effect(self, name: str, oparg: int) -> tuple[int, int]:
        """(values popped, values pushed)."""
        pops, pushes = self.effects[name]
        return _amount(pops, oparg), _amount(pushes, oparg)


@dataclass(frozen=True)
class Instrumentation:
    """What stood where INSTRUMENTED_LINE and INSTRUMENTED_INSTRUCTION stand now: an opcode for each code unit, 0 for none."""

    lines: bytes = b""
    instructions: bytes = b""


def opcodes(minor: int) -> Opcodes | None:
    """The instructions of Python 3.``minor``; None for a version that there is no table of."""
    return _load(minor)


def instructions(
    code: bytes, minor: int, instrumentation: Instrumentation | None = None
) -> list[Instruction]:
    """The instructions in ``code``, up to the first unit that is none (damage, or a version that is not known: nothing).

    Example:
        >>> [(i.name, i.oparg) for i in instructions(bytes([149, 0, 103, 1]), 13)]
        [('RESUME', 0), ('RETURN_CONST', 1)]
    """
    table = opcodes(minor)
    if table is None:
        return []
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
        found.append(Instruction(index, name, oparg, end))
        index = end
    return found


def read_instrumentation(memory: Memory, layout: Layout, code: int) -> Instrumentation:
    """What ``sys.monitoring`` (coverage, debuggers, profilers) has replaced in the code object at ``code``."""
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


def _amount(factors: tuple[int, ...], oparg: int) -> int:
    """A stack effect: the sum of these terms, each times its factor; the last ones may be left out."""
    if len(factors) == 1:
        return factors[0]
    terms = (1, oparg, oparg & 1, oparg >> 8, oparg & 0xFF, oparg == 3)
    return sum(factor * term for factor, term in zip(factors, terms))


@cache
def _load(minor: int) -> Opcodes | None:
    try:
        content: dict[str, Any] = json.loads((FOLDER / f"3.{minor}.json").read_text())
    except FileNotFoundError:
        return None
    plain: list[str | None] = [None] * 256
    caches = [0] * 256
    effects, stand_ins = {}, {}
    for name, entry in content["opcodes"].items():
        plain[entry["number"]] = name
        caches[entry["number"]] = entry["cache"]
        effects[name] = tuple(entry["pops"]), tuple(entry["pushes"])
    for name, (number, base) in content["variants"].items():
        if base is None:
            stand_ins[number] = name
        else:
            plain[number] = base
            caches[number] = content["opcodes"][base]["cache"]
    return Opcodes(tuple(plain), tuple(caches), effects, tuple(content["binary"]), stand_ins)
