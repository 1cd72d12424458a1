"""Python frames of a thread, innermost first (CPython's Include/internal/pycore_frame.h).

Free-threaded CPython of 3.13 keeps plain pointers in frames; from 3.14 on ``f_executable``,
``f_funcobj`` and the locals are ``_PyStackRef``: a pointer with tag bits
(Include/internal/pycore_stackref.h).
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from gdbext.cpython.interpreter.data_stack import data_stack
from gdbext.cpython.interpreter.line_table import Position, line_of, position_of
from gdbext.cpython.interpreter.runtime import ThreadState
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.cpython.objects.strings import read_str
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault

MAX_FRAMES = 4096
MAX_SLOTS = 4096
CO_VARARGS, CO_VARKEYWORDS = 0x4, 0x8
CODE_UNIT = 2
# owner >= 3 is an entry shim (3.13: C stack; 3.14 and later: interpreter trampoline, C stack).
FIRST_SHIM_OWNER = 3
STACKREF_TAG = 3
STACKREF_NULL = (0, 1)


@dataclass(frozen=True)
class Frame:
    """One Python frame.

    ``lasti`` is the index in code units of the instruction that it is at; for a caller, of its
    call. ``slots`` maps locals' names (cells and free variables too) to their addresses; ``stack``
    holds the value stack where its depth is known (not for the frame that runs right now).
    """

    address: int
    code: int
    function: str
    file: str
    line: int | None
    lasti: int | None
    globals: int
    slots: dict[str, int] = field(default_factory=dict)
    stack: tuple[int, ...] = ()
    slot_names: tuple[str, ...] = ()
    generator_owned: bool = False
    room: tuple[int, ...] = ()
    """What stands in the whole room for the value stack, in use or left over: only the code says
    how deep it is now.
    """
    is_cleared: bool = False
    """The function has returned, and its locals are given up: what ``slots`` names may not be
    objects any more (Python/frame.c, _PyFrame_ClearLocals).
    """
    packed: Mapping[str, tuple[tuple[str | None, int | None], ...]] = field(default_factory=dict)
    """Of a frame that is not entered yet: what ``*args`` and ``**kwargs`` will hold, by the local's
    name, as (keyword or None, address).
    """


@dataclass(frozen=True)
class PythonStack:
    """A thread's frames, innermost first, in ``groups``: one for each native eval-loop frame,
    innermost first.
    """

    groups: tuple[tuple[Frame, ...], ...]
    problem: str | None = None
    """Why the walk ended early, if it did."""

    @property
    def frames(self) -> list[Frame]:
        """All frames of the thread, the innermost first."""
        return [frame for group in self.groups for frame in group]


def _is_in(frame: Frame, chunks: Iterable[range]) -> bool:
    return any(frame.address in chunk for chunk in chunks)


@dataclass
class _Walk:
    """What a walk over a thread's frames has found."""

    limit: int
    groups: list[list[Frame]] = field(default_factory=lambda: [[]])
    seen: set[int] = field(default_factory=set)
    problem: str | None = None
    count: int = 0
    is_cut: bool = False
    """What came behind the last frame is another thread's."""

    @property
    def has_lost_its_caller(self) -> bool:
        """Whether the walk ended in a generator, which somebody must have resumed."""
        last = next((group[-1] for group in reversed(self.groups) if group), None)
        return (
            self.is_cut or self.problem is not None or (last is not None and last.generator_owned)
        )


