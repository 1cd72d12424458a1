"""Traits of methods, built-in functions and type slots: what each does to the object that it is
called on.

Methods go by their names alone: ``clear`` does the same to whatever has it.

>>> effect_of_method("clear"), effect_of_method("frobnicate"), slot_traits("tp_repr").operation
(<Effect.RESIZE: 'resize'>, <Effect.UNKNOWN: 'unknown'>, 'repr')
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Set

from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.rows import load
from gdbext.frozen import dataclass


@dataclass(frozen=True, kw_only=True)
class MethodTraits:
    """One row of ``methods.json``: a method's effect on its receiver, a function's on its first
    argument.
    """

    source: str = ""
    of: tuple[str, ...] = ()
    """Types, by ``tp_name``, or modules that have it: not all of them."""
    effect: Effect = Effect.UNKNOWN
    keeps_items: bool = False
    """Changes a container that still holds whatever it held before."""
    consumes: bool = False
    """Walks over its argument to the end."""
    calls: bool = False
    """Calls functions that it gets as arguments, before it returns."""
    hands_on: bool = False
    """Calls its first argument with the others, as a method of these types (``of``)."""
    takes_item: bool = False
    """Takes one item out of a queue or container, and gives it back."""
    resumes: bool = False
    """Goes on with a generator or coroutine, its owner or first argument, to its next item."""
    identifies: bool = False
    """Looks at nothing but an object's header."""


@dataclass(frozen=True, kw_only=True)
class SlotTraits:
    """One row of ``slots.json``: the Python operation that runs a type's slot, and its effect on
    the object.
    """

    source: str = ""
    operation: str = ""
    effect: Effect = Effect.UNKNOWN


NO_TRAITS = MethodTraits()


@functools.cache
def methods() -> Mapping[str, MethodTraits]:
    """Every row of ``methods.json``, by name."""
    rows = load("methods.json").items()
    return {n: MethodTraits(**{**row, "effect": Effect(row["effect"])}) for n, row in rows}


@functools.cache
def slots() -> Mapping[str, SlotTraits]:
    """Every row of ``slots.json``, by name."""
    rows = load("slots.json").items()
    return {n: SlotTraits(**{**row, "effect": Effect(row["effect"])}) for n, row in rows}


def method_traits(name: str | None) -> MethodTraits:
    """The traits of methods and functions of that name."""
    return methods().get(name or "", NO_TRAITS)


def effect_of_method(name: str | None) -> Effect:
    """What a method or function of that name does to its receiver or first argument."""
    return method_traits(name).effect


def is_method_name(name: str | None) -> bool:
    """Whether the attributes of that name are methods, those of slots included.

    >>> is_method_name("append"), is_method_name("__next__"), is_method_name("__weakref__")
    (True, True, False)
    """
    return name in methods() or name in _slot_methods()


@functools.cache
def _slot_methods() -> Set[str]:
    return frozenset(f"__{row.operation}__" for row in slots().values())


def slot_traits(name: str) -> SlotTraits:
    """The traits of a type slot (``tp_repr``, ``mp_subscript``); a slot without a row is its own
    operation.
    """
    return slots().get(name, SlotTraits(operation=name))
