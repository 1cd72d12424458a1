"""The pytest test of each thread, from the plugin's table or from os.environ."""

from __future__ import annotations

from typing import Any

import pytest

from gdbext.cpython.interpreter.running_tests import running_tests
from gdbext.cpython.interpreter.runtime import Interpreter, Runtime, ThreadState
from unit.objects.object_world import TID, VERSIONS, World

INTERPRETER = 0x300_0000_0000
OTHER = TID + 0x1000


class Process:
    """One interpreter with these modules, by name: their globals as plain values or as addresses in
    a list of one.
    """

    def __init__(self, version: str, **modules: dict[str, Any]) -> None:
        self.world = World(version)
        world = self.world
        world.memory.map(INTERPRETER, world.layout.size("PyInterpreterState"))
        pairs = [
            (world.put(name.replace("__", ".")), self.module(names))
            for name, names in modules.items()
        ]
        world.memory.write_word(
            INTERPRETER + world.layout.offset("PyInterpreterState", "imports.modules"),
            world.dict(pairs),
        )

    def module(self, names: dict[str, Any]) -> int:
        world = self.world
        pairs = [
            (world.put(name), value(world) if callable(value) else world.put(value))
            for name, value in names.items()
        ]
        return world.slotted("module", md_dict=world.dict(pairs))

    def tests(self) -> dict[int, str]:
        threads = tuple(
            ThreadState(n, INTERPRETER, tid, n, "attached", 0, None, 0, None)
            for n, tid in enumerate((TID, OTHER))
        )
        runtime = Runtime(0, (Interpreter(INTERPRETER, 0, False, threads),))
        return running_tests(self.world.memory, self.world.layout, self.world.objects, runtime)


def environment(variables: dict[bytes, bytes]) -> Any:
    """``os.environ``: an instance whose ``_data`` is a dict of bytes."""

    def make(world: World) -> int:
        world.new_class("_Environ", module="os", names=("encodekey", "_data"))
        return world.instance("_Environ", world.none, world.put(variables))

    return make


@pytest.mark.parametrize("version", VERSIONS)
def test_table_of_the_plugin(version: str) -> None:
    table = {TID: "test_a.py::test_x (call)", OTHER: "test_a.py::test_y[ü] (thread)"}
    assert Process(version, gdbext__pytest_plugin={"RUNNING": table}).tests() == table


@pytest.mark.parametrize("version", VERSIONS)
def test_pytests_own_variable_is_the_main_threads(version: str) -> None:
    variables = {b"HOME": b"/root", b"PYTEST_CURRENT_TEST": b"test_a.py::test_x (call)"}
    assert Process(version, os={"environ": environment(variables)}).tests() == {
        TID: "test_a.py::test_x (call)"
    }


def test_table_wins() -> None:
    variables = {b"PYTEST_CURRENT_TEST": b"test_a.py::test_x (call)"}
    process = Process(
        "3.13.5",
        os={"environ": environment(variables)},
        gdbext__pytest_plugin={"RUNNING": {OTHER: "b (call)"}},
    )
    assert process.tests() == {OTHER: "b (call)"}


def test_no_test_no_modules_no_memory() -> None:
    assert Process("3.13.5", os={"environ": environment({b"HOME": b"/root"})}).tests() == {}
    assert Process("3.13.5", os={"environ": 7}, sys={}).tests() == {}
    assert Process("3.13.5").tests() == {}
    broken = Process("3.13.5")
    broken.world.memory.segments.pop(INTERPRETER)
    assert broken.tests() == {}


def test_entries_that_are_no_tests_are_left_out() -> None:
    table = {TID: "a (call)", "name": "b", OTHER: 17}
    assert Process("3.13.5", gdbext__pytest_plugin={"RUNNING": table}).tests() == {TID: "a (call)"}
