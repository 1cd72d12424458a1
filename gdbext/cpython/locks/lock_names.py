"""What the program calls a lock: ``__main__.a``."""

from __future__ import annotations

from dataclasses import replace

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.locks.graph import Wait
from gdbext.cpython.locks.lock_places import Lock, LockKind
from gdbext.cpython.locks.sources import Sources
from gdbext.target.protocol import MemoryFault

MAX_MODULES = 8


def named_lock(sources: Sources, wait: Wait) -> Lock:
    """The lock that is waited for, with its name if it is a global of a module whose code the
    waiting thread runs.
    """
    lock = wait.lock
    if lock.kind not in (LockKind.LOCK, LockKind.RLOCK) or lock.object is None:
        return lock
    frames = sources.python_stack(wait.lwp).frames
    for namespace in list(dict.fromkeys(frame.globals for frame in frames))[:MAX_MODULES]:
        try:
            name = _key(sources, namespace, lock.object)
        except (MemoryFault, UnknownLayout):
            continue
        if name:
            return replace(lock, name=name)
    return lock


def _key(sources: Sources, namespace: int, value: int) -> str | None:
    objects = sources.objects
    key = next((key for key, found in objects.dict_items(namespace) if found == value), None)
    name, module = objects.text(key) if key else None, objects.dict_get_str(namespace, "__name__")
    return f"{(objects.text(module) if module else None) or '?'}.{name}" if name else None
