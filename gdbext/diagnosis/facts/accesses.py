"""What each thread does to which objects, and what else of those objects a race is
concluded from.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Set
from dataclasses import field

from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.facts.doubts import RaceDoubts
from gdbext.frozen import dataclass
from gdbext.model import Operation


class Proximity(enum.IntEnum):
    """How near a thread is to an operation, nearest first."""

    INSIDE = 0
    """C code that has the object as an argument is running for the operation."""
    AT = 1
    """A frame is at the operation's instruction."""
    LINE = 2
    """The innermost frame is on the operation's line."""
    LOOP = 3
    """The frame is in a loop that does the operation again and again."""
    FUNCTION = 4
    """The innermost frame's function does it elsewhere."""
    INTERNAL = 5
    """C code has the object as an argument, but no Python code names it: a part of
    something else.
    """
    EARLIER = 6
    """A calling frame has the operation before its call: it may have run, and is over.

    That is not a suspicion of its own."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """One thread and one object, with the operation that the thread's code does to it.

    ``line`` is where the thread is now in the frame that does the operation, ``operation_line``
    where that stands.  What the standard library's Python code does is reported as the program's
    own line that called it.
    """

    lwp: int
    address: int
    type: str
    operation: Operation
    effect: Effect
    proximity: Proximity
    file: str | None = None
    line: int | None = None
    operation_line: int | None = None
    function: str | None = None
    frame: int | None = None
    """Address of the ``_PyInterpreterFrame`` that ``file``, ``line`` and ``function`` are of."""
    c_function: str | None = None
    is_passing_on: bool = False
    """The frame has only called a Python function with the object.

    What is done to it shows further in."""
    own_level: int | None = None
    """The native frame of the C code of the object's type that has the object as an argument, the
    innermost one; None if the thread is in none.
    """
    is_guarded: bool = False
    """The operation takes the object's own lock, or cannot do harm without."""
    is_private: bool = False
    """The thread has made the object, and its C code has the one reference to it, or destroys it.

    No other thread can have it."""
    is_unshared: bool = False
    """The thread has made the object, and no other thread has a reference of its own to it."""
    is_pending: bool = False
    """The operation waits: in a queue that the thread's loop takes its work from, or in a
    suspended generator or coroutine that it steps.
    """
    stores: str | None = None
    """The type of the object that the operation puts into this one, in place of another."""
    place: tuple[int, str | None] | None = None
    """Where the code takes the object from: the module's globals, or the object whose attribute or
    item it is, and the name there; None for an item's.
    """
    through: int | None = None
    """The iterator that the code names, and that takes its items from the object."""

    @property
    def is_own(self) -> bool:
        """Whether the thread is in C code of the object's type that works on the object."""
        return self.own_level is not None


@dataclass(frozen=True, kw_only=True)
class ThreadAccesses:
    """What one thread that runs Python works on.

    ``file``, ``line``, ``function`` and ``frame`` are the program's own frame that it is in.
    """

    lwp: int
    name: str | None = None
    file: str | None = None
    line: int | None = None
    function: str | None = None
    frame: int | None = None
    path: tuple[tuple[str, str], ...] = ()
    """File and name of the program's own functions that it is in, the innermost first."""
    work: tuple[str, str] | None = None
    """File and name of the function that the thread was started with: equal for the workers of a
    pool.
    """
    is_detached: bool = False
    """It waits in C code, ``time.sleep`` say, that has let go of the interpreter to do so."""
    nearest: tuple[Access, ...] = ()
    """One access for each object, the nearest first."""
    by_code: tuple[Access, ...] = ()
    """The accesses by all operations of the frames' code, the innermost frame first."""


@dataclass(frozen=True, kw_only=True)
class Accesses:
    """What all threads work on, and what else was read of the objects."""

    crashed: int | None = None
    """The LWP that died."""
    threads: tuple[ThreadAccesses, ...] = ()
    """In the debugger's order."""
    failing_type: str | None = None
    """The type whose slot or method the crashed thread was in, innermost; None in the allocator."""
    user: Access | None = None
    """What the crashed thread's Python code asked for, as C code of it used what was gone.

    It has an operation and a place; the object that it is done to is not known."""
    origin_operation: Operation | None = None
    """What the crashed C code does where the root pointer came from."""
    bases: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """The names of an object's type and of its base types, by address."""
    contents: Mapping[int, Set[int]] = field(default_factory=dict)
    """What the containers that the crashed thread walks hold, by address."""
    owners: Mapping[int, Set[int]] = field(default_factory=dict)
    """The objects that have a culprit among their own fields, by the culprit's address."""
    sources: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """The text of lines that change a culprit."""
    doubts: RaceDoubts = field(default_factory=RaceDoubts)
    """What the crash shows that a race need not have left behind."""

    def of(self, lwp: int | None) -> ThreadAccesses | None:
        """What one thread works on."""
        return next((thread for thread in self.threads if thread.lwp == lwp), None)

    @property
    def crashed_first(self) -> tuple[ThreadAccesses, ...]:
        """All threads, the crashed one first."""
        return tuple(sorted(self.threads, key=lambda thread: thread.lwp != self.crashed))
