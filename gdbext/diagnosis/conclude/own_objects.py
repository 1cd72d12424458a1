"""The object that the crashed thread's own C code works on, and the race on it where no other
thread has it at hand any more: the other one is a worker that does the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.types import traits_of
from gdbext.diagnosis.conclude.effects import identifies
from gdbext.diagnosis.conclude.race_parts import race_thread, thread_claim
from gdbext.diagnosis.facts.accesses import Access, Accesses, Proximity, ThreadAccesses
from gdbext.model import (
    Claim,
    Confidence,
    Evidence,
    Operation,
    OperationKind,
    Race,
    RaceThread,
    SharedObject,
    ThreadName,
)

TAKEN_BY = {
    OperationKind.SETATTR: OperationKind.GETATTR,
    OperationKind.SETITEM: OperationKind.GETITEM,
}
"""What takes an object from where each of these puts it."""


def own_object(accesses: Accesses) -> int | None:
    """The object that the crashed thread's C code works on."""
    own = own_access(accesses)
    return own.address if own is not None else None


def own_access(accesses: Accesses) -> Access | None:
    """The innermost object of the type's own C code that the crashed thread is in, where that does
    not only read under the object's lock.

    An iterator that others take their items through stands for what it takes them from, where
    another thread steps it as well: it is what the program shares.
    """
    crashed = accesses.of(accesses.crashed)
    own = [a for a in crashed.nearest if _is_at_work_on(a)] if crashed else []
    innermost = min(own, key=lambda access: access.own_level or 0, default=None)
    if innermost is None or innermost.through is None:
        return innermost
    outer = next((a for a in own if a.address == innermost.through), None)
    others = (
        a
        for thread in accesses.threads
        if thread.lwp != accesses.crashed
        for a in thread.nearest
        if a.address == innermost.through and a.effect.changes and not a.is_passing_on
    )
    return outer if outer is not None and any(others) else innermost


def object_at_work(accesses: Accesses) -> Access | None:
    """The object that the C code at fault is there for, be it locked, or nobody else's: what it
    says of the crash is only where it happened.
    """
    crashed = accesses.of(accesses.crashed)
    inside = [a for a in crashed.nearest if _is_inside(a) and a.is_own] if crashed else []
    innermost = min(inside, key=lambda access: access.own_level or 0, default=None)
    return own_access(accesses) or innermost


def is_unshared(accesses: Accesses) -> bool:
    """Whether all objects that the crashed thread's C code works on are nobody else's, as far as
    can be seen: no other thread counts a reference to one, or has it at hand.

    Where it works on no other, its lists, sets and dicts are what it works on.
    """
    crashed = accesses.of(accesses.crashed)
    nearest = crashed.nearest if crashed else ()
    inside = [a for a in nearest if _is_inside(a)]
    inside = inside or [a for a in nearest if a.c_function and _is_mutable_container(a)]
    at_hand = _at_others_hand(accesses)
    return bool(inside) and all(a.is_unshared and a.address not in at_hand for a in inside)


def levels_of_unshared(accesses: Accesses) -> Set[int]:
    """The native frames of the crashed thread whose own objects are nobody else's, as far as can be
    seen.
    """
    crashed = accesses.of(accesses.crashed)
    at_hand = _at_others_hand(accesses)
    return {
        a.own_level
        for a in (crashed.nearest if crashed else ())
        if a.own_level is not None and a.is_unshared and a.address not in at_hand
    }


def _at_others_hand(accesses: Accesses) -> Set[int]:
    """The objects that other threads than the crashed one have at hand."""
    return {
        access.address
        for thread in accesses.threads
        if thread.lwp != accesses.crashed
        for access in (*thread.nearest, *thread.by_code)
    }


def _is_inside(access: Access) -> bool:
    traits = traits_of(access.type)
    return access.proximity is Proximity.INSIDE and not (traits.immutable or traits.common)


def _is_mutable_container(access: Access) -> bool:
    traits = traits_of(access.type)
    return traits.container and not traits.immutable


def _is_at_work_on(access: Access) -> bool:
    """Whether the thread is in C code of the object's type, which takes no lock.

    What no other thread can have is left out."""
    traits = traits_of(access.type)
    is_mutable = not (traits.immutable or traits.common or traits.made_to_be_shared)
    is_there = access.proximity is Proximity.INSIDE and access.is_own
    return is_there and is_mutable and not access.is_guarded and not access.is_private


def races_of_workers(accesses: Accesses) -> Iterator[Race]:
    """The race on what the crashed thread changes, where no other thread has it at hand any more.

    The other one is a worker that does the same work: it may have had the object in its turn,
    unless no other thread ever counted a reference to it.
    """
    crashed = accesses.of(accesses.crashed)
    access = own_access(accesses) or _changed(crashed)
    if access is not None and not access.is_unshared:
        if other := _replacing(accesses, access):
            yield _race_with_replacing(accesses, access, other)
            return
        workers = [t for t in accesses.threads if crashed and _does_the_same(t, crashed)]
        last = [w for t in workers if (w := _same_work(t, access))]
        other = min(last, key=lambda a: a.proximity, default=None)
        if other is None and not workers:
            yield from _race_with_holder(accesses, access)
            return
        lwp = other.lwp if other else workers[0].lwp
        worker = next(thread for thread in workers if thread.lwp == lwp)
        second = RaceThread(
            lwp,
            worker.name,
            # Who only reads does no harm: what the other one did is not known.
            access.operation
            if access.effect is not Effect.READ
            else Operation(kind=OperationKind.USE),
            access.file,
            worker.line if worker.file == access.file else None,
            access.function,
            access.operation_line if worker.line != access.operation_line else None,
            access.effect.changes,
            worker.frame if worker.file == access.file else None,
        )
        thread = Claim("thread-by-name", lwp=lwp, name=ThreadName(worker.name or ""))
        claim = Claim("works-in-turn", thread=thread, operation=access.operation)
        inside = Claim(
            "thread-is-inside", thread=thread_claim(accesses, access), operation=access.operation
        )
        yield Race(
            Confidence.POSSIBLE,
            SharedObject(access.address, access.type),
            (race_thread(accesses, access), second),
            (Evidence(inside, access.address), Evidence(claim, access.address)),
        )


