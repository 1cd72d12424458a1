"""Which source of layouts is used, when one of them is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from runtime_world import MAIN, RUNTIME, World

from gdbext.cpython.layout import tables
from gdbext.cpython.layout.choice import choose
from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.cpython.layout.layout import Layout
from gdbext.target.protocol import Struct

VERSION = 0x030D05F0
Dwarf = Callable[[str], "Struct | None"]
TABLE = tables.load("3.13.5", "release")


def no_dwarf(name: str) -> Struct | None:
    return None


def shifted(name: str) -> Struct | None:
    """Debug information of another program: what was in the second half of each struct is 8 bytes further on."""
    struct = TABLE.get(name)
    if struct is None:
        return None
    fields = {
        k: replace(f, offset=f.offset + 8) if f.offset > struct.size // 2 else f
        for k, f in struct.fields.items()
    }
    return Struct(name, struct.size + 8, fields)


TOLD = {
    "_PyRuntimeState": ("interpreters.head",),
    "PyInterpreterState": ("id", "next", "threads.head", "sysdict"),
    "PyThreadState": ("prev", "next", "interp", "thread_id", "native_thread_id"),
}


def offsets(**wrong: int) -> DebugOffsets:
    """What the process says of itself; ``wrong`` replaces offsets of PyThreadState's fields."""
    right = Layout(no_dwarf, None, TABLE)
    known = {
        f"{struct}.{name}": right.offset(struct, name)
        for struct, names in TOLD.items()
        for name in names
    }
    known.update({f"PyThreadState.{name}": offset for name, offset in wrong.items()})
    return DebugOffsets(
        RUNTIME, VERSION, True, known, {struct: right.size(struct) for struct in TOLD}
    )


@pytest.fixture
def world() -> World:
    made = World(Layout(no_dwarf, None, TABLE))
    made.put("_PyRuntimeState", RUNTIME, {"initialized": 1})
    return made


def test_dwarf_comes_first(world: World) -> None:
    choice = choose(world.memory, RUNTIME, offsets(), TABLE.get)
    assert str(choice.source) == "dwarf"
    assert choice.problems == ()


def test_what_an_extension_has_from_elsewhere_does_not_count(world: World) -> None:
    choice = choose(
        world.memory,
        RUNTIME,
        offsets(),
        lambda name: None if name == "simplequeueobject" else TABLE.get(name),
    )
    assert choice.layout.find("simplequeueobject") is not None
    assert str(choice.source) == "dwarf"


def test_wrong_dwarf_is_said_and_left_for_the_process_own_offsets(world: World) -> None:
    choice = choose(world.memory, RUNTIME, offsets(), shifted)
    assert choice.layout.offset("PyThreadState", "interp") == world.layout.offset(
        "PyThreadState", "interp"
    )
    assert str(choice.source) == "table"
    wrong, used = choice.problems
    assert wrong.startswith("DWARF does not fit this process: ")
    assert used == "_Py_DebugOffsets is used instead"


def test_wrong_debug_offsets_are_said_and_left_for_the_shipped_table(world: World) -> None:
    choice = choose(world.memory, RUNTIME, offsets(interp=8), no_dwarf)
    assert choice.layout.offset("PyThreadState", "interp") == world.layout.offset(
        "PyThreadState", "interp"
    )
    wrong, used = choice.problems
    assert wrong.startswith("_Py_DebugOffsets does not fit this process: ")
    assert used == "the shipped table of 3.13.5 (release) is used instead"


def test_a_wrong_table_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that agrees with the process's offsets and is wrong in what they do not tell."""
    heap = TABLE.entries["mi_heap_t"]
    swapped = heap["fields"] | {"tag": heap["fields"]["thread_id"]}
    wrong = dict(TABLE.entries) | {"mi_heap_t": heap | {"fields": swapped}}
    monkeypatch.setattr(tables, "load", lambda version, flavour: tables.Table(wrong))
    choice = choose(world.memory, RUNTIME, offsets(), no_dwarf)
    assert choice.problems[0].startswith("_Py_DebugOffsets does not fit this process: ")
    assert choice.problems[1].startswith("no other source of layouts fits better")


def test_where_none_fits_the_best_is_used_and_that_is_said(world: World) -> None:
    world.put("PyThreadState", MAIN, {"interp": RUNTIME})
    choice = choose(world.memory, RUNTIME, offsets(), TABLE.get)
    assert str(choice.source) == "dwarf"
    assert choice.problems[0].startswith(
        "DWARF does not fit this process: thread state 0x300000 says that it is of interpreter"
    )
    assert choice.problems[1].startswith("no other source of layouts fits better")


def test_before_and_after_the_interpreter_there_is_nothing_to_say(world: World) -> None:
    world.put("_PyRuntimeState", RUNTIME, {"initialized": 0, "interpreters.head": 0})
    choice = choose(world.memory, RUNTIME, offsets(), TABLE.get)
    assert str(choice.source) == "dwarf"
    assert choice.problems == ()
