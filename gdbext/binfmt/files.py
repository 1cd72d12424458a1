"""What the files behind a target say of it, equal in both debuggers: a core's headers and notes,
``/proc`` for a live process.

The debuggers know some of this as well, each in its own way and with gaps of its own.
"""

from __future__ import annotations

import bisect
import functools
import os
import signal
import weakref
from collections.abc import Sequence
from functools import cached_property
from typing import BinaryIO, NamedTuple

from gdbext.binfmt import debug_files, elf, sections
from gdbext.binfmt.debug_files import Where
from gdbext.binfmt.dwarf import lines
from gdbext.binfmt.dwarf.entries import Dwarf
from gdbext.binfmt.dwarf.lines import Line, Lines
from gdbext.binfmt.symtab import SymbolTable
from gdbext.target import signals
from gdbext.target.protocol import (
    DebuggerError,
    MappedFile,
    Memory,
    MemoryFault,
    Module,
    Region,
    Signal,
    Symbol,
)

MAX_SOURCE_BYTES = 16 << 20
DEBUG_INFO, SYMTAB = ".debug_info", ".symtab"
COMMENT, RUSTC = ".comment", b"rustc version"
"""What compilers say of themselves (``readelf -p .comment``)."""


class DwarfPlace(NamedTuple):
    """A file's debug information, and an address in that file's own terms."""

    dwarf: Dwarf
    address: int


