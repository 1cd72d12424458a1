"""The calls that ``ft blame`` has seen, and which of them took away what a crash is about.

An address has several lives: the allocator gives a block out again and again.  Each deallocation
ends one.  A call is only said where memory, at the death, agrees that it is of the life in
question: the last deallocation of an address says nothing of an object that lives there now, nor of
one of another type that died there later.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from gdbext.cpython.interpreter.frames import Frame
from gdbext.frozen import dataclass
from gdbext.model import Verdict

GONE = (
    Verdict.FREED,
    Verdict.PENDING_FREE,
    Verdict.CACHED,
    Verdict.POISONED,
    Verdict.DYING,
)
"""An object was there last; the memory has not been given out again."""
THERE = (Verdict.LIVE, Verdict.IMMORTAL)


@dataclass(frozen=True, kw_only=True)
class WatchedFunction:
    """A function that frees an object, or empties it; ``passes`` says how it gets the object."""

    name: str
    frees: bool
    passes: int


@dataclass(frozen=True, kw_only=True)
class SeenCall:
    """One call that was seen."""

    place: WatchedFunction
    address: int
    type: str
    kinds: Set[str] = frozenset()
    """The names of the type and of its base types."""
    lwp: int
    python: tuple[Frame, ...] = ()
    native: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AddressAtDeath:
    """What a crash says of an address, and what memory has there at the death.

    ``how`` is the address's part in the crash (``the subject``), ``type`` what the header there
    says now, or still.
    """

    address: int
    how: str
    verdict: Verdict
    type: str | None = None
    expected: str | None = None
    """What the code takes it for."""


@dataclass(frozen=True, kw_only=True)
class Joined:
    """A call that took something away.

    ``reused_as`` is the type of what lives in the freed object's memory by now.
    """

    call: SeenCall
    reused_as: str | None = None


def joined(
    calls: Sequence[SeenCall], there: AddressAtDeath, crashed: int | None = None
) -> list[Joined]:
    """Who freed the object in question, and who last took something away from it.

    ``calls`` are in the order in which they were seen; a thread other than ``crashed`` is rather
    said to have emptied it.
    """
    mine = [call for call in calls if call.address == there.address]
    ends = [index for index, call in enumerate(mine) if call.place.frees]
    last = ends[-1] if ends else -1
    if there.verdict in THERE:
        life = [call for call in mine[last + 1 :] if there.type in (None, call.type)]
        return _emptied(life, crashed)
    if not ends:
        # It died unseen; what was seen may be of that life, and of an earlier one.
        return []
    freed, later = mine[last], mine[last + 1 :]
    if there.verdict is Verdict.REUSED:
        if there.expected is None or there.expected not in freed.kinds or there.type is None:
            return []
        # Of an object of that type that was made there since, nobody is known to be its end.
        if any(there.expected in call.kinds for call in later):
            return []
        found = Joined(call=freed, reused_as=there.type)
    elif there.verdict in GONE and not later and _fits(there, freed):
        found = Joined(call=freed)
    else:
        return []
    begins = ends[-2] + 1 if len(ends) > 1 else 0
    life = [call for call in mine[begins:last] if call.type == freed.type]
    return [found, *_emptied(life, crashed)]


def _fits(there: AddressAtDeath, freed: SeenCall) -> bool:
    """Whether nothing says that another type's object was the last one there."""
    is_expected = there.expected is None or there.expected in freed.kinds
    return is_expected and there.type in (None, freed.type)


def _emptied(life: Sequence[SeenCall], crashed: int | None) -> list[Joined]:
    emptied = [call for call in life if not call.place.frees]
    others = [call for call in emptied if call.lwp != crashed]
    last = (others or emptied)[-1:]
    return [Joined(call=call) for call in last]
