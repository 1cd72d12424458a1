"""What ``gdbext.frozen`` makes is what the standard library makes, method by method."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from gdbext import frozen, model

Make = Callable[..., Any]


def point(dataclass: Make) -> Any:
    @dataclass(frozen=True)
    class Point:
        x: int
        y: int = 0
        tags: tuple[str, ...] = dataclasses.field(default=(), repr=False, compare=False)
        seen: list[int] = dataclasses.field(default_factory=list, compare=False)

        @property
        def both(self) -> tuple[int, int]:
            return self.x, self.y

    return Point


def counter(dataclass: Make) -> Any:
    @dataclass
    class Counter:
        count: int = 0
        names: list[str] = dataclasses.field(default_factory=list)

    return Counter


def named(dataclass: Make) -> Any:
    @dataclass(frozen=True, kw_only=True)
    class Named:
        """A name."""

        first: str
        second: str | None = None

    return Named


def empty(dataclass: Make) -> Any:
    @dataclass(frozen=True)
    class Empty:
        pass

    return Empty


def derived(dataclass: Make) -> Any:
    @dataclass(frozen=True)
    class Derived(point(dataclass)):  # type: ignore[misc]  # a class by any other way
        z: int = 7

    return Derived


def grown(dataclass: Make) -> Any:
    @dataclass
    class Grown(counter(dataclass)):  # type: ignore[misc]  # a class by any other way
        more: str = "x"

    return Grown


CASES: list[tuple[Callable[[Make], Any], tuple[Any, ...], dict[str, Any]]] = [
    (point, (1,), {}),
    (point, (1, 2), {"tags": ("a",), "seen": [3]}),
    (counter, (), {}),
    (counter, (4, ["n"]), {}),
    (named, (), {"first": "a"}),
    (named, (), {"first": "a", "second": "b"}),
    (empty, (), {}),
    (derived, (1, 2), {"z": 3}),
    (grown, (1, ["n"]), {}),
    (grown, (1,), {"more": "y"}),
]


@pytest.mark.parametrize("made_before", [0, frozen.FEW])
@pytest.mark.parametrize(("make", "args", "kwargs"), CASES)
def test_an_instance_is_as_the_standard_librarys(make, args, kwargs, made_before):
    ours, theirs = make(frozen.dataclass), make(dataclasses.dataclass)
    for _ in range(made_before):
        ours(*args, **kwargs)
    mine, other = ours(*args, **kwargs), theirs(*args, **kwargs)
    assert repr(mine) == repr(other)
    assert vars(mine) == vars(other)
    assert mine == ours(*args, **kwargs)
    assert mine != other
    assert dataclasses.asdict(mine) == dataclasses.asdict(other)
    assert dataclasses.replace(mine) == mine
    assert copy.copy(mine) == mine
    assert (ours.__hash__ is None) == (theirs.__hash__ is None)
    if ours.__hash__:
        assert hash(mine) == hash(ours(*args, **kwargs))
    if made_before:
        assert [*inspect.signature(ours).parameters] == [*inspect.signature(theirs).parameters]


@pytest.mark.parametrize("make", [point, counter, named, empty, derived, grown])
@pytest.mark.parametrize("args", [(), (1,), (1, 2, 3, 4, 5, 6)])
@pytest.mark.parametrize("kwargs", [{}, {"z": 1}, {"first": "a"}, {"unheard": 1}, {"x": 1}])
def test_wrong_arguments_are_refused_alike(make, args, kwargs):
    def outcome(dataclass: Make) -> object:
        try:
            return repr(make(dataclass)(*args, **kwargs))
        except TypeError:
            return TypeError

    assert outcome(frozen.dataclass) == outcome(dataclasses.dataclass)


@pytest.mark.parametrize("make", [point, named, empty, derived])
def test_a_frozen_instance_cannot_be_changed(make):
    ours = make(frozen.dataclass)
    mine = ours(first="a") if make is named else ours() if make is empty else ours(1)
    for name in ("x", "first", "unheard"):
        if make is derived and name == "unheard":
            continue  # The standard library's own work, and its own message.
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(mine, name, 1)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(mine, name)


def test_fields_are_known_before_the_first_instance():
    ours = point(frozen.dataclass)
    assert dataclasses.is_dataclass(ours)
    assert [f.name for f in dataclasses.fields(ours)] == ["x", "y", "tags", "seen"]
    assert ours.__match_args__ == ("x", "y", "tags", "seen")


def test_one_field_alone_and_parts_that_do_not_count():
    ours = point(frozen.dataclass)
    assert ours(1, tags=("a",)) == ours(1, tags=("b",))
    assert ours(1) != ours(2)
    assert len({ours(1), ours(1, seen=[1]), ours(2)}) == 2


def test_an_instance_from_elsewhere_compares_without_one_made_here():
    first = model.Claim("null-pointer")
    assert pickle.loads(pickle.dumps(first)) == first


def test_the_standard_librarys_own_may_derive():
    @dataclasses.dataclass(frozen=True)
    class Wider(point(frozen.dataclass)):  # type: ignore[misc]  # a class by any other way
        remark: str = ""

    assert Wider(1, remark="a") == Wider(1, remark="a")
    assert Wider(1).y == 0


def test_an_instance_that_holds_itself_has_a_repr():
    mine = counter(frozen.dataclass)()
    mine.names.append(mine)
    assert "..." in repr(mine)
