"""What a family of types writes its reprs with: the protocol that
:class:`writer.Writer` fulfils.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.dictkeys import DictEntry


class ReprWriter(Protocol):
    """Writes the objects inside the one whose repr a family yields in pieces."""

    core: Core
    limit: int
    """The number of characters wanted in all."""

    def inner(self, address: int) -> Iterator[str]:
        """The repr of an object inside the one that is being written."""

    def is_usable(self, address: int) -> bool:
        """Whether there is an object that may be looked into."""

    def keywords(self, address: int) -> Iterator[tuple[str, int]]:
        """(name, value) of a dict's string keys, if there is a dict."""

    def items(
        self,
        addresses: Iterable[int],
        separator: str = ", ",
        inner: Callable[[int], Iterator[str]] | None = None,
    ) -> Iterator[str]:
        """Several objects in a row."""

    def pairs(self, entries: Iterable[DictEntry], colon: str) -> Iterator[str]:
        """Keys and values in a row."""
