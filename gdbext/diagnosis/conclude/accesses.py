"""How much an access counts, and which of several on one object does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gdbext.cpython.traits.effects import Effect
from gdbext.diagnosis.conclude.effects import keeps_items
from gdbext.diagnosis.facts.accesses import Access, Proximity
from gdbext.diagnosis.weights import DAMAGE, NEARNESS
from gdbext.model import Operation, OperationKind

CALL = Operation(kind=OperationKind.CALL)


def weight(access: Access) -> float:
    """How much an access counts towards a race."""
    return NEARNESS[access.proximity] * DAMAGE[access.effect]


def recency(access: Access) -> tuple[bool, int]:
    """Orders operations of one loop, the last one that ran first: backwards from the thread's line,
    then from the end.
    """
    line = access.operation_line or 0
    return access.line is None or line > access.line, -line


def losses(accesses: Iterable[Access], address: int) -> list[Access]:
    """The operations of a thread's code by which a container may give up an item, the nearest
    first.
    """
    taking = (
        a
        for a in accesses
        if a.address == address
        and a.proximity is not Proximity.EARLIER
        and not a.is_passing_on
        and a.effect.changes
        and not keeps_items(a.operation)
    )
    return sorted(taking, key=lambda a: (a.proximity, recency(a)))


def _running(acting: Sequence[Access]) -> list[Access]:
    """The operations at the instruction; a method that is looked up there is called next.

    Of a computed call the function's own name says more.
    """
    calls = {
        a.operation.name: a
        for a in acting
        if a.operation.kind is OperationKind.CALL and a.proximity <= Proximity.LINE
    }
    running = [
        calls.get(a.operation.name, a) if a.operation.kind is OperationKind.GETATTR else a
        for a in acting
        if a.proximity is Proximity.AT
    ]
    return [a for a in running if a.operation != CALL] or running


def merged(accesses: Sequence[Access], in_c: Access | None, is_in_call: bool = False) -> Access:
    """Of several operations on one object the one that is running, else the nearest, or of those
    that are near enough to be running now the most harmful.

    Of several calls on one line only that of the frame's instruction runs: ``in_c``, or where no
    variable shows the object ``is_in_call``, says that C code is at work for it.

    Innermost frames come first: what a method of the program's own does to the object says more
    than its call.
    """
    acting = [a for a in accesses if not a.is_passing_on]
    if in_c and (not acting or (in_c.is_own and min(a.proximity for a in acting) > Proximity.LINE)):
        # What an iterator takes its items from is not inside code of its own.
        return in_c if in_c.through is not None else replace(in_c, proximity=Proximity.INSIDE)
    if not acting:
        return replace(accesses[0], proximity=Proximity.FUNCTION, effect=Effect.READ)
    nearest = min(a.proximity for a in acting)
    running = _running(acting) if in_c or is_in_call else []
    if running:
        named = max(running, key=weight)
    elif nearest <= Proximity.LINE:
        named = max((a for a in acting if a.proximity <= Proximity.LINE), key=weight)
    else:
        best = [a for a in acting if a.proximity == nearest]
        if nearest is Proximity.FUNCTION:
            # Outside of a loop the last one that ran is what the thread has left behind.
            best.sort(key=recency)
        named = max(best, key=lambda a: (a.effect.changes, a.effect is Effect.UNKNOWN))
    is_inside = in_c is not None and in_c.through is None and nearest <= Proximity.LINE
    near = Proximity.INSIDE if is_inside else named.proximity
    return replace(
        named,
        # A computed call says nothing; the C function that it led to does.
        operation=in_c.operation if in_c and named.operation == CALL else named.operation,
        proximity=near,
        c_function=in_c.c_function if in_c else None,
        own_level=in_c.own_level if in_c else None,
        is_private=in_c is not None and in_c.is_private,
        is_unshared=in_c is not None and in_c.is_unshared,
        is_passing_on=False,
    )
