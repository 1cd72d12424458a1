"""Finds unions whose lazily made parameters several threads compute at once."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from gdbext.cpython.traits.functions import function_traits
from gdbext.cpython.traits.types import canonical
from gdbext.diagnosis.facts.memory import UnionInitialisation
from gdbext.session import Session
from gdbext.target.protocol import Debugger

MAX_FRAMES = 160
LOCKING = re.compile("CriticalSection|Mutex")


def find_union_initialisations(session: Session) -> Iterator[UnionInitialisation]:
    """The unions, with the threads that compute the parameters while nobody holds the mutex."""
    for union, threads in computing_threads(session.debugger).items():
        if len(threads) > 1 and not session.locks.holders(union):
            info = session.objects.type_of(union)
            yield UnionInitialisation(
                union=union,
                type=canonical(info.name) if info else None,
                verdict=session.heap.judge(union).verdict,
                threads=tuple(threads),
            )


def computing_threads(debugger: Debugger) -> dict[int, Sequence[int]]:
    """The LWPs of the threads that compute a union's parameters, by union.

    A thread that is about to take the union's lock, or gives it back, is still in order.
    """
    inside: dict[int, list[int]] = {}
    for thread in debugger.threads():
        frames = debugger.frames(thread.lwp, MAX_FRAMES)
        for callee, frame in itertools.pairwise(frames):
            if not function_traits(frame.function).initialises_lazily or LOCKING.search(
                callee.function or ""
            ):
                continue
            for variable in debugger.variables(thread.lwp, frame.level):
                if variable.is_argument and variable.value:
                    inside.setdefault(variable.value, []).append(thread.lwp)
    return dict(inside)
