"""The runtime's interpreters and thread states (CPython's Include/internal/pycore_runtime.h,
Include/cpython/pystate.h).
"""

from __future__ import annotations

from functools import cached_property

from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault

MAX_INTERPRETERS = 1024
MAX_THREADS = 20_000
WORD = (1 << 64) - 1

# Include/internal/pycore_pystate.h; the last three are of 3.14 and later.
STATES = {
    0: "detached",
    1: "attached",
    2: "suspended",
    3: "shutting down",
    4: "suspended",
    5: "detached",
}
# Include/internal/pycore_ceval.h
EVAL_BREAKER_BITS = {
    1: "gil drop request",
    2: "signals pending",
    4: "calls to do",
    8: "async exception",
    16: "gc scheduled",
    32: "please stop",
    64: "explicit merge",
}


@dataclass(frozen=True)
class ThreadState:
    """One ``PyThreadState``.

    ``thread_id`` is what objects' ``ob_tid`` names (the thread pointer, fs_base);
    ``native_thread_id`` the LWP. ``critical_section`` and ``eval_breaker`` are the raw words.
    """

    address: int
    interpreter: int
    thread_id: int
    native_thread_id: int
    state: str
    current_frame: int
    critical_section: int | None
    eval_breaker: int
    delete_later: int | None
    is_main: bool = False

    @property
    def pending(self) -> list[str]:
        """The eval breaker's requests in words."""
        return [text for bit, text in EVAL_BREAKER_BITS.items() if self.eval_breaker & bit]


@dataclass(frozen=True)
class Interpreter:
    """One ``PyInterpreterState``.

    ``gil_enabled`` is True when an extension has switched the GIL on again.
    """

    address: int
    id: int
    gil_enabled: bool | None
    threads: tuple[ThreadState, ...]


@dataclass(frozen=True)
class Runtime:
    """All interpreters, the main one first; ``complete`` is False when a damaged list cut a walk
    short.
    """

    address: int
    interpreters: tuple[Interpreter, ...]
    complete: bool = True

    @property
    def threads(self) -> list[ThreadState]:
        """The thread states of all interpreters."""
        return [t for interpreter in self.interpreters for t in interpreter.threads]

    def by_tid(self, tid: int) -> ThreadState | None:
        """The thread state whose objects carry this ``ob_tid``."""
        return next((t for t in self.threads if t.thread_id == tid), None) if tid else None

    def by_lwp(self, lwp: int) -> ThreadState | None:
        """The LWP's thread state; of several, the one that is attached."""
        mine = self._by_lwp.get(lwp, ())
        return next((t for t in mine if t.state == "attached"), mine[0] if mine else None)

    @cached_property
    def _by_lwp(self) -> dict[int, list[ThreadState]]:
        found: dict[int, list[ThreadState]] = {}
        for thread in self.threads:
            found.setdefault(thread.native_thread_id, []).append(thread)
        return found


def read_runtime(memory: Memory, layout: Layout, address: int) -> Runtime:
    """Walk ``_PyRuntime`` at ``address``.

    Damage in a list ends that list, and clears ``complete``: a pointer to something else, which
    may well be readable, is known by what an interpreter and a thread state say of where they
    belong.
    """
    complete = True
    found = []
    try:
        head = _word(memory, address + layout.offset("_PyRuntimeState", "interpreters.head"))
    except (MemoryFault, UnknownLayout):
        return Runtime(address, (), False)
    main = _field(memory, layout, "_PyRuntimeState", address, "interpreters.main")
    seen: set[int] = set()
    while head and head not in seen and len(seen) < MAX_INTERPRETERS:
        seen.add(head)
        try:
            if head != main and _field(
                memory, layout, "PyInterpreterState", head, "runtime"
            ) not in (address, None):
                complete = False
                break
            interpreter, intact = _read_interpreter(memory, layout, head)
            complete &= intact
            found.append(interpreter)
            head = _word(memory, head + layout.offset("PyInterpreterState", "next"))
        except MemoryFault:
            complete = False
            break
    return Runtime(
        address, tuple(sorted(found, key=lambda i: i.id)), complete and not (head and head in seen)
    )


def _read_interpreter(memory: Memory, layout: Layout, address: int) -> tuple[Interpreter, bool]:
    offset = layout.struct("PyInterpreterState").offset
    number = _word(memory, address + offset("id"))
    gil_enabled = None
    if "_gil" in layout.struct("PyInterpreterState") and layout.has(
        "_gil_runtime_state", "enabled"
    ):
        place = address + offset("_gil") + layout.offset("_gil_runtime_state", "enabled")
        gil_enabled = memory.read(place, 4) != b"\0\0\0\0"
    threads = []
    head = _word(memory, address + offset("threads.head"))
    main = (
        _word(memory, address + offset("threads.main"))
        if layout.has("PyInterpreterState", "threads.main")
        else 0
    )
    seen: set[int] = set()
    intact = True
    previous = 0
    while head:
        if head in seen or len(seen) >= MAX_THREADS:
            intact = False
            break
        seen.add(head)
        try:
            # One of the two words may be damaged in a thread state that is in the list.
            if _field(memory, layout, "PyThreadState", head, "interp") not in (
                address,
                None,
            ) and _field(memory, layout, "PyThreadState", head, "prev") not in (previous, None):
                intact = False
                if not _names_thread(memory, layout, head):
                    break
            previous = head
            threads.append(_read_thread(memory, layout, head, address, head == main))
            head = _word(memory, head + layout.offset("PyThreadState", "next"))
        except MemoryFault:
            intact = False
            break
    # The list has the newest thread first.
    return Interpreter(address, number, gil_enabled, tuple(reversed(threads))), intact


def _read_thread(
    memory: Memory, layout: Layout, address: int, interpreter: int, is_main: bool
) -> ThreadState:
    record = layout.record(memory, "PyThreadState", address)
    state = record.get("state", -1)
    return ThreadState(
        address,
        interpreter,
        record["thread_id"],
        record["native_thread_id"],
        STATES.get(state, f"unknown state {state}" if state >= 0 else "unknown"),
        record["current_frame"],
        record.get("critical_section", None),
        record.get("eval_breaker", 0),
        record.get("delete_later", None),
        is_main,
    )


def _field(memory: Memory, layout: Layout, struct: str, address: int, name: str) -> int | None:
    """A pointer in a struct; None where the layout does not have it."""
    if not layout.has(struct, name):
        return None
    return _word(memory, address + layout.offset(struct, name))


def _names_thread(memory: Memory, layout: Layout, address: int) -> bool:
    """Whether a thread state that was written over still says which thread it is of.

    ``thread_id`` is the thread's control block, whose first word is its own address (glibc's
    tcbhead_t).
    """
    thread = _field(memory, layout, "PyThreadState", address, "thread_id")
    try:
        return bool(thread) and _word(memory, thread or 0) == thread
    except MemoryFault:
        return False


def _word(memory: Memory, address: int) -> int:
    return int.from_bytes(memory.read(address & WORD, 8), "little")
