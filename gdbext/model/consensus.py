"""What many deaths of one command agree on (``gdbext hunt``)."""

from __future__ import annotations

from gdbext.frozen import dataclass
from gdbext.model.operations import Operation


@dataclass(frozen=True, kw_only=True)
class AgreedLine:
    """A line of the program where a racing thread was, and in how many deaths.

    ``operation`` is what most of these deaths say that it does to the object there.
    """

    operation: Operation | str
    file: str
    line: int | None
    function: str | None
    deaths: int


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Something that deaths differ in, and how many of them have it: ``SIGSEGV in union_repr``."""

    text: str
    deaths: int


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How the command was run, and in how many deaths of the group that ended."""

    text: str
    """``as it is``, ``PYTHONMALLOC=debug`` …"""
    runs: int
    deaths: int


@dataclass(frozen=True, kw_only=True)
class Freeing:
    """Who freed an object, seen while it happened (``gdbext hunt --blame``).

    ``native`` are functions, innermost first, from the deallocator outwards.
    """

    address: int
    type: str
    name: str | None
    """The thread's."""
    lwp: int
    file: str | None
    line: int | None
    function: str | None
    source: str | None
    native: tuple[str, ...]
    how: str
    """How the address is part of the crash: ``the subject``, ``the container`` …"""
    is_emptied: bool = False
    """The object itself is not freed, but what it held was taken away."""
    reused_as: str | None = None
    """The type of what lives in the freed object's memory by now."""


@dataclass(frozen=True, kw_only=True)
class Blame:
    """What a set of runs under a debugger saw of the objects that went.

    ``events`` is how many deallocations were recorded, ``note`` what the recording did to the
    timing, or why nothing could be joined.
    """

    type: str
    breakpoints: tuple[str, ...]
    runs: int
    deaths: int
    events: int
    freeings: tuple[Freeing, ...]
    note: str


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """What many deaths of one command agree on (``gdbext hunt``).

    The report that has it is the death that agrees with most others; ``symptoms`` are where the
    deaths differ.
    """

    runs: int
    survived: int
    deaths: int
    """Deaths in this group."""
    others: int
    """Deaths in other groups."""
    object_type: str | None
    object_deaths: int
    lines: tuple[AgreedLine, ...] = ()
    symptoms: tuple[Tally, ...] = ()
    signatures: tuple[Tally, ...] = ()
    conditions: tuple[Condition, ...] = ()
    blame: Blame | None = None
