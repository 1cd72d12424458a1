"""Threads that do the same to the same objects in turn: at the moment of the crash each has another one at hand.

Workers walk one list of iterators, files or connections, and call the same method of each; or an attribute, which all use,
has been given a new object.  What broke is the one that the crashed thread has; the others have gone on to the next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence, Set

from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.types import traits_of
from gdbext.diagnosis.case import Case
from gdbext.diagnosis.touches import Near, Touch, in_python
from gdbext.target.protocol import MemoryFault


def twins(case: Case, found: Mapping[int, Sequence[Touch]]) -> Iterator[tuple[Touch, Touch]]:
    """(the crashed thread's touch of an item, the same by another thread whose code takes items from the same holder)."""
    if case.lwp is None:
        return
    nearby = [t for t in in_python(case, case.lwp) if t.near <= Near.LOOP and _is_holder(case, t)]
    for item in found.get(case.lwp, ()):
        if item.near > Near.LINE or item.effect is Effect.READ or traits_of(item.type).immutable:
            continue
        for holder in nearby:
            held = _held(case, holder.address)
            for lwp in found:
                if lwp != case.lwp and (other := _other(case, lwp, item, holder, held)):
                    yield (
                        item,
                        dataclasses.replace(
                            other, address=item.address, near=Near.LOOP, c_function=None
                        ),
                    )


def _other(case: Case, lwp: int, item: Touch, holder: Touch, held: Set[int]) -> Touch | None:
    """What a thread does to the item in its turn, or did to it while the holder had it: to what is in its place it still does."""
    theirs = in_python(case, lwp)
    if item.address in held:
        walks = next((t for t in theirs if _same_code(t, holder)), None)
        return (
            dataclasses.replace(item, lwp=lwp, file=walks.file, line=walks.line) if walks else None
        )
    if not any(t.address == holder.address for t in theirs):
        return None
    successors = [
        t
        for t in theirs
        if t.type == item.type
        and t.address in held
        and t.near <= Near.LOOP
        and not t.is_passing_on
        and t.effect is not Effect.READ
    ]
    return min(successors, key=lambda t: (not t.effect.changes, t.near), default=None)


def _is_holder(case: Case, touch: Touch) -> bool:
    """A container, or an instance of a class written in Python, which has attributes."""
    if traits_of(touch.type).container:
        return True
    info = case.session.objects.type_of(touch.address)
    return info is not None and info.is_python_class


def _same_code(touch: Touch, other: Touch) -> bool:
    return (touch.address, touch.file, touch.function) == (
        other.address,
        other.file,
        other.function,
    )


def _held(case: Case, holder: int) -> Set[int]:
    try:
        return {reference.target for reference in case.session.objects.children(holder)}
    except MemoryFault:
        return frozenset()
