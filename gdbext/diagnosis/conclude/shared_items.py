"""Threads that take turns on the items of one container: at the crash each has another one at hand.

Workers walk one list of iterators, files or connections, and call the same method of each; or an
attribute, which all use, has been given a new object.  What broke is the one that the crashed
thread has; the others have gone on to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.types import traits_of
from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity, ThreadAccesses


def accesses_in_turn(
    accesses: Accesses, items: Sequence[Access]
) -> Iterator[tuple[Access, Access]]:
    """Pairs of accesses to one of ``items``, which are accesses of the crashed thread.

    The first is the crashed thread's; the second what another thread, whose code takes items from
    the same container, does to its own, as if it were to the same.
    """
    crashed = accesses.of(accesses.crashed)
    if crashed is None:
        return
    holders = [a for a in crashed.by_code if is_walked(a) and a.address in accesses.contents]
    for item in items:
        for holder in holders if may_be_taken(item) else ():
            held = accesses.contents[holder.address]
            for thread in accesses.threads:
                if thread is not crashed and (other := _other(thread, item, holder, held)):
                    in_turn = replace(
                        other, address=item.address, proximity=Proximity.LOOP, c_function=None
                    )
                    yield item, in_turn


def may_be_taken(access: Access) -> bool:
    """Whether the crashed thread changes the object right now, so that it may be its
    turn's item.
    """
    return (
        access.proximity <= Proximity.LINE
        and access.effect is not Effect.READ
        and not traits_of(access.type).immutable
    )


def is_walked(access: Access) -> bool:
    """Whether the crashed thread may take its items from the object, again and again."""
    return access.proximity <= Proximity.LOOP


def _other(thread: ThreadAccesses, item: Access, holder: Access, held: Set[int]) -> Access | None:
    """What a thread does to the item in its turn, or did to it while the holder had it.

    To what is in its place it still does that.
    """
    if item.address in held:
        walk = next((a for a in thread.by_code if _is_same_code(a, holder)), None)
        return replace(item, lwp=thread.lwp, file=walk.file, line=walk.line) if walk else None
    if not any(a.address == holder.address for a in thread.by_code):
        return None
    successors = (
        a
        for a in thread.by_code
        if a.type == item.type
        and a.address in held
        and is_walked(a)
        and not a.is_passing_on
        and a.effect is not Effect.READ
    )
    return min(successors, key=lambda a: (not a.effect.changes, a.proximity), default=None)


def _is_same_code(access: Access, other: Access) -> bool:
    return (access.address, access.file, access.function) == (
        other.address,
        other.file,
        other.function,
    )
