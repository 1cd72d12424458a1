"""Which source of layouts is used, when one of them is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from fakes import VERSIONS, offsets_of, shipped_table
from gdbext.cpython.layout.choice import choose, nothing_known
from gdbext.cpython.layout.debug_offsets import DebugOffsets
from gdbext.cpython.layout.layout import Layout
from gdbext.target.protocol import Struct
from unit.layout.runtime_world import MAIN, RUNTIME, World

VERSION = 0x030D05F0
Dwarf = Callable[[str], "Struct | None"]
TABLE = shipped_table()


def no_dwarf(name: str) -> Struct | None:
    return None


def shifted(name: str) -> Struct | None:
    """Debug information of another program: what was in the second half of each struct is 8 bytes
    further on.
    """
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
    assert (str(choice.source), choice.table) == ("table", "3.13.5 (release)")
    wrong, used = choice.problems
    assert wrong.startswith("DWARF does not fit this process: ")
    assert used == "_Py_DebugOffsets with the table of 3.13.5 (release) is used instead"


def test_wrong_debug_offsets_are_said_and_left_for_the_table_alone(world: World) -> None:
    choice = choose(world.memory, RUNTIME, offsets(interp=8), no_dwarf)
    assert choice.layout.offset("PyThreadState", "interp") == world.layout.offset(
        "PyThreadState", "interp"
    )
    assert choice.is_complete
    wrong, used = choice.problems
    assert wrong == "no table of CPython 3.13.5 agrees with the process's own _Py_DebugOffsets"
    assert used == "the table of 3.13.5 (release) is used instead"


@pytest.mark.parametrize("flavour", ["release", "debug"])
@pytest.mark.parametrize("version", VERSIONS)
def test_without_dwarf_every_version_is_told_by_the_process(version: str, flavour: str) -> None:
    """Py_DEBUG does not show in ``_Py_DebugOffsets``, but in the heaps; nor need the
    patch level.
    """
    process = World(Layout(no_dwarf, None, shipped_table(version, flavour)))
    choice = choose(process.memory, RUNTIME, offsets_of(version, flavour), no_dwarf)
    assert (choice.problems, choice.is_complete) == ((), True)
    assert choice.table is not None
    assert choice.table.endswith(f"({flavour})")
    for struct in ("mi_heap_t", "mi_page_t", "_PyThreadStateImpl"):
        assert choice.layout.size(struct) == process.layout.size(struct)


def test_what_fits_no_version_is_not_used(world: World) -> None:
    """Another patch level whose heaps have moved, and nothing of it shows in what the process says
    of itself.
    """
    for index in range(4):
        heaps = world.layout.offset("_PyThreadStateImpl", "mimalloc.heaps")
        place = MAIN + heaps + index * world.layout.size("mi_heap_t")
        world.put("mi_heap_t", place, {"tld": 0x123450, "tag": 9})
    process = replace(offsets(), version=0x030D09F0)
    choice = choose(world.memory, RUNTIME, process, no_dwarf)
    assert not choice.is_complete
    assert (choice.table, str(choice.source)) == (None, "debug-offsets")
    assert choice.layout.find("mi_heap_t") is None
    said, remedy = choice.problems
    assert "gdbext learn PYTHON" in remedy
    assert said.startswith("objects, heap, locks and thread states cannot be judged: ")
    assert "no layout of this CPython 3.13.9 is known (no DWARF, none of" in said


def test_an_unknown_order_of_offsets_is_said(world: World) -> None:
    world.put("PyThreadState", MAIN, {"interp": RUNTIME})
    process = DebugOffsets(RUNTIME, 0x03100000, True, {}, {}, None)
    choice = choose(world.memory, RUNTIME, process, no_dwarf)
    assert not choice.is_complete
    assert "its _Py_DebugOffsets is of no known kind" in choice.problems[0]


def test_a_process_that_says_nothing_of_itself_has_no_layout() -> None:
    choice = nothing_known("_PyRuntime cannot be read")
    assert not choice.is_complete
    assert choice.layout.find("PyObject") is None
    assert choice.problems[0].endswith("cannot be judged: _PyRuntime cannot be read")


def test_a_table_of_the_very_version_is_used_in_a_damaged_process(world: World) -> None:
    world.put("PyThreadState", MAIN, {"interp": RUNTIME})
    choice = choose(world.memory, RUNTIME, offsets(), no_dwarf)
    assert (choice.is_complete, choice.table) == (True, "3.13.5 (release)")
    assert choice.problems[0].startswith(
        "_Py_DebugOffsets with the table of 3.13.5 (release) does not fit this process: "
    )
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
