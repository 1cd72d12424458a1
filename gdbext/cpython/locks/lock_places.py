"""What a lock's address belongs to: an object's header, a lock object, a thread, or a field of the
runtime.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from functools import cached_property

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.locks.sources import Sources
from gdbext.frozen import dataclass
from gdbext.model import Address, Claim
from gdbext.target.protocol import MemoryFault

LOCK_FIELDS = ("._bits", ".v", ".bits", "locks")
MAX_HANDLES = 20_000


class LockKind(str, enum.Enum):
    """What sort of lock it is; the value is the phrase that people read."""

    OBJECT = "object's mutex"
    LOCK = "threading.Lock"
    RLOCK = "threading.RLock"
    IMPORT = "import lock"
    NOTIFY = "notification"
    JOIN = "end of a thread"
    WORLD = "stopped world"
    STOPPING = "stopping of the world"
    GIL = "GIL"
    RUNTIME = "runtime's lock"
    NATIVE = "native lock"
    UNKNOWN = "lock"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Lock:
    """``address`` is the word that threads wait on; ``object`` the Python object that it is, or is
    part of.

    ``name`` says which one it is: a type's name, a runtime field's, a module's, a C variable's, the
    ident of a thread that is waited for.
    """

    kind: LockKind
    address: int
    object: int | None = None
    name: str = ""
    thread: int | None = None
    """The LWP whose end is waited for."""

    @property
    def key(self) -> int:
        """What a report calls it by: the object's address, else the lock's own."""
        return self.object if self.object is not None else self.address

    @property
    def claim(self) -> Claim:
        """Which lock it is, as an argument of claims about it."""
        return self._claim(Address(self.key))

    @property
    def what(self) -> Claim:
        """The same, where its address stands beside it."""
        return self._claim(None)

    def _claim(self, address: Address | None) -> Claim:
        return Claim(
            "lock",
            lock=self.kind.value,
            name=self.name or None,
            thread=self.thread,
            address=address,
        )


@dataclass(frozen=True)
class ThreadHandle:
    """``ThreadHandle`` of Modules/_threadmodule.c: ``event`` is set when the thread with ``ident``
    ends.
    """

    address: int
    ident: int
    event: int


class LockNames:
    """Names the lock at an address."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._layout = sources.layout
        self._objects = sources.objects
        self._variables: dict[int, str] = {}

    def lock_at(self, address: int) -> Lock:
        """The lock whose word is at ``address``."""
        return (
            self._in_runtime(address)
            or self._in_handle(address)
            or self._in_object(address)
            or Lock(LockKind.UNKNOWN, address, name=self._variable(address))
        )

    def _variable(self, address: int) -> str:
        """The C variable that the lock is, or is in: debuggers look symbols up one at a time."""
        if address not in self._variables:
            self._variables[address] = self._sources.variable_at(address) or ""
        return self._variables[address]

    def mutex_of(self, address: int) -> int:
        """The address of an object's mutex."""
        return address + self._mutex_offset

    def handle_at(self, event: int) -> ThreadHandle | None:
        """The thread handle whose event, set at its thread's end, is at that address."""
        return self._handles.get(event)

    def _in_runtime(self, address: int) -> Lock | None:
        if address in self._states:
            return Lock(LockKind.WORLD, address)
        for start, end, name in self._fields:
            if start <= address < end:
                if name.startswith("stoptheworld"):
                    return Lock(LockKind.STOPPING, address, None, name)
                if name == "imports.lock.mutex":
                    return Lock(LockKind.IMPORT, address, None, name)
                if name == "_gil":
                    return Lock(LockKind.GIL, address)
                return Lock(LockKind.RUNTIME, address, None, name)
        return None

    def _in_handle(self, address: int) -> Lock | None:
        handle = self._handles.get(address)
        if handle is None:
            return None
        lwp = self._sources.lwp_of_ident(handle.ident)
        return Lock(LockKind.JOIN, address, name="" if lwp else hex(handle.ident), thread=lwp)

    def _in_object(self, address: int) -> Lock | None:
        for struct, field, type_name, kind in (
            ("lockobject", "lock._bits", "_thread.lock", LockKind.LOCK),
            ("rlockobject", "lock.mutex._bits", "_thread.RLock", LockKind.RLOCK),
            ("simplequeueobject", "has_threads_waiting", "_queue.SimpleQueue", LockKind.NOTIFY),
        ):
            if self._layout.has(struct, field):
                start = address - self._layout.offset(struct, field)
                if self._type_name(start) == type_name:
                    return Lock(kind, address, start)
        start = address - self._mutex_offset
        name = self._type_name(start)
        return Lock(LockKind.OBJECT, address, start, name) if name else None

    def _type_name(self, address: int) -> str | None:
        """The type's name, whatever else of the header may be wrong (the mutex, for one)."""
        if address % 8:
            return None
        try:
            info = self._objects.type_info(self._objects.field("PyObject", address, "ob_type"))
        except (MemoryFault, UnknownLayout):
            return None
        return info.name if info else None

    @cached_property
    def _mutex_offset(self) -> int:
        return self._layout.offset("PyObject", "ob_mutex")

    @cached_property
    def _states(self) -> frozenset[int]:
        """Where each thread's state is: a suspended thread waits on its own."""
        if not self._layout.has("PyThreadState", "state"):
            return frozenset()
        offset = self._layout.offset("PyThreadState", "state")
        return frozenset(thread.address + offset for thread in self._sources.runtime.threads)

    @cached_property
    def _fields(self) -> list[tuple[int, int, str]]:
        """(start, end, name) of every lock in the interpreters' states and in the runtime's."""
        found = list(self._lock_fields("_PyRuntimeState", self._sources.runtime.address))
        for interpreter in self._sources.runtime.interpreters:
            found = [*self._lock_fields("PyInterpreterState", interpreter.address), *found]
        return found

    def _lock_fields(self, struct: str, base: int) -> Iterator[tuple[int, int, str]]:
        layout = self._layout.find(struct)
        if layout is None:
            return
        for path in layout.paths():
            # Static objects have mutexes of their own; the first interpreter's state lies in the
            # runtime's.
            if (
                path.endswith(LOCK_FIELDS)
                and "static_objects" not in path
                and not path.startswith("_main_interpreter")
            ):
                field = layout.field(path)
                yield (
                    base + field.offset,
                    base + field.offset + field.size,
                    path.rpartition(".")[0] or path,
                )
        if "_gil" in layout and struct == "PyInterpreterState":
            field = layout.field("_gil")
            yield base + field.offset, base + field.offset + field.size, "_gil"

    @cached_property
    def _handles(self) -> dict[int, ThreadHandle]:
        """Every thread handle of ``_PyRuntime.threads.handles``, by the address of its event."""
        found: dict[int, ThreadHandle] = {}
        try:
            root = self._sources.runtime.address + self._layout.offset(
                "_PyRuntimeState", "threads.handles.next"
            )
            offset = self._layout.struct("ThreadHandle").offset
            node = self._objects.word(root)
            while node and node != root and len(found) < MAX_HANDLES:
                handle = self._layout.record(
                    self._sources.memory, "ThreadHandle", node - offset("node.next")
                )
                event = handle.address_of("thread_is_exiting")
                if event in found:
                    break
                found[event] = ThreadHandle(handle.address, handle["ident"], event)
                node = handle["node.next"]
        except (MemoryFault, UnknownLayout):
            pass
        return found
