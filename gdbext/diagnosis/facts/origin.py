"""Where the code at fault had the pointer from that it faulted through, as its instructions say."""

from __future__ import annotations

from gdbext.frozen import dataclass
from gdbext.model import Slot


@dataclass(frozen=True, kw_only=True)
class Load:
    """A word that the code read from memory on its way to the fault.

    ``place`` is ``offset`` bytes behind where the pointer ``base`` leads, which is None for a
    variable of the code's own module; ``value`` is what the code has of it.
    """

    place: int
    value: int
    now: int | None = None
    """What stands there now."""
    base: int | None = None
    offset: int = 0
    is_object: bool = False
    """The base leads to where objects are made."""
    type: str | None = None
    """The type of the object there."""
    is_certain: bool = True
    """The code still has the value, and the base; else these are what memory has now."""
    is_fresh: bool = True
    """The code has called nothing since: what it read from was in use until the fault."""
    is_local: bool = False
    """The place is in the function's own part of the stack: one of its variables."""
    slot: Slot | None = None
    """What the base's object calls the place."""
    symbol: str | None = None
    """The variable that the place is in, where it has no base."""
    is_shared: bool = False
    """It is a variable of an extension's (or of a library's that one uses) that can be written, one
    for all threads.
    """
    level: int | None = None
    """The frame whose code read it, where that is not the one at fault: a caller's, which passed it
    on.
    """


@dataclass(frozen=True, kw_only=True)
class ItemRead:
    """The pointer was read as an item of a live container that keeps items in an array."""

    holder: int
    type: str
    index: int
    length: int
    place: int
    now: int | None = None
    """What stands there now."""

    @property
    def is_behind(self) -> bool:
        """Whether the container has no such item."""
        return self.index >= self.length


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The loads that led to the pointer, the last one first, and what the first of them began with.

    ``argument`` is the position of the function's argument, ``result_of`` the name of the function
    that returned it; with no loads at all that is the pointer itself.
    """

    loads: tuple[Load, ...] = ()
    argument: int | None = None
    result_of: str | None = None
    item: ItemRead | None = None
    level: int | None = None
    """The frame whose argument, or call, that is, where it is not the one at fault."""

    @property
    def is_known(self) -> bool:
        """Whether anything is known of it."""
        return bool(self.loads) or self.argument is not None or self.result_of is not None
