"""The gdb adapter (gdb 12 and later)."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence

import gdb

from gdbext.backends.adapter import Adapter
from gdbext.backends.gdb import running
from gdbext.backends.gdb.printed import output_of
from gdbext.backends.gdb.recording import Recording
from gdbext.backends.gdb.stack import Stacks
from gdbext.backends.gdb.threads import WORD, lwp_of, register, selection, threads_by_lwp
from gdbext.backends.gdb.types import AGGREGATES, StructTypes, dwarf_symbol
from gdbext.binfmt.debug_files import STANDARD, Where, stand_ins
from gdbext.binfmt.files import TargetFiles
from gdbext.binfmt.x86.detours import Offsets
from gdbext.target import signals
from gdbext.target.protocol import (
    DebuggerError,
    NativeThread,
    Signal,
    Struct,
    Symbol,
)

NO_TARGET = (
    "no process and no core; start one (`run`), attach to one (`attach PID`) or open a core (`core "
    "FILE`)"
)


class _Watch:
    """Counts the events after which memory and frames, or symbols, may be others; remembers which
    thread had the last signal.
    """

    def __init__(self) -> None:
        self.changes = 0
        self.symbols = 0
        self.signal: tuple[str, int] | None = None
        for name in ("cont", "exited", "inferior_deleted", "memory_changed", "register_changed"):
            getattr(gdb.events, name).connect(self._target_changed)
        for name in ("new_objfile", "free_objfile", "clear_objfiles"):
            if hasattr(gdb.events, name):  # free_objfile is younger than gdb 12
                getattr(gdb.events, name).connect(self._symbols_changed)
        gdb.events.stop.connect(self._stopped)

    def _target_changed(self, _event: object) -> None:
        self.changes += 1

    def _symbols_changed(self, _event: object) -> None:
        self.changes += 1
        self.symbols += 1

    def _stopped(self, event: gdb.StopEvent) -> None:
        self.changes += 1
        self.signal = None
        if isinstance(event, gdb.SignalEvent) and (
            thread := event.inferior_thread or gdb.selected_thread()
        ):
            self.signal = event.stop_signal, lwp_of(thread)


_watch = _Watch()


class GdbDebugger(Adapter):
    """gdb's selected inferior, as :class:`gdbext.target.protocol.Debugger`."""

    ERRORS = (*Adapter.ERRORS, gdb.error)

    def __init__(self) -> None:
        self._stop: int | None = None
        self._files_of_stop = TargetFiles(None, None)
        self._stacks_of_stop = Stacks(self, self._files_of_stop)
        self._types: tuple[int, StructTypes] | None = None

    @property
    def version(self) -> str:
        found = re.search(r"\d+(\.\d+)*", gdb.VERSION)
        return f"gdb {found[0] if found else gdb.VERSION}"

    @property
    def kind(self) -> str:
        threads = gdb.selected_inferior().threads()
        if not threads:
            raise DebuggerError(NO_TARGET)
        if any(thread.is_running() for thread in threads):
            raise DebuggerError("the process is running; stop it first (`interrupt`, or Ctrl-C)")
        return "core" if _connection() == "core" else "live"

    @property
    def pid(self) -> int | None:
        return gdb.selected_inferior().pid or None

    @property
    def executable(self) -> str | None:
        name = gdb.current_progspace().filename
        return str(name) if name else None

    def generation(self) -> int:
        inferior = gdb.selected_inferior()
        return hash((_watch.changes, inferior.num, inferior.pid))

    def _files(self) -> TargetFiles:
        """The files of this stop.  What was kept of an earlier stop is dropped here."""
        stop = self.generation()
        if stop != self._stop:
            self._stop = stop
            connection = _connection()
            core = _core_path() if connection == "core" else None
            pid = self.pid if connection == "native" else None
            self._files_of_stop = TargetFiles(core, pid, _where(self.executable))
            self._stacks_of_stop = Stacks(self, self._files_of_stop)
        return self._files_of_stop

    def _stacks(self) -> Stacks:
        self._files()
        return self._stacks_of_stop

    # --- memory ---------------------------------------------------------------------------------

    def _read_process(self, address: int, size: int) -> memoryview:
        memory: memoryview = gdb.selected_inferior().read_memory(address, size)
        return memory

    # --- threads and frames ---------------------------------------------------------------------

    def threads(self) -> Sequence[NativeThread]:
        files = self._files()
        found = []
        with selection():
            for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
                lwp = lwp_of(thread)
                if not files.has_thread(lwp):
                    continue
                fs_base = files.fs_base(lwp)
                if fs_base is None:
                    thread.switch()
                    fs_base = register(gdb.newest_frame(), "fs_base")
                found.append(NativeThread(lwp, thread.num, files.thread_name(lwp), fs_base))
        return found

    def frame_number(self, lwp: int, level: int) -> int:
        return self._stacks().number(lwp, level)

    def selected(self) -> tuple[int, int]:
        thread = gdb.selected_thread()
        if thread is None:
            raise DebuggerError(NO_TARGET)
        try:
            chosen = gdb.selected_frame().level()
        except gdb.error:
            return lwp_of(thread), 0
        levels = self._stacks().walk(lwp_of(thread), chosen + 1).levels
        return lwp_of(thread), max(
            (i for i, level in enumerate(levels) if level is not None and level <= chosen),
            default=0,
        )

    def _live_signal(self) -> Signal | None:
        name, lwp = _watch.signal or (None, None)
        said = output_of("info program")
        found = re.search(r"stopped with signal (SIG\w+)", said)
        if found and found[1] != name:
            # gdb stopped before this module was there to see it.
            name, lwp = found[1], None
        number = getattr(signal, name or "", None)
        if number not in signals.DEADLY:
            return None
        threads = threads_by_lwp()
        last = re.search(r"Last stopped for thread .*LWP (\d+)", said)
        likely = (lwp, int(last[1]) if last else None, self.selected()[0])
        for candidate in sorted(
            threads, key=lambda each: likely.index(each) if each in likely else len(likely)
        ):
            info = _siginfo(threads[candidate])
            if info is not None and info.number == number:
                return signals.describe(candidate, number, info)
        return signals.describe(lwp or self.selected()[0], number, None)

    # --- letting it run --------------------------------------------------------------------------

    def follow(
        self,
        functions: Iterable[int],
        call: Callable[[int, int, tuple[int, int], Callable[[], Sequence[str]]], None],
    ) -> None:
        """Let the process run, with a breakpoint on each of the functions, until it dies or ends,
        or a person interrupts it.

        ``call`` is given, of each call, the function, the LWP, the first two arguments (x86-64's
        System V ABI), and what gives the names of the functions on the stack up to the eval loop.
        """
        running.follow(functions, call)

    def recording(self, offsets: Offsets, states: Mapping[int, int]) -> Recording:
        """What has calls of functions noted by the process itself, without a stop; ``states`` are
        the addresses of the thread states by LWP.

        Raises:
            DebuggerError: where the process does not allow that.
        """
        return Recording(offsets, states)

    # --- symbols and types ----------------------------------------------------------------------

    def _dwarf_symbol(self, name: str, file: str | None) -> Symbol | None:
        return dwarf_symbol(name, file)

    def _symbol_at(self, address: int) -> Symbol | None:
        found = re.match(r"(.+?)(?: \+ (\d+))? in section", output_of(f"info symbol {address:#x}"))
        if not found:
            return None
        return self._files().symbol_from(self, found[1], address - int(found[2] or 0))

    def struct(self, name: str) -> Struct | None:
        if self._types is None or self._types[0] != _watch.symbols:
            self._types = _watch.symbols, StructTypes()
        return self._types[1].struct(name)

    def _evaluate(self, expression: str) -> int:
        try:
            with gdb.with_parameter("may-call-functions", False):
                value = gdb.parse_and_eval(expression)
                if value.is_optimized_out:
                    raise DebuggerError(
                        f"`{expression}` is optimized out here; give its address instead"
                    )
                code = value.type.strip_typedefs().code
                if code == gdb.TYPE_CODE_VOID:
                    raise DebuggerError(f"`{expression}` has no value")
                if code in AGGREGATES or code == gdb.TYPE_CODE_FUNC:
                    value = value.address
                    if value is None:
                        raise DebuggerError(f"`{expression}` has no address")
                return int(value) & WORD
        except (gdb.error, ValueError, TypeError) as error:
            raise DebuggerError(f"`{expression}`: {error}") from None