def races_in_place(accesses: Accesses) -> Iterator[Race]:
    """The race on what the crashed thread's current operation is done to, where it died in C code
    that is there for any object, with who changes what is in that object's place.
    """
    crashed = accesses.of(accesses.crashed)
    current = (
        next((a for a in crashed.nearest if _is_current(a, crashed)), None) if crashed else None
    )
    if current is not None and (other := _replacing(accesses, current)):
        yield _race_with_replacing(accesses, current, other)


def _is_current(access: Access, crashed: ThreadAccesses) -> bool:
    traits = traits_of(access.type)
    is_mutable = not (traits.immutable or traits.common or traits.made_to_be_shared)
    is_at = access.proximity <= Proximity.AT and access.frame == crashed.frame
    is_apart = access.is_guarded or access.is_private or access.is_unshared
    return is_mutable and is_at and not (is_apart or access.is_passing_on)


def _replacing(accesses: Accesses, access: Access) -> Access | None:
    """What another thread's code does to change the objects of the type that the crashed thread
    takes from one place, where this is not seen to change its own: ``page.close()``, where ``page``
    has another object now, or where it puts others there and closes each.
    """
    crashed = accesses.of(accesses.crashed)
    if crashed is None or access.effect.changes:
        return None
    places = {
        (a.address, a.operation.kind, a.operation.name)
        for a in crashed.by_code
        if a.proximity <= Proximity.LOOP
    }
    changing = (
        a
        for thread in accesses.threads
        if thread is not crashed
        for puts in [any(_puts(a, access.type, places) for a in thread.by_code)]
        for a in thread.by_code
        if a.type == access.type
        and a.effect.changes
        and a.proximity <= Proximity.FUNCTION
        and not (a.is_guarded or a.is_passing_on)
        and (puts or (a.place is not None and a.place == access.place))
    )
    return min(changing, key=lambda a: a.proximity, default=None)


def _puts(
    access: Access, type_name: str, places: Set[tuple[int, OperationKind, str | None]]
) -> bool:
    """Whether an access may put an object of the type into one of these places, which are looked up
    or read; what a call gave has no name by which its type could be told.
    """
    taken = TAKEN_BY.get(access.operation.kind)
    is_place = taken is not None and (access.address, taken, access.operation.name) in places
    return is_place and access.stores in (None, type_name)


def _race_with_replacing(accesses: Accesses, access: Access, other: Access) -> Race:
    inside = Claim(
        "thread-is-inside", thread=thread_claim(accesses, access), operation=access.operation
    )
    claim = Claim(
        "changes-such",
        thread=thread_claim(accesses, other),
        operation=other.operation,
        type=access.type,
    )
    return Race(
        Confidence.POSSIBLE,
        SharedObject(access.address, access.type),
        (race_thread(accesses, access), race_thread(accesses, other)),
        (Evidence(inside, access.address), Evidence(claim, other.address)),
    )


def _changed(crashed: ThreadAccesses | None) -> Access | None:
    """The object that the crashed thread's call changes without a lock, where no C code of its
    type is at work: ``heappush(shared, …)``.
    """
    changing = (
        a
        for a in (crashed.nearest if crashed else ())
        if a.proximity <= Proximity.AT
        and a.effect.changes
        # What a calling frame steps is a generator, say, in whose code the thread is.
        and (crashed is None or a.frame == crashed.frame)
        and not a.is_passing_on
        and not (a.is_guarded or a.is_private or a.is_unshared)
        and not (traits_of(a.type).immutable or traits_of(a.type).made_to_be_shared)
    )
    return next(changing, None)


def _race_with_holder(accesses: Accesses, access: Access) -> Iterator[Race]:
    """The race on what the crashed thread is at work on, with the thread that has it at hand, where
    none is known to work on it: it may hand the object's methods on, to whom nothing shows.
    """
    holding = (
        a
        for thread in accesses.threads
        if thread.lwp != accesses.crashed
        for a in thread.by_code
        if a.address == access.address
        and a.proximity <= Proximity.FUNCTION
        and not identifies(a.operation)
    )
    other = min(holding, key=lambda a: a.proximity, default=None)
    if other is None or access.effect is Effect.READ:
        return
    inside = Claim(
        "thread-is-inside", thread=thread_claim(accesses, access), operation=access.operation
    )
    holds = Claim("thread-runs", thread=thread_claim(accesses, other), operation=other.operation)
    yield Race(
        Confidence.POSSIBLE,
        SharedObject(access.address, access.type),
        (race_thread(accesses, access), race_thread(accesses, other)),
        (Evidence(inside, access.address), Evidence(holds, access.address)),
    )


def _does_the_same(thread: ThreadAccesses, crashed: ThreadAccesses) -> bool:
    """Whether a thread is a worker as the crashed one: in a function that this is in, too, or
    between two tasks of the same kind.
    """
    if thread is crashed or thread.work is None or thread.work != crashed.work:
        return False
    place = (thread.file, thread.function)
    return place == thread.work or place in crashed.path


def _same_work(thread: ThreadAccesses, access: Access) -> Access | None:
    """What the thread does now to another object of the type."""
    near = (a for a in thread.nearest if a.type == access.type and a.proximity <= Proximity.LOOP)
    return min(near, key=lambda a: a.proximity, default=None)
