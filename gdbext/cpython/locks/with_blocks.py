"""The ``with`` blocks that a Python frame is inside of, read from its value stack.

``with x:`` leaves ``x.__exit__`` on the frame's value stack until the block ends.  How much of the
stack is in use is known for certain only where the code's exception table says so: for each range
of instructions it gives the stack's depth that a handler may rely on (CPython's
Objects/exception_handling_notes.txt, Python/assemble.c), and a ``with`` block is such a range.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from gdbext.cpython.interpreter.code_facts import CodeFacts
from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.strings import read_bytes, read_cstring
from gdbext.target.protocol import Memory, MemoryFault

EXIT = "__exit__"
MAX_TABLE = 1 << 20
MAX_DEPTH = 4096
# From 3.14 on a frame's words carry tags (Include/internal/pycore_stackref.h).
STACKREF_TAG = 3


def handler_depth(table: bytes, index: int) -> int:
    """How many values are on the stack for certain at instruction ``index`` (in code units); 0
    outside every range.

    Each entry is four numbers: start, length, handler and twice the depth (the lowest bit means
    something else), in groups of six bits, highest first; bit 7 marks an entry's first byte, bit 6
    a number that goes on.

    >>> handler_depth(bytes([0x80 | 4, 6, 20, 1 << 1]), 5)
    1
    """
    for start, length, _, depth in _entries(table):
        if start <= index < start + length:
            return depth >> 1
    return 0


def _entries(table: bytes) -> Iterator[tuple[int, int, int, int]]:
    numbers: list[int] = []
    value = 0
    for byte in table:
        value = value << 6 | byte & 0x3F
        if byte & 0x40:
            continue
        numbers.append(value)
        value = 0
        if len(numbers) == 4:
            yield numbers[0], numbers[1], numbers[2], numbers[3]
            numbers.clear()


class WithBlocks:
    """Reads frames' value stacks."""

    def __init__(
        self,
        memory: Memory,
        layout: Layout,
        objects: Objects,
        code_facts: Callable[[int], CodeFacts | None],
    ) -> None:
        self._memory = memory
        self._layout = layout
        self._objects = objects
        self._code_facts = code_facts
        self._depths: dict[tuple[int, int], int] = {}

    def managers(self, frame: Frame) -> list[tuple[int, int]]:
        """(address of the stack's word, context manager) of the frame's ``with`` blocks, outermost
        first.
        """
        try:
            start, words = self._stack(frame, self._depth(frame))
            return list(self._managers(start, words))
        except (MemoryFault, UnknownLayout):
            return []

    def values(self, frame: Frame) -> list[int]:
        """The frame's locals and all room for its stack: words in use, left over, or neither."""
        try:
            return [
                *frame.slots.values(),
                *self._stack(
                    frame, self._objects.field("PyCodeObject", frame.code, "co_stacksize")
                )[1],
            ]
        except (MemoryFault, UnknownLayout):
            return list(frame.slots.values())

    def bound_to(self, value: int) -> int | None:
        """The object that a bound method (Python's or C's) is bound to; None for anything else."""
        info = self._objects.type_of(value) if value else None
        try:
            if info is not None and info.name == "builtin_function_or_method":
                return self._objects.field("PyCFunctionObject", value, "m_self")
            if info is not None and info.name == "method":
                return self._objects.field("PyMethodObject", value, "im_self")
        except (MemoryFault, UnknownLayout):
            pass
        return None

    def _depth(self, frame: Frame) -> int:
        """How many values the stack has at least where the frame is; the same in all threads that
        are there.
        """
        if frame.lasti is None:
            return 0
        place = frame.code, frame.lasti
        if place not in self._depths:
            self._depths[place] = self._depth_at(frame, frame.lasti)
        return self._depths[place]

    def _depth_at(self, frame: Frame, lasti: int) -> int:
        table = read_bytes(
            self._memory,
            self._layout,
            self._objects.field("PyCodeObject", frame.code, "co_exceptiontable"),
            MAX_TABLE,
        )
        depth = handler_depth(table or b"", lasti)
        # A jump back cannot raise, so it may stand in no range; the stack is that of the loop's
        # start, where it leads to.
        facts = self._code_facts(frame.code)
        targets = [first for first, last in facts.loops if last == lasti] if facts else []
        return max([depth, *(handler_depth(table or b"", first) for first in targets)])

    def _stack(self, frame: Frame, depth: int) -> tuple[int, list[int]]:
        """Where the frame's value stack begins, and the lowest ``depth`` values on it, tags taken
        off.
        """
        above = self._objects.field("PyCodeObject", frame.code, "co_nlocalsplus")
        start = frame.address + self._layout.offset("_PyInterpreterFrame", "localsplus") + 8 * above
        if not 0 < depth <= MAX_DEPTH or above > MAX_DEPTH:
            return start, []
        mask = ~STACKREF_TAG if self._layout.has("_PyInterpreterFrame", "stackpointer") else ~0
        return start, [
            word & mask for word in struct.unpack(f"<{depth}Q", self._memory.read(start, 8 * depth))
        ]

    def _managers(self, start: int, words: list[int]) -> Iterator[tuple[int, int]]:
        """3.13 keeps a bound ``__exit__``; 3.14 and later the method, and its object above it."""
        for position, word in enumerate(words):
            info = self._objects.type_of(word) if word else None
            if info is None:
                continue
            place = start + 8 * position
            if info.name == "builtin_function_or_method" and self._builtin_name(word) == EXIT:
                yield place, self._objects.field("PyCFunctionObject", word, "m_self")
            elif (
                info.name == "method"
                and self._function_name(self._objects.field("PyMethodObject", word, "im_func"))
                == EXIT
            ):
                yield place, self._objects.field("PyMethodObject", word, "im_self")
            elif position + 1 < len(words) and self._is_unbound_exit(info.name, word):
                yield place, words[position + 1]

    def _is_unbound_exit(self, kind: str, word: int) -> bool:
        if kind == "method_descriptor":
            return self._objects.text(self._objects.field("PyDescrObject", word, "d_name")) == EXIT
        return kind == "function" and self._function_name(word) == EXIT

    def _builtin_name(self, function: int) -> str | None:
        definition = self._objects.field("PyCFunctionObject", function, "m_ml")
        return read_cstring(self._memory, self._objects.field("PyMethodDef", definition, "ml_name"))

    def _function_name(self, function: int) -> str | None:
        return self._objects.text(self._objects.field("PyFunctionObject", function, "func_name"))