class TargetFiles:
    """The files of one stop of one target: give it the core's path, or the pid of a process of this
    machine.

    A path that the target has mapped is a name; which file here that is, and whether it still is
    the same build, :meth:`here` says.
    """

    def __init__(self, core: str | None, pid: int | None, where: Where | None = None) -> None:
        self.core = core
        self.pid = pid
        self._where = where or Where()
        self._files_here: dict[str, str | None] = {}
        self._tables: dict[str, list[SymbolTable]] = {}
        self._symbols: dict[tuple[str, str | None], Symbol | None] = {}
        self._names: dict[int, Symbol | None] = {}
        self._dwarfs: dict[str, Dwarf] = {}
        self._biases: dict[str, int] = {}
        self._lines: dict[Dwarf, Lines] = {}
        self.symbols_at: dict[int, Symbol | None] = {}
        """What the debugger has said of addresses: threads at one place have frames alike."""

    @cached_property
    def _core(self) -> elf.CoreInfo | None:
        try:
            return elf.read_core(self.core) if self.core else None
        except DebuggerError:
            # A kind of core that only the debugger can read.
            return None

    @cached_property
    def _maps(self) -> tuple[Sequence[Region], Sequence[MappedFile]]:
        if self._core:
            return self._core.regions, self._core.files
        return elf.live_maps(self.pid) if self.pid else ([], [])

    @property
    def regions(self) -> Sequence[Region]:
        """Mapped memory in address order."""
        return self._maps[0]

    @property
    def mapped(self) -> Sequence[MappedFile]:
        """The mappings of files in address order."""
        return self._maps[1]

    def modules(self, memory: Memory) -> list[Module]:
        """The mapped ELF files, in address order, with the build ids that memory has."""
        return [
            Module(path, base, elf.build_id_in_memory(memory, base))
            for path, base in self._bases.items()
            if _is_elf(memory, base)
        ]

    @property
    def are_of_rust(self) -> bool:
        """Whether a mapped file of this machine was made by Rust's compiler, and has its debug
        information.
        """
        return any(
            _is_of_rust(found)
            for path in self._bases
            for found in self._where.candidates(path, self.pid)
        )

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _, _, _ in self._maps[1]]

    @property
    def has_memory(self) -> bool:
        """Whether :meth:`read` has the memory: it has a core's."""
        return self._core is not None

    def read(self, memory: Memory, address: int, size: int) -> bytes | None:
        """A core's memory, straight from its file; None if any of it is missing.

        gdb shows zeros for memory that a core has left out, LLDB does not look into mapped files:
        this does neither. ``memory`` is the same memory, asked which builds the mapped files were.
        """
        found = []
        while size > 0:
            piece = self._dumped(address, size) or self._mapped(memory, address, size)
            if not piece:
                return None
            found.append(piece)
            address += len(piece)
            size -= len(piece)
        return found[0] if len(found) == 1 else b"".join(found)

    def _dumped(self, address: int, size: int) -> bytes:
        """As much as one segment of the core has."""
        core = self._core
        index = bisect.bisect_right(self._load_starts, address) - 1
        if core is None or self._stream is None or index < 0:
            return b""
        load = core.loads[index]
        room = load.vaddr + load.filesz - address
        if room <= 0:
            return b""
        return os.pread(self._stream.fileno(), min(size, room), load.offset + address - load.vaddr)

    def _mapped(self, memory: Memory, address: int, size: int) -> bytes:
        """As much as one mapped file has, if it is still the build that was mapped."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._maps[1][index][1]:
            return b""
        start, end, offset, path = self._maps[1][index]
        here = self.here(memory, path)
        if here is None:
            return b""
        at = offset + address - start
        return bytes(sections.read(here).data[at : at + min(size, end - address)])

    @cached_property
    def _load_starts(self) -> list[int]:
        return [load.vaddr for load in self._core.loads] if self._core else []

    @cached_property
    def _stream(self) -> BinaryIO | None:
        try:
            stream = open(self.core, "rb", buffering=0) if self.core else None  # noqa: SIM115
        except OSError:
            return None
        if stream is not None:
            weakref.finalize(self, stream.close)
        return stream

    @property
    def vdso(self) -> int | None:
        """Where a core has the kernel's own functions, which come from no file."""
        return self._core.vdso if self._core else None

    def file_at(self, address: int) -> str | None:
        """The path of the file that is mapped at the address."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index >= 0 and address < self._maps[1][index][1]:
            return self._maps[1][index][3]
        return None

    def symbol(self, memory: Memory, name: str, file: str | None = None) -> Symbol | None:
        """A symbol of the first file that has it, the program itself before the libraries, a global
        one before local ones.

        Files that are other builds than those in memory are not asked.
        """
        wanted = name, file
        if wanted not in self._symbols:
            self._symbols[wanted] = self._symbol(memory, name, file)
        return self._symbols[wanted]

    def _symbol(self, memory: Memory, name: str, file: str | None) -> Symbol | None:
        for path in self._bases:
            for table in self._tables_of(memory, path):
                if found := min(
                    table.find(name, file), key=lambda entry: entry.is_local, default=None
                ):
                    return Symbol(name, self._bias(memory, path) + found.value, found.size)
        return None

    def has_symbols(self, memory: Memory) -> bool:
        """Whether any file's symbols could be read."""
        return any(self._tables_of(memory, path) for path in self._bases)

    def symbol_from(self, memory: Memory, name: str, start: int) -> Symbol:
        """The symbol at an address that a debugger has a name for.

        Of several names (glibc's functions have up to four) the plainest is taken, and not each
        debugger's own favourite.
        """
        if start not in self._names:
            self._names[start] = self._named(memory, start)
        return self._names[start] or Symbol(name, start)

    def _named(self, memory: Memory, start: int) -> Symbol | None:
        path = self.file_at(start)
        if path is not None and path in self._bases:
            entries = [
                entry
                for table in self._tables_of(memory, path)
                for entry in table.at(start - self._bias(memory, path))
            ]
            if found := min(
                entries,
                key=lambda e: (e.is_local, e.name.startswith("__"), len(e.name), e.name),
                default=None,
            ):
                return Symbol(found.name, start, found.size)
        return None

    def dwarf_at(self, memory: Memory, address: int) -> DwarfPlace | None:
        """The debug information of the file that is mapped there, or of the file that it was moved
        to.

        None if the file is another build now.
        """
        path = self.file_at(address)
        here = self.here(memory, path) if path is not None else None
        if path is None or here is None:
            return None
        if path not in self._dwarfs:
            file = sections.read(here)
            if DEBUG_INFO not in file.names and (apart := self.separate(here)):
                file = sections.read(apart)
            self._dwarfs[path] = Dwarf(file)
        return DwarfPlace(self._dwarfs[path], address - self._bias(memory, path))

    def line_at(self, memory: Memory, address: int) -> Line | None:
        """The place in source that the instruction at an address was made from; None where that is
        not known.
        """
        place = self.dwarf_at(memory, address)
        return self.lines_of(place.dwarf).at(place.address) if place is not None else None

    def build_folder_at(self, memory: Memory, address: int) -> str | None:
        """The folder that the instruction's source file was compiled in; None where that is not
        known.
        """
        place = self.dwarf_at(memory, address)
        return lines.build_folder(place.dwarf, place.address) if place is not None else None

    def lines_of(self, dwarf: Dwarf) -> Lines:
        """The line tables of a file, read as they are asked for."""
        if dwarf not in self._lines:
            self._lines[dwarf] = Lines(dwarf)
        return self._lines[dwarf]

    def _bias(self, memory: Memory, path: str) -> int:
        """What is to be added to the addresses in a mapped file."""
        if path not in self._biases:
            here = self.here(memory, path)
            if here is None:
                return self._bases[path]
            self._biases[path] = self._bases[path] - sections.read(here).first
        return self._biases[path]

    def here(self, memory: Memory, path: str) -> str | None:
        """The file of this machine that was mapped as ``path``; None if it is another build now, or
        gone.
        """
        if path not in self._files_here:
            # Reading the build id from memory may lead here again.
            self._files_here[path] = None
            base = self._bases.get(path)
            if base is not None and _is_elf(memory, base):
                build_id = elf.build_id_in_memory(memory, base)
                self._files_here[path] = next(
                    (
                        candidate
                        for candidate in self._where.candidates(path, self.pid)
                        if _is_build(candidate, build_id, memory, base)
                    ),
                    None,
                )
        return self._files_here[path]

    def separate(self, here: str) -> str | None:
        """The file that has what was taken out of the file ``here``."""
        return debug_files.separate(here, self._where.folders)

    def _tables_of(self, memory: Memory, path: str) -> list[SymbolTable]:
        """The symbols of a mapped file, and those that were taken out of it into a debug file of
        its own.
        """
        if path not in self._tables:
            here = self.here(memory, path)
            files = [sections.read(here)] if here else []
            if here and SYMTAB not in files[0].names:
                apart = self.separate(here)
                more = sections.read(apart) if apart else debug_files.minimal(files[0])
                files += [more] if more else []
            self._tables[path] = [SymbolTable(file) for file in files]
        return self._tables[path]

    @cached_property
    def _bases(self) -> dict[str, int]:
        """Where each mapped file starts, in address order: a program lies below its libraries.

        What a program maps to read it (a library's own symbols, as a runtime does that prints a
        backtrace) is one piece; what was loaded has several, one a segment.
        """
        pieces: dict[str, list[list[int]]] = {}
        for start, _, offset, path in self._maps[1]:
            images = pieces.setdefault(path, [])
            if offset == 0:
                images.append([])
            if images:
                images[-1].append(start)
        bases = {path: max(images, key=len)[0] for path, images in pieces.items() if images}
        return dict(sorted(bases.items(), key=lambda found: found[1]))

    # --- threads --------------------------------------------------------------------------------

    @cached_property
    def _core_threads(self) -> dict[int, elf.CoreThread]:
        return {thread.lwp: thread for thread in self._core.threads} if self._core else {}

    def has_thread(self, lwp: int) -> bool:
        """Whether the target has such a thread.

        libthread_db reads the C library's own list of threads from memory: where that was
        overwritten, gdb has threads that never were.  A core's notes have the threads that the
        kernel had.
        """
        return not self._core_threads or lwp in self._core_threads

    def fs_base(self, lwp: int) -> int | None:
        """The thread pointer that a core has of a thread; None for a live process, where only the
        debugger knows.
        """
        thread = self._core_threads.get(lwp)
        return thread.fs_base if thread else None

    def thread_name(self, lwp: int) -> str | None:
        """The kernel's name of a thread.

        A core has only that of its first, the one whose LWP is the pid.
        """
        if self._core:
            return self._core.program if lwp == self._core.pid else None
        try:
            with open(
                f"/proc/{self.pid}/task/{lwp}/comm", encoding="utf-8", errors="replace"
            ) as stream:
                return stream.read().rstrip("\n") or None
        except OSError:
            return None

    def core_signal(self) -> Signal | None:
        """What the process died of.

        The kernel writes the thread that died first; a debugger that writes a core puts the one
        that had the signal first. None when that signal does not kill with a core: the process was
        only stopped to have its core written.  SIGTRAP may be a debugger's stop as well.
        """
        if self._core is None or not self._core.threads:
            return None
        first = self._core.threads[0]
        info = signals.decode(first.siginfo) if first.siginfo else None
        number = info.number if info and info.number else first.signal
        if number not in (*signals.DEADLY, signal.SIGTRAP):
            return None
        return signals.describe(first.lwp, number, info)


