"""The race on an object in which one thread replaces a value that another one still uses.

The crashed thread's C code took the value, which died, from where no variable shows.  Another
thread puts such values there, in its loop: each kills the one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gdbext.cpython.traits.types import traits_of
from gdbext.diagnosis.conclude.accesses import weight
from gdbext.diagnosis.conclude.race_parts import race_thread, thread_claim
from gdbext.diagnosis.facts.accesses import Accesses, Proximity
from gdbext.model import Claim, Confidence, Evidence, Finding, Race, SharedObject


def races_on_replaced(accesses: Accesses, findings: Sequence[Finding]) -> Iterator[Race]:
    """At most one: what is replaced by another thread is of the type of what the crashed thread
    used.
    """
    subject = next((f.subject for f in findings if f.subject), None)
    user = accesses.user
    if subject is None or user is None or subject.liveness is None or not subject.liveness.is_dead:
        return
    type_name = subject.expected_type or subject.type
    if type_name is None or traits_of(type_name).immutable:
        # Every program replaces numbers and texts.
        return
    replacing = (
        access
        for thread in accesses.threads
        if thread.lwp != accesses.crashed
        for access in thread.by_code
        if access.stores == type_name
        and access.proximity <= Proximity.LOOP
        and not access.is_passing_on
    )
    other = max(replacing, key=weight, default=None)
    if other is None:
        return
    runs = Claim("thread-runs", thread=thread_claim(accesses, user), operation=user.operation)
    claim = Claim("replaces-such", thread=thread_claim(accesses, other), type=type_name)
    yield Race(
        Confidence.POSSIBLE,
        SharedObject(other.address, other.type),
        (race_thread(accesses, user), race_thread(accesses, other)),
        (Evidence(runs, None), Evidence(claim, other.address)),
    )
