"""The objects that may be at fault, and all that threads do to each: what known issues and
signatures go by.
"""

from __future__ import annotations

from gdbext.cpython.traits.types import canonical
from gdbext.diagnosis.facts.accesses import Accesses, Proximity
from gdbext.diagnosis.known_issues.features import Candidate
from gdbext.model import Confidence, Operation, OperationKind, Race

MAX_THREADS = 16


def candidate_of(accesses: Accesses, race: Race, holder: int | None) -> Candidate:
    """The race, with all that other threads do to its object.

    ``holder`` is the object that still has the pointer to what was lost, if one has.
    """
    return candidate(
        accesses,
        race.object.address,
        race.object.type,
        frozenset(t.operation for t in race.threads if isinstance(t.operation, Operation)),
        race.confidence is not Confidence.POSSIBLE,
        holder,
    )


def candidate(
    accesses: Accesses,
    address: int,
    type_name: str,
    operations: frozenset[Operation],
    is_certain: bool,
    holder: int | None,
) -> Candidate:
    """An object, with what is done to it: ``operations`` by those who race, the rest by all
    threads' code.
    """
    around = {
        access.operation
        for thread in accesses.threads[:MAX_THREADS]
        for access in thread.by_code
        if access.address == address and access.proximity <= Proximity.LOOP
    }
    # Reading a method is a part of calling it.
    called = {operation.verb for operation in around if operation.attribute is None}
    around = {o for o in around if o.kind is not OperationKind.GETATTR or o.name not in called}
    return Candidate(
        types=frozenset({canonical(type_name) or type_name}),
        families=frozenset(accesses.bases.get(address, ())),
        operations=operations,
        around=frozenset(around),
        is_certain=is_certain,
        still_holds=holder is not None
        and (holder == address or address in accesses.owners.get(holder, ())),
    )