class FrameReader:
    """Reads frames; code objects are decoded once."""

    def __init__(self, memory: Memory, layout: Layout) -> None:
        self._memory = memory
        self._layout = layout
        self._codes: dict[int, FrameCode | None] = {}
        self._frame = layout.struct("_PyInterpreterFrame")
        self._tagged = "stackpointer" in self._frame

    def stack(
        self,
        thread: ThreadState,
        limit: int = 512,
        loop_frames: Callable[[], Iterable[int]] = tuple,
        others: Callable[[], Sequence[range]] = tuple,
    ) -> PythonStack:
        """The thread's Python stack, at most ``limit`` frames.

        ``loop_frames`` gives the frames that the thread's eval loops have at hand, innermost first,
        ``others`` the data stacks of the other threads.  Where another thread runs the same
        generator, it takes the link to its caller away, or leads it to its own.
        """
        walk = _Walk(limit)
        self._walk(walk, thread.current_frame)
        self._leave_others_out(walk, thread, others, 0)
        for address in self._callers(thread, loop_frames) if walk.has_lost_its_caller else ():
            if address not in walk.seen and self.frame_at(address) is not None:
                if walk.groups[-1]:
                    walk.groups.append([])
                begun = len(walk.groups) - 1
                self._walk(walk, address)
                self._leave_others_out(walk, thread, others, begun)
        if not walk.groups[-1]:
            walk.groups.pop()
        return PythonStack(tuple(map(tuple, walk.groups)), walk.problem)

    def _callers(
        self, thread: ThreadState, loop_frames: Callable[[], Iterable[int]]
    ) -> Iterator[int]:
        yield from loop_frames()
        # Of generators only debug information tells; all others lie one behind another.
        chunks = data_stack(self._memory, self._layout, thread)
        with contextlib.suppress(MemoryFault, UnknownLayout):
            if chunks:
                yield from self._last_of(thread, chunks[0], is_first_chunk=len(chunks) == 1)

    def _last_of(self, thread: ThreadState, chunk: range, is_first_chunk: bool) -> Iterator[int]:
        """The newest frame of a data stack: the one that ends at its top.

        The first word of a thread's first chunk is left free (Python/pystate.c, push_chunk).
        """
        place = thread.address + self._layout.offset("PyThreadState", "datastack_top")
        top = int.from_bytes(self._memory.read(place, 8), "little")
        address = chunk.start + self._layout.offset("_PyStackChunk", "data") + 8 * is_first_chunk
        while address < min(top, chunk.stop):
            frame = self.frame_at(address)
            code = self.code(frame.code) if frame else None
            if code is None:
                return
            room = self._frame.offset("localsplus") + 8 * (code.slot_count + code.stack_size)
            if address + room == top:
                yield address
            address += room

    def _leave_others_out(
        self,
        walk: _Walk,
        thread: ThreadState,
        others: Callable[[], Sequence[range]],
        begun: int,
    ) -> None:
        """End the walk behind the generator that leads to another thread's frames; ``begun`` is the
        group that it began with.

        A frame that is not a generator's is in its thread's own data stack.
        """
        own = data_stack(self._memory, self._layout, thread)
        groups = walk.groups
        # Generators, and what is another thread's.
        away = [
            (number, place)
            for number, group in enumerate(groups)
            for place, frame in enumerate(group)
            if number >= begun and not _is_in(frame, own)
        ]
        stacks = others() if own and away else ()
        at = next((a for a in away if _is_in(groups[a[0]][a[1]], stacks)), None)
        if at is None:
            return
        # Which of several generators leads away is not known: it may be the innermost.
        first = next(i for i, g in enumerate(groups) if i >= begun and g and not _is_in(g[-1], own))
        kept = groups[first] if first < at[0] else groups[first][: at[1]]
        left = [f for group in groups[first:] for f in group if f not in kept]
        groups[first:] = [kept]
        walk.seen.difference_update(frame.address for frame in left)
        walk.count -= len(left)
        walk.is_cut = True

    def _walk(self, walk: _Walk, address: int) -> None:
        """From a frame to the caller's, and so on."""
        while address and walk.count < walk.limit:
            if address in walk.seen or len(walk.seen) > MAX_FRAMES:
                walk.problem = f"the frame chain loops at {address:#x}"
                return
            walk.seen.add(address)
            try:
                raw = self._memory.read(address, self._frame.size)
                owner = self._field(raw, "owner", signed=True)
                if owner >= FIRST_SHIM_OWNER:
                    walk.groups.append([])
                else:
                    frame = self._decode(address, raw, is_top=walk.count == 0)
                    if frame is not None:
                        walk.groups[-1].append(frame)
                        walk.count += 1
                    elif not self._is_frame(self._field(raw, "previous")):
                        walk.problem = f"frame {address:#x} has no code object"
                        return
                    elif walk.count:
                        walk.problem = f"frame {address:#x} has no code object; it is left out"
                address = self._field(raw, "previous")
            except (MemoryFault, UnknownLayout) as error:
                walk.problem = f"frame {address:#x}: {error}"
                return

    def _is_frame(self, address: int) -> bool:
        """Whether a Python frame, or the shim below those of an eval loop, is there.

        Beyond a frame that is being made or left, or whose code object is damaged, its callers are
        as they were.
        """
        if not address:
            return False
        try:
            raw = self._memory.read(address, self._frame.size)
        except MemoryFault:
            return False
        is_shim = self._field(raw, "owner", signed=True) == FIRST_SHIM_OWNER
        return is_shim or self.frame_at(address) is not None

    def frame_at(self, address: int) -> Frame | None:
        """A frame that lies anywhere, as a suspended generator's does in the generator; None if
        there is none.
        """
        try:
            return self._decode(address, self._memory.read(address, self._frame.size), is_top=False)
        except (MemoryFault, UnknownLayout):
            return None

    def frame_of(self, executable: int, instruction: int) -> Frame | None:
        """What was a frame at an instruction of a code object, without its values: code objects
        outlive their frames.
        """
        code = self.code(self.pointer(executable))
        if code is None:
            return None
        bases = (code.main_base, *code.copies.values())
        indices = ((instruction - base) // CODE_UNIT for base in bases)
        lasti = next((index for index in indices if 0 <= index < max(code.units, 1)), None)
        line = line_of(code.line_table, code.first_line, lasti) if lasti is not None else None
        return Frame(0, code.address, code.name, code.file, line, lasti, 0)

    def position(self, frame: Frame) -> Position | None:
        """What of the source the frame is at; None where its code does not say."""
        code = self.code(frame.code)
        if code is None or frame.lasti is None:
            return None
        return position_of(code.line_table, code.first_line, frame.lasti)

    def pointer(self, word: int) -> int:
        """The object that a frame's word refers to; 0 for NULL and for tagged integers."""
        if not self._tagged:
            return word
        if word in STACKREF_NULL or word & STACKREF_TAG >= 2:
            return 0
        return word & ~STACKREF_TAG

    def _field(self, raw: bytes, name: str, signed: bool = False) -> int:
        place = self._frame.field(name)
        return int.from_bytes(
            raw[place.offset : place.offset + place.size], "little", signed=signed
        )

    def _decode(self, address: int, raw: bytes, is_top: bool) -> Frame | None:
        code = self.code(self.pointer(self._field(raw, "f_executable")))
        if code is None:
            return None
        base = code.base(self._field(raw, "tlbc_index") if "tlbc_index" in self._frame else 0)
        lasti: int | None = (self._field(raw, "instr_ptr") - base) // CODE_UNIT
        if not 0 <= (lasti or 0) < max(code.units, 1):
            lasti = None
        line = line_of(code.line_table, code.first_line, lasti) if lasti is not None else None
        slots, stack, room = self._slots(address, raw, code, is_top)
        owner = self._field(raw, "owner", signed=True)
        return Frame(
            address,
            code.address,
            code.name,
            code.file,
            line,
            lasti,
            self._field(raw, "f_globals"),
            slots,
            stack,
            code.slot_names,
            owner == 1,
            room,
            code.slot_count > 0 and self._height(address, raw) == 0,
        )

    def _slots(
        self, address: int, raw: bytes, code: FrameCode, is_top: bool
    ) -> tuple[dict[str, int], tuple[int, ...], tuple[int, ...]]:
        """Locals by name, the value stack above them, and all the room that this has."""
        start = address + self._frame.offset("localsplus")
        height = self._height(address, raw)
        depth = 0 if height is None else height - code.slot_count
        if is_top or not 0 <= depth <= code.stack_size:
            # While a frame runs, its depth is in a register of the eval loop only.  A frame that
            # has called out keeps it.
            depth = depth if 0 < depth <= code.stack_size else 0
        count = code.slot_count + code.stack_size
        try:
            words = struct.unpack(f"<{count}Q", self._memory.read(start, 8 * count))
        except MemoryFault:
            return {}, (), ()
        values = [self.pointer(word) for word in words]
        named = {name: value for name, value in zip(code.slot_names, values) if value}
        room = tuple(values[code.slot_count :])
        return named, room[:depth], room

    def _height(self, address: int, raw: bytes) -> int | None:
        """The slots in use, locals and value stack, as the frame itself has it: that is stale or no
        number at all while it runs.  None where the frame has no such field.
        """
        if "stackpointer" in self._frame:
            start = address + self._frame.offset("localsplus")
            return (self._field(raw, "stackpointer") - start) // 8
        if "stacktop" in self._frame:
            return self._field(raw, "stacktop", signed=True)
        return None

    def code(self, address: int) -> FrameCode | None:
        """The decoded code object at ``address``, None if it is none."""
        if address not in self._codes:
            try:
                self._codes[address] = _read_code(self._memory, self._layout, address)
            except (MemoryFault, UnknownLayout):
                self._codes[address] = None
        return self._codes[address]


@dataclass(frozen=True)
class FrameCode:
    """What of a code object the frames need."""

    address: int
    name: str
    file: str
    first_line: int
    line_table: bytes
    units: int
    main_base: int
    copies: dict[int, int]
    slot_names: tuple[str, ...]
    slot_count: int
    stack_size: int
    names: tuple[str, ...] = ()
    """``co_names``"""
    constants: int = 0
    argument_count: int | None = None
    """``co_argcount``; those and the keyword-only ones are the first of ``slot_names``.  None where
    it is not known.
    """
    keyword_only_count: int = 0
    flags: int = 0
    """``co_flags``"""

    @property
    def packs(self) -> tuple[str | None, str | None]:
        """The locals that take what the others do not: ``*args`` and ``**kwargs``
        (Python/ceval.c, initialize_locals).
        """
        place = (self.argument_count or 0) + self.keyword_only_count
        names = iter(self.slot_names[place : place + 2])
        return (
            next(names, None) if self.flags & CO_VARARGS else None,
            next(names, None) if self.flags & CO_VARKEYWORDS else None,
        )

    def base(self, index: int) -> int:
        """Where the instructions start that a frame with this ``tlbc_index`` runs (thread-local
        bytecode, 3.14 and later).
        """
        return self.copies.get(index, self.main_base)


def _read_code(memory: Memory, layout: Layout, address: int) -> FrameCode | None:
    if address == 0 or address % 8:
        return None
    record = layout.record(memory, "PyCodeObject", address)
    name = read_str(memory, layout, record["co_qualname"])
    file = read_str(memory, layout, record["co_filename"])
    # A code object that was freed and reused has no such strings.
    if name is None or file is None:
        return None
    copies: dict[int, int] = {}
    if record.get("co_tlbc", 0):
        size = int.from_bytes(memory.read(record["co_tlbc"], 8), "little")
        if 0 < size <= MAX_SLOTS:
            entries = struct.unpack(f"<{size}Q", memory.read(record["co_tlbc"] + 8, 8 * size))
            copies = {i: entry for i, entry in enumerate(entries) if entry}
    slot_count = record.get("co_nlocalsplus", 0)
    return FrameCode(
        address,
        name,
        file,
        record["co_firstlineno"],
        _bytes(memory, layout, record["co_linetable"]),
        record.get("ob_size", 1 << 20),
        record.address_of("co_code_adaptive"),
        copies,
        _names(memory, layout, record["co_localsplusnames"]),
        slot_count if slot_count <= MAX_SLOTS else 0,
        min(record["co_stacksize"], MAX_SLOTS) if "co_stacksize" in record else 0,
        _names(memory, layout, record["co_names"]) if "co_names" in record else (),
        record.get("co_consts", 0),
        record.get("co_argcount", None),
        record.get("co_kwonlyargcount", 0),
        record.get("co_flags", 0),
    )


def _bytes(memory: Memory, layout: Layout, address: int, limit: int = 1 << 20) -> bytes:
    """The content of a bytes object."""
    size = int.from_bytes(
        memory.read(address + layout.offset("PyBytesObject", "ob_size"), 8), "little"
    )
    return memory.read(address + layout.offset("PyBytesObject", "ob_sval"), min(size, limit))


def _names(memory: Memory, layout: Layout, address: int) -> tuple[str, ...]:
    """The strings of a tuple of names."""
    size = int.from_bytes(
        memory.read(address + layout.offset("PyTupleObject", "ob_size"), 8), "little"
    )
    if size > MAX_SLOTS:
        return ()
    items = struct.unpack(
        f"<{size}Q", memory.read(address + layout.offset("PyTupleObject", "ob_item"), 8 * size)
    )
    return tuple(read_str(memory, layout, item, 200) or f"<{i}>" for i, item in enumerate(items))
