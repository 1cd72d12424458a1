"""A thread's critical sections, newest first (CPython's Include/internal/pycore_critical_section.h,
Python/critical_section.c).

``PyThreadState.critical_section`` points to the newest one, on the thread's C stack, with two tag
bits; each links to the one around it, with that one's tags.  When a thread detaches, all its
sections give their mutexes up and are marked inactive; when it attaches again, only the newest
takes its mutexes back.  A section whose mutex is NULL is still waiting for it (or for taking it
back): the mutex is then only known from the parking lot.
"""

from __future__ import annotations

from gdbext.cpython.layout.layout import Layout, UnknownLayout
from gdbext.frozen import dataclass
from gdbext.target.protocol import Memory, MemoryFault

INACTIVE = 1
TWO_MUTEXES = 2
TAGS = 3
MAX_SECTIONS = 10_000


@dataclass(frozen=True)
class CriticalSection:
    """``mutexes`` are addresses of the ``PyMutex`` bytes; ``state`` is ``active`` (locked),
    ``suspended`` or ``entering``.
    """

    address: int
    state: str
    mutexes: tuple[int, ...] = ()
    is_two: bool = False


def read_sections(
    memory: Memory, layout: Layout, head: int | None
) -> tuple[tuple[CriticalSection, ...], bool]:
    """The chain that starts with the tagged word ``head``, newest first, and whether it could be
    read to its end.
    """
    found: list[CriticalSection] = []
    seen: set[int] = set()
    word = head or 0
    try:
        while word & ~TAGS:
            address = word & ~TAGS
            if address in seen or len(seen) >= MAX_SECTIONS:
                return tuple(found), False
            seen.add(address)
            is_two = bool(word & TWO_MUTEXES)
            record = layout.record(
                memory, "PyCriticalSection2" if is_two else "PyCriticalSection", address
            )
            names = ("_cs_mutex", "_cs_mutex2") if is_two else ("_cs_mutex",)
            mutexes = tuple(record[name] for name in names if record[name])
            state = "entering" if not mutexes else "suspended" if word & INACTIVE else "active"
            found.append(CriticalSection(address, state, mutexes, is_two))
            word = record["_cs_prev"]
    except (MemoryFault, UnknownLayout):
        return tuple(found), False
    return tuple(found), True
