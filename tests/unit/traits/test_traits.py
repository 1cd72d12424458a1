"""The tables of traits, and the script that compares them with the interpreters at hand."""

from __future__ import annotations

import dataclasses

import pytest

import check_traits
import interpreters
from gdbext.cpython.traits.effects import Effect
from gdbext.cpython.traits.functions import FunctionTraits
from gdbext.cpython.traits.methods import effect_of_method, method_traits, slot_traits
from gdbext.cpython.traits.types import (
    canonical,
    container_fields,
    namespace_fields,
    same_struct,
    traits_of,
    type_of_struct,
    types_with,
)


@pytest.fixture(scope="module")
def names() -> check_traits.Names:
    """What the lab's release build, the layout tables and the sources have."""
    return check_traits.names_of([interpreters.build("release")])


def test_what_the_rows_name_exists(names: check_traits.Names) -> None:
    assert list(check_traits.problems(names)) == []


def test_what_is_missing_is_said(names: check_traits.Names) -> None:
    types = {name: found - {"popleft"} for name, found in names.types.items() if name != "set"}
    less = dataclasses.replace(
        names, types=types, structs=names.structs - {"gaobject"}, slots=names.slots - {"tp_repr"}
    )
    said = list(check_traits.problems(less))
    assert "types.json: set: no interpreter at hand has this type" in said
    assert "types.json: types.GenericAlias: no struct gaobject" in said
    assert "slots.json: tp_repr: no such slot" in said
    missing = [line for line in said if line.startswith("methods.json: popleft")]
    assert len(missing) == 1
    assert "collections.deque" in missing[0]


def test_a_function_that_is_not_in_its_source_is_said(
    names: check_traits.Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    if names.sources is None:
        pytest.skip("the lab's interpreters are not built from source here")
    rows = {
        "frobnicate": FunctionTraits(source="Objects/object.c"),
        "_Py_FatalErrorFunc": FunctionTraits(source="Python/pylifecycle.c", message="text"),
        "strlen": FunctionTraits(source="glibc"),
    }
    monkeypatch.setattr(check_traits, "functions", lambda: rows)
    said = [line for line in check_traits.problems(names) if line.startswith("functions.json")]
    assert said == [
        "functions.json: frobnicate: not in Objects/object.c",
        "functions.json: _Py_FatalErrorFunc: no parameter text",
    ]


def test_a_type_goes_by_one_name_in_all_versions() -> None:
    assert canonical("typing.Union") == "types.UnionType" == canonical("types.UnionType")
    assert traits_of("typing.Union").immutable
    assert canonical(None) is None


def test_a_type_without_a_row_has_no_traits() -> None:
    assert traits_of("somebody.Cursor") == traits_of(None)
    assert effect_of_method("frobnicate") is Effect.UNKNOWN
    assert slot_traits("nb_or").operation == "nb_or"


def test_structs_and_those_that_types_share() -> None:
    assert type_of_struct("PyHeapTypeObject") == "type"
    assert type_of_struct("PyObject") is None
    assert same_struct("coroutine", "generator")
    assert not same_struct("list", "tuple")


def test_fields_that_show_containers_are_not_namespaces() -> None:
    assert {"__dict__", "it_seq", "ob_ref"} <= container_fields()
    assert namespace_fields() == {"md_dict", "func_globals", "func_builtins", "tp_dict"}
    assert container_fields().isdisjoint(namespace_fields())


def test_what_keeps_its_items_changes_the_container_all_the_same() -> None:
    for name in ("append", "heappush", "sort"):
        assert method_traits(name).keeps_items
        assert effect_of_method(name) is Effect.RESIZE


def test_what_never_changes_needs_no_lock() -> None:
    assert types_with("immutable").isdisjoint(types_with("locks_itself"))
    assert types_with("sequence") <= types_with("container")
