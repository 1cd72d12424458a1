"""``dataclass`` as the standard library's, made in a fifteenth of the time.

gdbext has some two hundred classes of values, and most of a small triage's start was the making of
their methods: the standard library compiles six for each.  Here all classes share those that need
no knowledge of the class, and ``__init__`` is compiled for classes that have many instances.  The
classes are dataclasses all the same: ``fields``, ``replace``, ``asdict`` and type checkers know
them.

    >>> @dataclass(frozen=True, kw_only=True)
    ... class Point:
    ...     "A place."
    ...     x: int
    ...     y: int = 0
    >>> Point(x=1)
    Point(x=1, y=0)
    >>> dataclasses.replace(Point(x=1), y=2) == Point(x=1, y=2)
    True
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass

__all__ = ["dataclass"]

FEW = 16
"""Instances of a class that are made without a compiled ``__init__``: to compile one takes as long
as thirty of them, and of most classes a report has fewer.
"""


def _dataclass(
    cls: type[Any] | None = None,
    /,
    *,
    frozen: bool = False,
    kw_only: bool = False,
    **others: bool,
) -> Any:
    """See :func:`dataclasses.dataclass`, which does the work where ``others`` are asked for, and
    for a frozen class that derives from another.
    """
    if cls is None:
        return lambda decorated: _dataclass(decorated, frozen=frozen, kw_only=kw_only, **others)
    if others or (frozen and dataclasses.is_dataclass(cls)):
        return dataclasses.dataclass(frozen=frozen, kw_only=kw_only, **others)(cls)
    # Where there is none the standard library writes a signature, as slow as all the rest.
    cls.__doc__ = cls.__doc__ or cls.__name__
    own = dict(vars(cls))
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
    # What it refuses to make frozen is a class that derives from one that is not.
    made.__dataclass_params__.frozen = frozen
    shared: dict[str, Any] = {
        "__repr__": _repr,
        "__eq__": _eq,
        "__init__": _first_init(made, frozen),
    }
    if frozen:
        shared |= {"__setattr__": _refuse, "__delattr__": _refuse}
    for name, method in shared.items():
        if name not in own:
            setattr(made, name, method)
    if own.get("__hash__") is None:
        made.__hash__ = _hash if frozen else None
    made.__compared__ = staticmethod(_compared(made))
    return made


if not TYPE_CHECKING:
    dataclass = _dataclass


def _compared(cls: Any) -> Callable[[Any], Any]:
    """What tells an instance from others."""
    names = [field.name for field in dataclasses.fields(cls) if field.compare]
    return attrgetter(*names) if names else lambda _: ()


def _first_init(cls: Any, frozen: bool) -> Callable[..., None]:
    """An ``__init__`` that puts a compiled one in its place once that pays."""
    put: Callable[..., None] = object.__setattr__ if frozen else setattr
    fields: tuple[dataclasses.Field[Any], ...] = ()
    by_place: list[str] = []
    count = 0

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        nonlocal fields, by_place, count
        if not count:
            fields = dataclasses.fields(cls)
            by_place = [field.name for field in fields if not field.kw_only]
        count += 1
        values = {**dict(zip(by_place, args)), **kwargs}
        given = len(args) + len(kwargs)
        for field in fields if count <= FEW else ():
            name = field.name
            if name in values:
                given -= 1
            elif field.default is not dataclasses.MISSING:
                values[name] = field.default
            elif field.default_factory is not dataclasses.MISSING:
                values[name] = field.default_factory()
            else:
                break  # What is missing, the compiled one says.
            put(self, name, values[name])
        else:
            if count <= FEW and not given:
                return
        cls.__init__ = _init(cls, frozen)
        cls.__init__(self, *args, **kwargs)

    return init


def _init(cls: Any, frozen: bool) -> Callable[..., None]:
    names: dict[str, Any] = {"_put_": object.__setattr__, "_unset_": object()}
    by_place, by_name, body = ["self"], list[str](), ["pass"]
    for number, field in enumerate(dataclasses.fields(cls)):
        name, argument, value = field.name, field.name, field.name
        if field.default is not dataclasses.MISSING:
            names[f"_default_{number}"] = field.default
            argument = f"{name}=_default_{number}"
        elif field.default_factory is not dataclasses.MISSING:
            names[f"_make_{number}"] = field.default_factory
            argument = f"{name}=_unset_"
            value = f"_make_{number}() if {name} is _unset_ else {name}"
        (by_name if field.kw_only else by_place).append(argument)
        body.append(f"_put_(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    arguments = ", ".join([*by_place, *(["*", *by_name] if by_name else [])])
    exec(f"def __init__({arguments}):\n  " + "\n  ".join(body), names)
    made: Callable[..., None] = names["__init__"]
    return made


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _eq(self: Any, other: Any) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    return self.__compared__(self) == other.__compared__(other)


def _hash(self: Any) -> int:
    return hash(self.__compared__(self))


def _refuse(self: Any, name: str, *_: Any) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot change field {name!r} of {type(self).__name__}")
