"""Locks that are Python objects: ``threading.Lock``, ``threading.RLock`` and importlib's module
locks.

A ``threading.Lock`` is one ``PyMutex`` and names no owner.  An RLock does: up to 3.13 it is a
semaphore with an owner beside it, from 3.14 on a ``_PyRecursiveMutex`` (CPython's
Modules/_threadmodule.c, Python/lock.c).  ``_ModuleLock`` is a Python class
(Lib/importlib/_bootstrap.py): its ``wakeup`` lock is what threads wait on, its ``owner`` the thread
that imports the module.
"""

from __future__ import annotations

from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.locks import mutex
from gdbext.cpython.objects.objects import Objects
from gdbext.frozen import dataclass
from gdbext.target.protocol import MemoryFault

LOCK = "_thread.lock"
RLOCK = "_thread.RLock"
MODULE_LOCK = "_ModuleLock"
MODULE_LOCK_ACQUIRE = "_ModuleLock.acquire"


@dataclass(frozen=True)
class PythonLock:
    """``word`` is the address that waiters sleep on; ``owner`` the ident (``thread_id``) of the
    thread that has it.
    """

    address: int
    kind: str
    word: int
    is_locked: bool
    owner: int | None = None
    name: str | None = None
    """A module lock's module."""
    owner_field: int | None = None
    """Where the owner is recorded."""


def read_lock(objects: Objects, address: int) -> PythonLock | None:
    """The ``threading.Lock`` or ``RLock`` at ``address``; None if it is neither."""
    info = objects.type_of(address) if address else None
    try:
        if info is not None and info.name == LOCK:
            word = address + objects.layout.offset("lockobject", "lock._bits")
            return PythonLock(
                address, "threading.Lock", word, mutex.is_locked(objects.memory.read(word, 1)[0])
            )
        if info is not None and info.name == RLOCK:
            return _read_rlock(objects, address)
    except (MemoryFault, UnknownLayout):
        pass
    return None


def _read_rlock(objects: Objects, address: int) -> PythonLock:
    layout = objects.layout
    if layout.has("rlockobject", "rlock_count"):
        semaphore, owner, count = objects.fields(
            "rlockobject", address, "rlock_lock", "rlock_owner", "rlock_count"
        )
        field = address + layout.offset("rlockobject", "rlock_owner")
        return PythonLock(
            address, "threading.RLock", semaphore, count > 0, owner if count else None, None, field
        )
    bits, owner = objects.fields("rlockobject", address, "lock.mutex._bits", "lock.thread")
    word = address + layout.offset("rlockobject", "lock.mutex._bits")
    field = address + layout.offset("rlockobject", "lock.thread")
    locked = mutex.is_locked(bits)
    return PythonLock(
        address, "threading.RLock", word, locked, owner if locked and owner else None, None, field
    )


def read_module_lock(objects: Objects, address: int) -> PythonLock | None:
    """The ``_ModuleLock`` at ``address``; None if it is none."""
    info = objects.type_of(address) if address else None
    if info is None or info.name != MODULE_LOCK:
        return None
    owner, count, name, wakeup = (
        objects.attribute(address, key) for key in ("owner", "count", "name", "wakeup")
    )
    inner = read_lock(objects, wakeup) if wakeup else None
    if inner is None:
        return None
    is_locked = bool(count and objects.field("PyListObject", count, "ob_size"))
    ident = objects.int_value(owner) if owner and is_locked else None
    return PythonLock(
        address,
        "import lock",
        inner.word,
        is_locked,
        ident,
        objects.text(name, 200) if name else None,
        address,
    )


def module_lock_of(objects: Objects, frame: Frame, word: int) -> PythonLock | None:
    """The module lock that a frame of ``_ModuleLock.acquire`` waits for, if ``word`` is what its
    waiters sleep on.
    """
    if frame.function != MODULE_LOCK_ACQUIRE:
        return None
    lock = read_module_lock(objects, frame.slots.get("self", 0))
    return lock if lock is not None and lock.word == word else None
