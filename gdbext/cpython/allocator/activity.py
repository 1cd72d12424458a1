"""What the threads were in the middle of: why a block can be in no regular state.

A thread that stopped inside the allocator, a deallocator or the garbage collector leaves blocks
between two states.  The caller, who can unwind stacks, gives each thread's function names; the
collector's own flags are in memory (CPython's ``_gc_runtime_state`` and ``_stoptheworld_state``,
Include/internal/pycore_gc.h and pycore_interp.h).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field

from gdbext.cpython.interpreter.runtime import Runtime
from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault

# mimalloc's own names, and CPython's layers over it (Objects/obmalloc.c).
ALLOCATOR = re.compile(
    r"^_?mi_|^_Py(Mem|Object)_(Mi|Debug)|^Py(Mem|Object)_(Raw)?([MC]alloc|Realloc|Free)"
)
# The debug hooks' functions that write guard bytes (``_PyMem_DebugRawAlloc``,
# ``_PyMem_DebugRawRealloc`` ...).
GUARD_WRITER = re.compile(r"^_PyMem_Debug\w*[Aa]lloc$")
DEALLOCATOR = re.compile(r"^_Py_Dealloc$|_?dealloc$|^_Py_(Dec|Merge)")
COLLECTOR = re.compile(r"^gc_|^_PyGC_|^PyGC_Collect")


@dataclass(frozen=True)
class ThreadStop:
    """Where one thread stopped.

    ``functions`` are its native frames' names, innermost first (as far as unwound).

    ``tid`` is the thread pointer that objects' ``ob_tid`` names; ``registers`` by name, of the
    innermost frame.
    """

    lwp: int
    tid: int | None = None
    functions: Sequence[str | None] = ()
    stack_pointer: int | None = None
    registers: Mapping[str, int] = field(default_factory=dict)

    def _inside(self, pattern: re.Pattern[str]) -> str | None:
        return next((name for name in self.functions if name and pattern.search(name)), None)

    @property
    def allocating(self) -> str | None:
        """The innermost allocator function on the stack."""
        return self._inside(ALLOCATOR)

    @property
    def guarding(self) -> str | None:
        """The function on the stack that is putting the debug hooks around a block."""
        return self._inside(GUARD_WRITER)

    @property
    def deallocating(self) -> str | None:
        """The innermost function on the stack that takes an object apart."""
        return self._inside(DEALLOCATOR)

    @property
    def collecting(self) -> str | None:
        """The innermost function of the garbage collector on the stack."""
        return self._inside(COLLECTOR)


@dataclass(frozen=True)
class Collection:
    """The garbage collector's state in one interpreter, as its flags have it."""

    interpreter: int
    is_collecting: bool
    world_stopped: bool
    flag: int
    """Address of ``gc.collecting``, for evidence."""


def collections(memory: Memory, layout: Layout, runtime: Runtime) -> list[Collection]:
    """The collector's state in every interpreter whose flags can be read."""
    found = []
    for interpreter in runtime.interpreters:
        try:
            gc = interpreter.address + layout.offset("PyInterpreterState", "gc")
            flag = gc + layout.offset("_gc_runtime_state", "collecting")
            collecting = int.from_bytes(memory.read(flag, 4), "little") != 0
            stopped = False
            if layout.has("PyInterpreterState", "stoptheworld.world_stopped"):
                place = interpreter.address + layout.offset(
                    "PyInterpreterState", "stoptheworld.world_stopped"
                )
                stopped = memory.read(place, 1) != b"\0"
            found.append(Collection(interpreter.address, collecting, stopped, flag))
        except (MemoryFault, UnknownLayout):
            continue
    return found
