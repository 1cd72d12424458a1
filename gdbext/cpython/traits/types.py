"""Traits of types, by ``tp_name``.

>>> traits_of("list").locks_itself, traits_of("array.array").locks_itself
(True, False)
>>> canonical("typing.Union")
'types.UnionType'
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Set

from gdbext.cpython.traits.rows import load
from gdbext.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class TypeTraits:
    """One row of ``types.json``; a type without a row has none of these traits."""

    source: str = ""
    """The file of CPython that defines the type or shows the traits."""
    since: str | None = None
    """The first version that has the type, where that is later than 3.13."""
    synonyms: tuple[str, ...] = ()
    """``tp_name`` in other versions."""
    structs: tuple[str, ...] = ()
    """C structs that are the type's own: a variable of type ``PyListObject *`` points to a list."""
    shares_struct_with: tuple[str, ...] = ()
    """Types of the same struct: C code that works on the one works on the others too."""
    immutable: bool = False
    """Objects never change once made: sharing them is not a race."""
    container: bool = False
    """Holds references to objects that the program put in."""
    sequence: bool = False
    """A container whose items go by position."""
    resizable: bool = False
    """Keeps its items outside the object, in an array that methods may replace."""
    memory: bool = False
    """Plain memory: whoever gets it as an argument may write into it."""
    locks_itself: bool = False
    """Its methods take the object's critical section in every free-threaded version."""
    common: bool = False
    """Every program shares such objects between threads: alone they are not a sign of anything."""
    made_to_be_shared: bool = False
    """Synchronises threads, or keeps their data apart, or leaves that to the kernel: what a socket
    has in memory are numbers.
    """
    plain_descriptor: bool = False
    """In a class it makes an attribute without C code of the class's own behind it."""
    written_by_init_only: bool = False
    """Only ``__init__`` writes the object's fields: a changed field proves a second call."""
    shows_container_in: tuple[str, ...] = ()
    """Fields by which an object shows a container of the program's."""
    advances_in: tuple[str, ...] = ()
    """Fields of an iterator with the iterators, or a tuple of them, that it takes items from."""
    calls_in: tuple[str, ...] = ()
    """Fields of an iterator with functions that it calls for each item."""
    awaits_in: tuple[str, ...] = ()
    """Fields with the generator, coroutine or future that a step of the object goes on with."""
    queues: bool = False
    """Keeps items for threads that take them."""
    namespace_in: tuple[str, ...] = ()
    """Fields whose dict holds the variables of a module or the attributes of a class."""


NO_TRAITS = TypeTraits()


@functools.cache
def type_traits() -> Mapping[str, TypeTraits]:
    """Every row, by ``tp_name``."""
    return {name: TypeTraits(**row) for name, row in load("types.json").items()}


def traits_of(name: str | None) -> TypeTraits:
    """The traits of the type of that ``tp_name``."""
    return type_traits().get(canonical(name) or "", NO_TRAITS)


def canonical(name: str | None) -> str | None:
    """One name for one type over all versions; None stays None."""
    return _synonyms().get(name, name) if name else None


@functools.cache
def types_with(trait: str) -> Set[str]:
    """The names of all types that have a trait.

    >>> sorted(types_with("locks_itself"))
    ['collections.deque', 'dict', 'list', 'set']
    """
    return frozenset(name for name, row in type_traits().items() if getattr(row, trait))


@functools.cache
def type_of_struct(struct: str) -> str | None:
    """The type whose objects have that C struct.

    >>> type_of_struct("PyListObject"), type_of_struct("PyObject")
    ('list', None)
    """
    return next((name for name, row in type_traits().items() if struct in row.structs), None)


def same_struct(one: str, other: str) -> bool:
    """Whether two types, by canonical name, have one struct.

    >>> same_struct("set", "frozenset"), same_struct("set", "dict")
    (True, False)
    """
    return one == other or other in traits_of(one).shares_struct_with


@functools.cache
def container_fields() -> Set[str]:
    """Fields by which an object of any type shows a container of the program's."""
    shown = {field for row in type_traits().values() for field in row.shows_container_in}
    return frozenset({"__dict__", *shown})


@functools.cache
def makes_iterators() -> Set[str]:
    """The names of what only keeps an iterator that it is called with, and takes items from it when
    it is stepped itself: ``iter``, ``map``, ``islice`` …
    """
    rows = type_traits().items()
    kinds = {name.rpartition(".")[2] for name, row in rows if row.advances_in or row.calls_in}
    return frozenset({"iter", *kinds})


@functools.cache
def namespace_fields() -> Set[str]:
    """Fields whose dict is a namespace, of any type."""
    return frozenset(field for row in type_traits().values() for field in row.namespace_in)


@functools.cache
def _synonyms() -> Mapping[str, str]:
    return {other: name for name, row in type_traits().items() for other in row.synonyms}
