"""Writes reprs in pieces, each object within the bounds of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.cpython.objects.core import Core
from gdbext.cpython.objects.dictkeys import DictEntry, dict_entries
from gdbext.cpython.objects.family import Family
from gdbext.cpython.objects.types import TypeInfo
from gdbext.target.protocol import MemoryFault

CUT = "…"
WRONG = "✗"
MAX_DEPTH = 50


class Writer:
    """One repr on its way; ``limit`` is the number of characters wanted in all.

    Families yield pieces, and :meth:`inner` for the objects in them.  Nothing is read that is not
    asked for, so that a list of a million costs what is shown of it.
    """

    def __init__(
        self,
        core: Core,
        family_of: Callable[[TypeInfo], Family],
        limit: int = 200,
        depth: int = 4,
        is_stale: Callable[[int], bool] | None = None,
    ) -> None:
        self.core = core
        self.limit = max(limit, 1)
        self._family_of = family_of
        self._is_stale = is_stale or (lambda address: False)
        self._depth = min(depth, MAX_DEPTH)
        self._active: list[int] = []

    def whole(self, address: int) -> str:
        """The repr, cut with an ``…`` at ``limit`` characters."""
        found = ""
        for piece in self.inner(address):
            found += piece
            if len(found) > self.limit:
                return found[: self.limit] + CUT
        return found

    def inner(self, address: int) -> Iterator[str]:
        """The repr of an object inside the one that is being written."""
        if address == 0:
            yield f"<{WRONG} NULL>"
            return
        if self._is_stale(address):
            yield f"<{WRONG} stale {address:#x}>"
            return
        info = self.core.type_of(address)
        if info is None:
            yield f"<{WRONG} not an object at {address:#x}>"
            return
        if not self.core.is_object(address):
            yield f"<{WRONG} dead {self.core.type_name(info)} object at {address:#x}>"
            return
        if len(self._active) > self._depth:
            yield CUT
            return
        family = self._family_of(info)
        if address in self._active:
            yield family.cycle
            return
        self._active.append(address)
        try:
            yield from self._marked(family, address, info)
        except MemoryFault:
            yield f"<{WRONG} unreadable {self.core.type_name(info)} object at {address:#x}>"
        except UnknownLayout:
            yield f"<{self.core.type_name(info)} object at {address:#x}>"
        finally:
            self._active.pop()

    def is_usable(self, address: int) -> bool:
        """Whether there is an object that may be looked into."""
        return address != 0 and not self._is_stale(address) and self.core.is_object(address)

    def keywords(self, address: int) -> Iterator[tuple[str, int]]:
        """(name, value) of a dict's string keys, if there is a dict."""
        info = self.core.type_of(address) if self.is_usable(address) else None
        if info is not None and info.is_subclass("dict"):
            for entry in dict_entries(self.core, address):
                if name := self.core.text(entry.key, self.limit):
                    yield name, entry.value

    def _marked(self, family: Family, address: int, info: TypeInfo) -> Iterator[str]:
        """A class with a ``__repr__`` of its own, which cannot be called here, is named beside what
        its base shows.
        """
        if family.shows_overridden and self._overrides_repr(family, info):
            yield f"<{self.core.type_name(info)} object at {address:#x}: "
            yield from family.text(self, address, info)
            yield ">"
        else:
            yield from family.text(self, address, info)

    def _overrides_repr(self, family: Family, info: TypeInfo) -> bool:
        root = next((base for base in self.core.bases(info) if base.name in family.names), info)
        return info.repr_function != root.repr_function

    def items(
        self,
        addresses: Iterable[int],
        separator: str = ", ",
        inner: Callable[[int], Iterator[str]] | None = None,
    ) -> Iterator[str]:
        """Several objects in a row."""
        write = inner or self.inner
        for number, address in enumerate(addresses):
            if number:
                yield separator
            yield from write(address)

    def pairs(self, entries: Iterable[DictEntry], colon: str) -> Iterator[str]:
        """Keys and values in a row."""
        for number, entry in enumerate(entries):
            if number:
                yield ", "
            yield from self.inner(entry.key)
            yield colon
            yield from self.inner(entry.value)
