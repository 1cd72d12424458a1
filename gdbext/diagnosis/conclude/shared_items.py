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


def accesses_to_parts(
    accesses: Accesses, items: Sequence[Access]
) -> Iterator[tuple[Access, Access, Access]]:
    """What may reach a part of one of ``items``, which are accesses of the crashed thread, and what
    changes that part: ``encode(headers)`` and ``headers.pairs[0] = …``.

    The first is the item's own access; the second the same as if it were to the part: C code of
    unknown effect may use all that the object holds.  The third is what another thread does to the
    part.  Where the crashed thread is seen to have the part at hand, nothing need be supposed.
    """
    crashed = accesses.of(accesses.crashed)
    if crashed is None:
        return
    at_hand = {a.address for a in (*crashed.nearest, *crashed.by_code)}
    wholes = [a for a in items if _may_use_parts(a) and a.address in accesses.contents]
    for thread in accesses.threads:
        for change in thread.nearest if thread is not crashed else ():
            if change.address in at_hand or not _changes_part(change):
                continue
            for whole in wholes:
                if change.address in accesses.contents[whole.address]:
                    part = replace(
                        whole,
                        address=change.address,
                        type=change.type,
                        proximity=Proximity.FUNCTION,
                        c_function=None,
                    )
                    yield whole, part, change


def _may_use_parts(access: Access) -> bool:
    """Whether code of unknown effect has the object right now, and not as what it is a method of:
    that one is at work on the object itself.
    """
    is_unknown = access.effect is Effect.UNKNOWN and access.proximity <= Proximity.LINE
    return is_unknown and not (access.is_own or access.is_passing_on or access.is_private)


def _changes_part(access: Access) -> bool:
    is_named = access.proximity <= Proximity.FUNCTION and not access.is_passing_on
    return is_named and access.effect.changes and not access.is_private


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