def _is_build(path: str, build_id: str | None, memory: Memory, base: int) -> bool:
    """Whether a file is the one that is mapped at ``base``: by build ids, else by its first page,
    the headers.
    """
    if build_id is not None:
        return elf.build_id_in_file(path) == build_id
    then = elf.identity_in_memory(memory, base)
    return then is not None and elf.identity_in_file(path) == then


def _is_of_rust(path: str) -> bool:
    file = sections.read(path)
    note = file.names.get(COMMENT)
    return (
        note is not None and DEBUG_INFO in file.names and RUSTC in file.data[note.start : note.end]
    )


def _is_elf(memory: Memory, base: int) -> bool:
    try:
        return memory.read(base, 4) == b"\x7fELF"
    except MemoryFault:
        return False


def read_source(file: str, line: int, context: int = 2) -> list[tuple[int, str]]:
    """(number, text) of the lines around ``line`` of a source file; empty if it cannot be read."""
    try:
        lines = _lines(file, os.path.getmtime(file))
    except (OSError, ValueError):
        return []
    first = max(line - context, 1)
    return [
        (number, lines[number - 1]) for number in range(first, min(line + context, len(lines)) + 1)
    ]


@functools.lru_cache(maxsize=64)
def _lines(file: str, _changed: float) -> list[str]:
    if not os.path.isfile(file) or os.path.getsize(file) > MAX_SOURCE_BYTES:
        # A name out of a damaged target may be that of a device.
        return []
    with open(file, encoding="utf-8", errors="replace") as stream:
        return stream.read().splitlines()
