"""What is wrong with the root pointer: decided once, in
:mod:`gdbext.diagnosis.conclude.root_cause`.
"""

from __future__ import annotations

import enum
from dataclasses import field

from gdbext.diagnosis.facts.pointers import Pointer
from gdbext.diagnosis.facts.provenance import FieldHolder, Holders, Provenance
from gdbext.frozen import dataclass
from gdbext.model import Claim, Confidence, Evidence, Verdict


class Wrong(enum.Enum):
    """What kind of wrong the root pointer is; the value explains it."""

    NOTHING = "there is not a bad pointer"
    NOT_AN_OBJECT = "it never led to the object that the code takes it for"
    OTHER_OBJECT = "a credible object of another type lives there now"
    GONE = "the object's block is free, queued to be, or holds something else"
    CORRUPT_HEADER = "the block is in use, and its object header is impossible"
    BROKEN_FIELD = "the object is there, and a field of it is impossible"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What else memory says of the root pointer: of the word itself, and of the block it leads
    into.
    """

    fill: int | None = None
    """The debug hooks' fill byte that all of the word is; None without the hooks."""
    thread: int | None = None
    """The LWP whose thread id (an object's ``ob_tid``) the word is."""
    is_text: bool = False
    """The word leads nowhere, and its bytes are text."""
    characters_of: tuple[str, int] | None = None
    """(type, address) of the living str or bytes whose characters the pointer leads to."""
    block_verdict: Verdict | None = None
    """The state of the block as plain memory, for a pointer to something reused."""
    unready_type: str | None = None
    """The name of the static type there that ``PyType_Ready()`` was not called for."""
    own_slot: str | None = None
    """The slot by which the object's own type, as it is now, leads to the function that has it as
    its ``self``.
    """


@dataclass(frozen=True)
class NotAnObject:
    """What a pointer leads to that is not, and was not, the object that it is taken for."""

    what: Claim
    confidence: Confidence
    because: Evidence | None = None


@dataclass(frozen=True, kw_only=True)
class Cause:
    """The bad pointer that everything else follows from, and what was concluded of it."""

    kind: Wrong = Wrong.NOTHING
    pointer: Pointer | None = None
    provenance: Provenance | None = None
    """Where it was taken from, as frames show it; else a container that still has it."""
    holders: Holders = field(default_factory=Holders)
    not_an_object: NotAnObject | None = None
    """What it is instead, where ``kind`` is NOT_AN_OBJECT."""
    surroundings: Surroundings = field(default_factory=Surroundings)
    field_holder: FieldHolder | None = None
    """The object that it came from, where that is not a container."""

    @property
    def is_item(self) -> bool:
        """Whether the pointer is, or a moment ago was, an item of a live container."""
        return self.provenance is not None and self.provenance.is_item
