"""What a process says of its instructions: importlib's code and magic number, opcode's tables."""

from __future__ import annotations

from typing import Any

import pytest

from gdbext.cpython.interpreter.frozen_code import MAX_CODES, FrozenCode
from gdbext.cpython.interpreter.runtime import Interpreter, Runtime
from unit.interpreter.test_code_check import code_object
from unit.interpreter.test_running_tests import INTERPRETER, Process
from unit.objects.object_world import VERSIONS, World

EXTERNAL = "_frozen_importlib_external"
MAGIC = 3571


def magic_bytes(number: int = MAGIC) -> bytes:
    return number.to_bytes(2, "little") + b"\r\n"


def frozen(process: Process) -> FrozenCode:
    runtime = Runtime(0, (Interpreter(INTERPRETER, 0, False, ()),))
    world = process.world
    return FrozenCode(world.memory, world.layout, world.objects, runtime)


def function(content: bytes) -> Any:
    """A function, as a module's global."""

    def make(world: World) -> int:
        return world.slotted("function", func_code=code_object(world, content))

    return make


@pytest.mark.parametrize("version", VERSIONS)
def test_magic_number_and_opcodes_of_a_process(version: str) -> None:
    modules: dict[str, dict[str, Any]] = {
        EXTERNAL: {"MAGIC_NUMBER": magic_bytes()},
        "_opcode_metadata": {"opmap": {"NOP": 27}, "_specialized_opmap": {"CALL_LEN": 200}},
    }
    process = Process(version, **modules)
    found = frozen(process).evidence(None)
    assert found.magic == MAGIC
    assert found.numbers == {"NOP": 27, "CALL_LEN": 200}
    assert found.arrays is None


@pytest.mark.parametrize("value", [b"", b"\1\2", b"\1\2xx", "text", 7])
def test_what_is_no_magic_number(value: object) -> None:
    process = Process("3.13.5", **{EXTERNAL: {"MAGIC_NUMBER": value}})
    assert frozen(process).evidence(None).magic is None


def test_a_process_without_modules_says_nothing() -> None:
    found = frozen(Process("3.13.5"))
    assert found.evidence(None).magic is None
    assert found.evidence(None).numbers is None
    assert found.codes() == []
    broken = Process("3.13.5")
    broken.world.memory.segments.pop(INTERPRETER)
    assert frozen(broken).codes() == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_code_of_importlibs_functions(version: str) -> None:
    process = Process(
        version,
        _frozen_importlib={"find": function(bytes(range(10))), "name": "text"},
        **{EXTERNAL: {"load": function(bytes(range(20)))}},
    )
    assert [len(code.content) for code in frozen(process).codes()] == [10, 20]


def test_so_many_are_enough() -> None:
    names = {f"f{n}": function(bytes(8)) for n in range(MAX_CODES + 9)}
    assert len(frozen(Process("3.13.5", _frozen_importlib=names)).codes()) == MAX_CODES


def test_a_damaged_function_is_left_out() -> None:
    def damaged(world: World) -> int:
        return world.slotted("function", func_code=0xDDDDDDDDDDDDDDDD)

    process = Process(
        "3.13.5", _frozen_importlib={"broken": damaged, "find": function(bytes(range(10)))}
    )
    assert len(frozen(process).codes()) == 1
