"""Where a bad pointer came from: the object in whose slot it stands, or stood when it was taken."""

from __future__ import annotations

from gdbext.diagnosis.facts.types import CONTAINERS
from gdbext.frozen import dataclass
from gdbext.model import Evidence, Slot, Verdict


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """A live object that holds, or held, the pointer."""

    holder: int
    type: str
    slot: Slot | None
    current: bool
    """The pointer still stands in the slot."""
    length: int | None
    """The holder's present length where it has one."""
    function: str | None
    """The C function that has the holder; None where no frame shows it."""
    level: int
    adjacent: bool
    """The holder's own C function called the one that got the bad pointer, with at most generic
    call helpers of the C API between.
    """
    evidence: tuple[Evidence, ...] = ()
    was_searched: bool = False
    """No frame shows the holder: a search of the heap found it by what it holds now."""

    @property
    def is_container(self) -> bool:
        """Whether the holder's content is items."""
        return self.type in CONTAINERS

    @property
    def is_shown(self) -> bool:
        """Whether more than the Python line's naming the holder says that it had the pointer."""
        return self.current or self.function is not None

    @property
    def is_item(self) -> bool:
        """Whether the pointer is, or was, an item of a container."""
        return self.is_container and self.is_shown

    @property
    def shrank(self) -> bool:
        """Whether the container is now too short for the item that its reader works on."""
        return isinstance(self.slot, int) and self.length is not None and self.slot >= self.length

    @property
    def gave_it_away(self) -> bool:
        """Whether the holder, whose own C function is at work, had the pointer and has
        it no more.
        """
        return (
            not self.current
            and self.function is not None
            and (self.shrank or not self.is_container)
        )


@dataclass(frozen=True, kw_only=True)
class Holders:
    """Who still has a pointer, as a search of the heap finds."""

    container: Provenance | None = None
    """The program's container that has it."""
    others: tuple[Evidence, ...] = ()
    """Who else has it."""


@dataclass(frozen=True, kw_only=True)
class FieldHolder:
    """The state of a live object that is not a container, and from which a bad pointer came."""

    evidence: tuple[Evidence, ...]
    """What its fields hold now."""
    verdict: Verdict
    has_own_init: bool
    """Its type has a ``tp_init`` other than object's."""
    is_initialised_by_another: bool
    """Another thread's code calls its ``__init__``."""