def _where(executable: str | None) -> Where:
    """Where gdb looks for the target's files."""
    sysroot = str(gdb.parameter("sysroot") or "").removeprefix("target:")
    folders = str(gdb.parameter("debug-file-directory") or "").split(":")
    return Where(
        sysroot="" if sysroot == "/" else sysroot,
        executable=executable,
        folders=tuple(dict.fromkeys(folder for folder in (*folders, STANDARD) if folder)),
    )


def _siginfo(thread: gdb.InferiorThread) -> signals.Info | None:
    with selection(thread):
        try:
            info = gdb.parse_and_eval("$_siginfo")
            words = info.cast(gdb.lookup_type("unsigned char").array(info.type.sizeof - 1))
            return signals.decode(bytes(int(words[i]) for i in range(24)))
        except gdb.error:
            return None


def _connection() -> str | None:
    """``core``, ``native``, ``remote``, ``extended-remote`` …"""
    connection = gdb.selected_inferior().connection
    return str(connection.type) if connection is not None else None


def _core_path() -> str | None:
    core = getattr(gdb.selected_inferior(), "corefile", None)
    if core is not None:
        return str(core.filename)
    found = re.search(r"Local core dump file:\s*`(.+)', file type", output_of("info files"))
    return found[1] if found else None


# --- starting, for the command line: gdb opens a target that no person has opened -----------------


