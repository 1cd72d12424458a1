"""A stopped target and everything known of it, each part made when first asked for and dropped when
the target runs.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from functools import cached_property

from gdbext.binfmt import elf
from gdbext.cpython.allocator.activity import ThreadStop, collections
from gdbext.cpython.allocator.heap import Heap
from gdbext.cpython.interpreter.code_facts import CodeFacts, code_facts
from gdbext.cpython.interpreter.data_stack import data_stack
from gdbext.cpython.interpreter.frames import FrameReader, PythonStack
from gdbext.cpython.interpreter.frozen_code import FrozenCode
from gdbext.cpython.interpreter.opcode_choice import OpcodeChoice, read_arrays
from gdbext.cpython.interpreter.opcode_choice import choose as choose_opcodes
from gdbext.cpython.interpreter.running_tests import running_tests
from gdbext.cpython.interpreter.runtime import Runtime, ThreadState, read_runtime
from gdbext.cpython.interpreter.thread_names import thread_names
from gdbext.cpython.layout.choice import Choice, choose, nothing_known
from gdbext.cpython.layout.debug_offsets import (
    DebugOffsets,
    UnreadableRuntime,
    find_runtime,
    read_debug_offsets,
)
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.cpython.layout.struct_cache import StructCache, file_key
from gdbext.cpython.locks.locks import Locks
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.traits.functions import EVAL_ENTRY, EVAL_LOOP
from gdbext.cpython.versions.learnt import Learnt, load
from gdbext.model import Verdict
from gdbext.target.cache import CachedMemory
from gdbext.target.cplusplus import short_function
from gdbext.target.protocol import Debugger, DebuggerError, MemoryFault, Module, Region


class Session:
    """One stop of one target.  Use :func:`current` to get the one that is valid now."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.memory = CachedMemory(debugger)
        self.generation = debugger.generation()

    @cached_property
    def runtime_address(self) -> int:
        """The address of ``_PyRuntime``.

        Raises:
            DebuggerError: when this is not a process, or not a CPython 3.13 or later.
        """
        _ = self.debugger.kind
        if symbol := self.debugger.symbol("_PyRuntime"):
            return symbol.address
        mapped = {each.path for each in self.debugger.mapped_files()}
        data = [
            r for r in self.debugger.regions() if r.writable and (r.path in mapped or not mapped)
        ]
        if found := find_runtime(self.memory, [(r.start, r.end) for r in data]):
            return found
        if lost := self._cut_off(data):
            what = f"the data of {lost.path}" if lost.path else f"memory at {lost.start:#x}"
            raise DebuggerError(
                "nothing can be said of this core: it is cut off before the memory in which an "
                f"interpreter would be ({what} is missing)"
            )
        hint = (
            " (make sure that the debugger has the same python that made the core)"
            if self.debugger.kind == "core"
            else ""
        )
        raise DebuggerError(
            f"no CPython in this target: {self.debugger.executable or 'it'} has no _PyRuntime{hint}"
        )

    def _cut_off(self, regions: Sequence[Region]) -> Region | None:
        """The first of them that a truncated core has not, or not to its end."""
        core = self.debugger.path
        if core is None or not elf.is_truncated(core):
            return None
        return next(
            (r for r in regions if not self._has(r.start) or not self._has(r.end - 1)), None
        )

    def _has(self, address: int) -> bool:
        with contextlib.suppress(MemoryFault):
            return bool(self.memory.read(address, 1))
        return False

    @cached_property
    def offsets(self) -> DebugOffsets:
        """CPython's own table of where things are.

        Raises:
            UnreadableRuntime: when its memory is not there.
            DebuggerError: when this is no CPython 3.13 or later, or one with a GIL.
        """
        found = read_debug_offsets(self.memory, self.runtime_address, lambda: self.learnt)
        if not found.free_threaded:
            raise DebuggerError(
                f"this is CPython {found.python_version} with a GIL; gdbext explains free-threaded "
                "builds only"
            )
        return found

    @cached_property
    def learnt(self) -> Learnt | None:
        """What ``gdbext learn`` has learnt of this very interpreter, if it was run on it."""
        mine = self._runtime_module
        if mine is not None and mine.build_id is None:
            return load(elf.identity_in_memory(self.memory, mine.base))
        return load(self.runtime_build_id)

    @cached_property
    def _structs(self) -> StructCache:
        mine, build_id = self._runtime_module, self.runtime_build_id
        key = None
        # What a report says must not hang on what ran before it: without DWARF nothing of it.
        if mine and build_id and self.debugger.has_dwarf(mine.base):
            key = file_key(build_id, mine.path)
        return StructCache(self.debugger.struct, self.offsets, key)

    @cached_property
    def layout_choice(self) -> Choice:
        """Where fields live, and which sources of that were found not to fit.

        Raises:
            DebuggerError: when this is no CPython 3.13 or later, or one with a GIL.
        """
        try:
            offsets = self.offsets
        except UnreadableRuntime as error:
            return nothing_known(str(error))
        return choose(self.memory, self.runtime_address, offsets, self._structs, self.learnt)

    @property
    def layout(self) -> Layout:
        """Structs and symbols of this very CPython."""
        return self.layout_choice.layout

    def remember(self) -> None:
        """Keep on disk what was learnt here that holds for every process of this interpreter."""
        if "_structs" in vars(self):
            self._structs.save()

    @cached_property
    def runtime_build_id(self) -> str | None:
        """The build id of the file that has ``_PyRuntime``, if memory and the debugger's file are
        the same build.
        """
        mapped = {m.build_id: m for m in self.modules if m.build_id}
        mine = self._runtime_module
        executable = self.debugger.executable
        program = self.debugger.file_build_id(executable) if executable else None
        if (
            mine is None
            or mine.build_id is None
            or program not in mapped
            or mine.build_id not in (program, self.debugger.file_build_id(mine.path))
        ):
            return None
        return mine.build_id

    @cached_property
    def _runtime_module(self) -> Module | None:
        """The file that has ``_PyRuntime``."""
        below = (m for m in self.modules if m.base <= self.runtime_address)
        return max(below, key=lambda m: m.base, default=None)

    @cached_property
    def opcode_choice(self) -> OpcodeChoice:
        """The instructions of this interpreter, checked on its own code; without a table where none
        fits.
        """
        frozen = FrozenCode(self.memory, self.layout, self.objects, self.runtime)
        mine = self._runtime_module
        constants = [
            (each.start, each.end)
            for each in self.debugger.mapped_files()
            if mine is not None and each.path == mine.path
        ]
        arrays = read_arrays(self.memory, self._symbol_address, constants)
        return choose_opcodes(
            self.offsets.version, self.learnt, frozen.evidence(arrays), frozen.codes()
        )

    def _symbol_address(self, name: str) -> int | None:
        if symbol := self.debugger.symbol(name):
            return symbol.address
        place = self.learnt.symbol(name) if self.learnt else None
        mine = self._runtime_module
        return mine.base + place if mine and place is not None else None

    @cached_property
    def runtime(self) -> Runtime:
        """Interpreters and thread states; none where their layout is not known."""
        if not self.layout_choice.is_complete:
            return Runtime(self.runtime_address, (), complete=False)
        return read_runtime(self.memory, self.layout, self.runtime_address)

    @cached_property
    def modules(self) -> list[Module]:
        """The mapped ELF files, in address order."""
        return list(self.debugger.modules())

    @cached_property
    def objects(self) -> Objects:
        """Decodes Python objects; heap and locks rest on it.

        Raises:
            UnknownLayout: where no layout of their structs is known.  Without one nothing would be
                found, and all would seem to be in order.
        """
        choice = self.layout_choice
        if not choice.is_complete:
            raise UnknownLayout(choice.problems[0])
        return Objects(
            self.memory,
            self.layout,
            is_collecting=any(
                c.is_collecting for c in collections(self.memory, self.layout, self.runtime)
            ),
        )

    @cached_property
    def heap(self) -> Heap:
        """Judges addresses: alive, freed, reused …"""
        return Heap(
            self.memory,
            self.layout,
            self.runtime,
            self.objects,
            self.debugger.regions(),
            stops=self._stops,
        )

    def _stops(self) -> list[ThreadStop]:
        """What each thread was doing, for the heap to explain blocks in no regular state."""
        found = []
        for thread in self.debugger.threads():
            frames = self.debugger.frames(thread.lwp, 32)
            registers = self.debugger.registers(thread.lwp)
            state = self.runtime.by_lwp(thread.lwp)
            tid = state.thread_id if state else thread.fs_base
            found.append(
                ThreadStop(
                    thread.lwp,
                    tid,
                    [f.function for f in frames],
                    frames[0].sp if frames else None,
                    registers,
                )
            )
        return found

    @cached_property
    def frame_reader(self) -> FrameReader:
        """Decodes the interpreter's frames."""
        return FrameReader(self.memory, self.layout)

    @cached_property
    def _stacks(self) -> dict[int, PythonStack]:
        return {}

    def python_stack(self, lwp: int) -> PythonStack:
        """The Python frames of a thread; empty for one without a thread state."""
        if lwp not in self._stacks:
            thread = self.runtime.by_lwp(lwp)
            self._stacks[lwp] = (
                self.frame_reader.stack(
                    thread,
                    loop_frames=lambda: self._loop_frames(lwp),
                    others=lambda: self._data_stacks_but(thread),
                )
                if thread
                else PythonStack(())
            )
        return self._stacks[lwp]

    @cached_property
    def _data_stacks(self) -> dict[int, tuple[range, ...]]:
        """Of each thread state, by its address."""
        return {
            thread.address: data_stack(self.memory, self.layout, thread)
            for thread in self.runtime.threads
        }

    def _data_stacks_but(self, mine: ThreadState) -> list[range]:
        stacks = self._data_stacks.items()
        return [chunk for address, each in stacks if address != mine.address for chunk in each]

    def _loop_frames(self, lwp: int) -> Iterator[int]:
        """The Python frames that the thread's eval loops have at hand, as far as debug information
        tells, innermost first.
        """
        for frame in self.debugger.frames(lwp):
            if frame.function in (EVAL_LOOP, EVAL_ENTRY):
                for variable in self.debugger.variables(lwp, frame.level):
                    if variable.name == "frame" and variable.value:
                        yield variable.value

    @cached_property
    def _names(self) -> dict[int, str]:
        return thread_names(self.memory, self.layout, self.objects, self.runtime)

    @cached_property
    def tests(self) -> dict[int, str]:
        """The pytest test that each thread was running, by ``thread_id``."""
        return running_tests(self.memory, self.layout, self.objects, self.runtime)

    def thread_name(self, lwp: int) -> str | None:
        """The name that Python's threading module has for the thread."""
        thread = self.runtime.by_lwp(lwp)
        if thread is None:
            return None
        # A program that never imports threading has its main thread all the same.
        return self._names.get(thread.thread_id) or (
            "MainThread" if lwp == self.process_id else None
        )

    @cached_property
    def process_id(self) -> int | None:
        """The process's id, which is the main thread's LWP."""
        return self.debugger.pid

    def code_facts(self, address: int) -> CodeFacts | None:
        """What the code object at ``address`` does; None if there is none."""
        if address not in self._code_facts:
            code = self.frame_reader.code(address)
            self._code_facts[address] = (
                code_facts(self.memory, self.layout, code, self.opcode_choice.table)
                if code
                else None
            )
        return self._code_facts[address]

    @cached_property
    def _code_facts(self) -> dict[int, CodeFacts | None]:
        return {}

    @cached_property
    def locks(self) -> Locks:
        """Who holds and who waits for which lock."""
        debugger = self.debugger
        return Locks(
            self.memory,
            self.layout,
            self.runtime,
            self.objects,
            debugger.threads(),
            debugger.symbol,
            debugger.regions,
            debugger.registers,
            self.python_stack,
            self.frame_reader.frame_at,
            self.code_facts,
            self.thread_name,
            self._variable_at,
        )

    def _variable_at(self, address: int) -> str | None:
        """The C variable that has the address, and the file that it is in, ``cache in pair``; else
        the object whose struct it is in, by its type: ``in a pair.Cache``.
        """
        symbol = self.debugger.symbol_at(address)
        if symbol is None or not symbol.address <= address < symbol.address + (symbol.size or 1):
            return self._object_with(address)
        before = [m for m in self.debugger.modules() if m.base <= address]
        name = short_function(symbol.name)
        if not before:
            return name
        path = max(before, key=lambda module: module.base).path
        return f"{name} in {os.path.basename(path).partition('.')[0]}"

    def _object_with(self, address: int) -> str | None:
        """The live object that has the address in its struct, behind its header."""
        start = self.heap.object_around(address)
        if start is None or self.heap.judge(start).verdict is not Verdict.LIVE:
            return None
        try:
            found = self.objects.type_info(self.objects.field("PyObject", start, "ob_type"))
        except (MemoryFault, UnknownLayout):
            return None
        header = self.layout.struct("PyObject").size
        if found is None or not header <= address - start < (found.basicsize or 0):
            return None
        return f"in a {found.name}"

    @cached_property
    def is_debug_build(self) -> bool | None:
        """Py_DEBUG or not: CPython's debug build also makes mimalloc's, whose pages carry keys."""
        page = self.layout.find("mi_page_t")
        return None if page is None else "keys" in page


_current: Session | None = None


def current(debugger: Debugger) -> Session:
    """The session of this stop: the last one as long as the target has not run since."""
    global _current
    if (
        _current is None
        or _current.debugger is not debugger
        or _current.generation != debugger.generation()
    ):
        _current = Session(debugger)
    return _current
