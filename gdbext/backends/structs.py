"""A struct's members, of the structs in it too, as the protocol has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from gdbext.target.protocol import MAX_NESTING, Field


class Member(NamedTuple):
    """A member as a debugger describes it."""

    name: str | None
    """None of an anonymous struct or union."""
    position: int
    """In bits, from the struct's start."""
    size: int
    """In bytes; 0 of an array without a length."""
    bit_size: int
    """Of a bit field; else 0."""
    inner: Callable[[], Iterable[Member]] | None
    """The members of a struct or union."""


def flattened(members: Iterable[Member], prefix: str = "", base: int = 0) -> dict[str, Field]:
    """The fields by name, those of inner structs with dots.

    >>> inner = [Member("low", 0, 4, 0, None), Member("flag", 33, 4, 1, None)]
    >>> flattened([Member("head", 64, 8, 0, lambda: inner)])["head.flag"]
    Field(offset=12, size=1, bit=1, bits=1)
    """
    return dict(_fields(members, prefix, base))


def _fields(members: Iterable[Member], prefix: str, base: int) -> Iterator[tuple[str, Field]]:
    for member in members:
        offset, bit = base + member.position // 8, member.position % 8
        name = prefix + (member.name or "")
        if bits := member.bit_size:
            yield name, Field(offset, (bit + bits + 7) // 8, bit, bits)
            continue
        if member.name:
            yield name, Field(offset, member.size)
        if member.inner is not None and name.count(".") < MAX_NESTING - 1:
            yield from _fields(member.inner(), f"{name}." if member.name else prefix, offset)
