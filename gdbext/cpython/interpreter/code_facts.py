"""What a code object does and where it loops, decoded once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import field

from gdbext.cpython.interpreter.bytecode import (
    BytecodeInstruction,
    instructions,
    read_instrumentation,
)
from gdbext.cpython.interpreter.frames import FrameCode
from gdbext.cpython.interpreter.line_table import line_of
from gdbext.cpython.interpreter.opcodes import Opcodes
from gdbext.cpython.interpreter.operations import (
    BytecodeOperation,
    Name,
    operation_at,
    walked,
)
from gdbext.cpython.layout.layout import Layout
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault

MAX_CODE_UNITS = 1 << 16
MAX_PREPARATION = 512
"""Code units, from where an object is made to where it is ready."""
BACKWARD = "JUMP_BACKWARD"
"""Loops jump back with it; the other leads from an exception handler back to what follows its
``try``.
"""
OUT_OF_HANDLER = "JUMP_BACKWARD_NO_INTERRUPT"
BEGINS_HANDLER = "PUSH_EXC_INFO"
OF_THE_OBJECT = frozenset(
    (
        "load-attr store-attr delete-attr load-subscr store-subscr delete-subscr contains truth "
        "iter aiter"
    ).split()
)
"""Operations that read a variable once for the object that they are done to, and give it to nobody.
"""


@dataclass(frozen=True)
class CodeFacts:
    """``loops`` are (first, last) instruction indices in code units, last being the jump back.

    ``handlers`` are (first, last, target) of exception handlers, which the compiler puts behind all
    other code, and where they go on.

    ``loads`` and ``bindings`` are where each variable is read, and where it takes which value.
    """

    code: FrameCode
    operations: Sequence[BytecodeOperation] = ()
    loops: Sequence[tuple[int, int]] = ()
    handlers: Sequence[tuple[int, int, int]] = ()
    loads: Mapping[Name, Sequence[int]] = field(default_factory=dict)
    bindings: Mapping[Name, Mapping[int, Name | None]] = field(default_factory=dict)

    def line(self, index: int) -> int | None:
        """The line of the instruction at ``index``."""
        return line_of(self.code.line_table, self.code.first_line, index)

    def same_loop(self, one: int, other: int) -> bool:
        """Whether some loop runs both instructions again and again."""
        one, other = self._in_line(one), self._in_line(other)
        return any(first <= one <= last and first <= other <= last for first, last in self.loops)

    def _in_line(self, index: int) -> int:
        """The instruction's place among the code around the ``try`` whose handler it is in."""
        inside = (target for first, last, target in self.handlers if first <= index <= last)
        return next(inside, index)

    def is_before_loop(self, one: int, at: int) -> bool:
        """Whether ``one`` has run before a loop that ``at`` is in: ``iter`` of ``for x in y``."""
        return any(one < first <= at <= last for first, last in self.loops)

    def is_to_come(self, one: int, at: int) -> bool:
        """Whether ``one`` has not run yet where the code is at ``at``.

        No loop leads back to it, and it stands on no earlier line, as an exception's handler may,
        whose code lies behind all else.
        """
        line, line_now = self.line(one), self.line(at)
        return (
            one > at
            and line is not None
            and line_now is not None
            and line >= line_now
            and not self.same_loop(one, at)
        )

    def made_for(self, operation: BytecodeOperation, at: int) -> BytecodeOperation | None:
        """The call that gave what the operation was done to, where that is over at ``at``, and the
        code had handed the object to nobody yet::

            builder = TreeBuilder()            # this call
            builder.start("body", {})          # of this operation
            pool.submit(feed, builder)         # from here on others may have it

        None where it may run again before the variable takes another object, or where anything but
        operations of the object's own stands between.
        """
        name, one, now = operation.receiver, operation.index, self._in_line(at)
        given = self.bindings.get(name, {}) if name is not None else {}
        begin = max((index for index in given if index < one), default=None)
        value = given[begin] if begin is not None else None
        if name is None or begin is None or not value or value[0] != "result":
            return None
        if any(begin < index < now for index in given) or any(
            begin < first <= one <= last and first <= now <= last for first, last in self.loops
        ):
            return None
        end = max([one, *(last for first, last in self.loops if begin < first <= one <= last)])
        if end - begin > MAX_PREPARATION or now <= end:
            return None
        between = self.operations[
            bisect_right(self.operations, begin, key=_index) : bisect_right(
                self.operations, end, key=_index
            )
        ]
        own = [each.kind for each in between if each.receiver == name]
        reads = sum(begin <= index <= end for index in self.loads.get(name, ()))
        is_kept = (
            reads == sum(kind in OF_THE_OBJECT for kind in own)
            and own.count("call-method") == own.count("load-attr")
            and not any(_is_part(name, part) for each in between for part in each.arguments)
        )
        return operation_at(self.operations, value[1]) if is_kept else None


def _index(operation: BytecodeOperation) -> int:
    return operation.index


def _is_part(name: Name, whole: Name | None) -> bool:
    """Whether a variable stands in a longer name."""
    if whole == name:
        return True
    return isinstance(whole, tuple) and any(_is_part(name, part) for part in whole)


def code_facts(memory: Memory, layout: Layout, code: FrameCode, table: Opcodes | None) -> CodeFacts:
    """Decode a code object; without operations where its bytecode cannot be read, or there is no
    table of instructions.
    """
    if table is None:
        return CodeFacts(code)
    try:
        content = memory.read(code.main_base, 2 * min(code.units, MAX_CODE_UNITS))
    except MemoryFault:
        return CodeFacts(code)
    found = instructions(content, table, read_instrumentation(memory, layout, code.address))
    done = walked(found, code.names, table)
    loops, handlers = find_loops(found), find_handlers(found)
    return CodeFacts(code, done.operations, loops, handlers, done.loads, done.bindings)


def find_loops(found: Sequence[BytecodeInstruction]) -> list[tuple[int, int]]:
    """Every jump back with what lies between it and its target."""
    return [(i.end - i.oparg, i.index) for i in found if i.name == BACKWARD]


def find_handlers(found: Sequence[BytecodeInstruction]) -> list[tuple[int, int, int]]:
    """Every exception handler that goes on behind its ``try``."""
    handlers = []
    begin: int | None = None
    for instruction in found:
        if instruction.name == BEGINS_HANDLER:
            begin = instruction.index
        elif instruction.name == OUT_OF_HANDLER and begin is not None:
            target = instruction.end - instruction.oparg
            if target < begin:
                handlers.append((begin, instruction.index, target))
    return handlers