def open_core(
    executable: str, core: str, sysroot: str | None = None, debug_folder: str | None = None
) -> GdbDebugger:
    """Make gdb open a core; ``debug_folder`` has more debug information, by build id.

    Raises:
        DebuggerError: with gdb's complaint.
    """
    try:
        if sysroot:
            gdb.execute(f"set sysroot {sysroot}")
        if debug_folder:
            add_debug_folder(debug_folder)
        keep_no_index_of_rust(TargetFiles(core, None, _where(executable)))
        gdb.execute(f"file {_quoted(executable)}")
        # Not as a string: gdb cannot make one of what a damaged core has for names.
        gdb.execute(f"core-file {_plain_path(core)}")
        if sysroot:
            find_libraries()
    except gdb.error as error:
        raise DebuggerError(f"gdb cannot open {core}: {error}") from None
    return GdbDebugger()


def keep_no_index_of_rust(files: TargetFiles) -> None:
    """gdb 18.1 dies of the index that it has kept of Rust's debug information, when it reads it."""
    if files.are_of_rust:
        gdb.execute("set index-cache enabled off")


def add_debug_folder(folder: str) -> None:
    """Let gdb look for debug information there first, by build id."""
    usual = gdb.parameter("debug-file-directory") or STANDARD
    gdb.execute(f"set debug-file-directory {folder}:{usual}")


def find_libraries() -> None:
    """Let gdb have this machine's libraries where the sysroot lacks them and the build is the same:
    without a library's unwind tables, the stack above its functions is guessed.
    """
    sysroot = _where(None).sysroot
    found = stand_ins(GdbDebugger().modules(), sysroot) if sysroot else []
    if found:
        folders = [*found, *filter(None, [gdb.parameter("solib-search-path")])]
        gdb.execute(f"set solib-search-path {':'.join(map(str, folders))}")


def attach(pid: int) -> GdbDebugger:
    """Make gdb stop and inspect a running process.

    Raises:
        DebuggerError: with gdb's complaint.
    """
    try:
        keep_no_index_of_rust(TargetFiles(None, pid))
        gdb.execute(f"attach {pid}")
    except gdb.error as error:
        raise DebuggerError(f"gdb cannot attach to process {pid}: {error}") from None
    return GdbDebugger()


def leave() -> None:
    """Let a process that was attached to go on, unharmed; harmless for a core."""
    connection = getattr(gdb.selected_inferior(), "connection", None)
    if gdb.selected_inferior().pid and connection is not None and connection.type != "core":
        gdb.execute("detach")


def _quoted(path: str) -> str:
    return re.sub(r"([^\w/.+-])", r"\\\1", path)


def _plain_path(path: str) -> str:
    """A name of the file without characters that some version of gdb interprets (`core-file` takes
    quotes since 16 only).
    """
    if re.fullmatch(r"[\w/.+-]+", path):
        return path
    return f"/proc/self/fd/{os.open(path, os.O_RDONLY)}"
