"""The types of the objects that threads work on."""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.cpython.traits.types import canonical
from gdbext.diagnosis.observe.observer import Observer
from gdbext.model import Verdict
from gdbext.target.protocol import MemoryFault

MAX_BASES = 8


def type_name_of(observer: Observer, address: int) -> str | None:
    """The type of a credible, living object; None for everything else."""
    try:
        info = observer.session.objects.type_of(address)
    except MemoryFault:
        return None
    if info is None or observer.session.heap.judge(address).verdict in (
        Verdict.FREED,
        Verdict.UNMAPPED,
        Verdict.NULL,
    ):
        return None
    return canonical(info.name)


def bases_of(observer: Observer, address: int) -> Iterator[str]:
    """The names of an object's type and of its base types."""
    info = observer.session.objects.type_of(address)
    for _ in range(MAX_BASES):
        if info is None:
            return
        yield canonical(info.name) or info.name
        info = observer.session.objects.type_info(info.base) if info.base else None
