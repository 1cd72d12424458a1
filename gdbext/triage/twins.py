"""Threads that do the same to the same objects in turn: at the moment of the crash each has another one at hand.

Workers walk one list of iterators, files or connections, and call the same method of each.  What broke is the item that the
crashed thread has; the others have gone on to the next one, or wait for the next round.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from gdbext.debuggers.base import MemoryFault
from gdbext.triage.case import Case
from gdbext.triage.effects import IMMUTABLE, Effect
from gdbext.triage.touches import Near, Touch, in_python

HOLDERS = frozenset({"list", "tuple", "dict", "set", "collections.deque"})


def twins(case: Case, found: Mapping[int, Sequence[Touch]]) -> Iterator[tuple[Touch, Touch]]:
    """(the crashed thread's touch of an item, the same by another thread whose code takes items from the same container)."""
    if case.lwp is None:
        return
    mine = found.get(case.lwp, ())
    for item in mine:
        if item.near > Near.LINE or item.effect is Effect.READ or item.type in IMMUTABLE:
            continue
        for holder in (t for t in in_python(case, case.lwp) if t.type in HOLDERS and t.near <= Near.LOOP):
            if not _holds(case, holder.address, item.address):
                continue
            for lwp in found:
                other = next((t for t in in_python(case, lwp) if _same_code(t, holder)), None) if lwp != case.lwp else None
                if other is not None:
                    yield (
                        item,
                        dataclasses.replace(item, lwp=lwp, near=Near.LOOP, file=other.file, line=other.line, c_function=None),
                    )


def _same_code(touch: Touch, other: Touch) -> bool:
    return (touch.address, touch.file, touch.function) == (other.address, other.file, other.function)


def _holds(case: Case, holder: int, item: int) -> bool:
    try:
        return any(reference.target == item for reference in case.session.objects.children(holder))
    except MemoryFault:
        return False
