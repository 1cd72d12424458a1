"""What a code object says of the table that it is decoded with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes import FakeMemory, opcodes_of
from gdbext.cpython.interpreter.code_check import fault_in, handlers, read_code
from unit.interpreter.code_samples import LINEAR, checked, encoded, stored
from unit.interpreter.snippets import MINORS
from unit.objects.object_world import VERSIONS, World

TABLE = opcodes_of(13)
LOAD, STORE, RETURN = ("LOAD_FAST", 0), ("STORE_FAST", 0), ("RETURN_VALUE", 0)


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("minor", MINORS)
def test_a_versions_code_agrees_with_its_table(minor: int, name: str) -> None:
    assert fault_in(stored(minor, name), opcodes_of(minor)) is None


@pytest.mark.parametrize("minor", MINORS)
def test_it_disagrees_with_every_other_versions_table(minor: int) -> None:
    for other in set(MINORS) - {minor}:
        assert any(fault_in(stored(minor, name), opcodes_of(other)) for name in LINEAR)


@pytest.mark.parametrize(
    ("instructions", "fault"),
    [
        ([LOAD, RETURN], "the code does not begin with a RESUME"),
        ([("RESUME", 0), ("LOAD_FAST", 9), RETURN], "LOAD_FAST at unit 1 has no variable 9"),
        ([("RESUME", 0), ("LOAD_CONST", 9), RETURN], "LOAD_CONST at unit 1 has no constant 9"),
        ([("RESUME", 0), ("LOAD_NAME", 9), RETURN], "LOAD_NAME at unit 1 has no name 9"),
        ([("RESUME", 0), ("LOAD_GLOBAL", 9 << 1), RETURN], "LOAD_GLOBAL at unit 1 has no name 9"),
        ([("RESUME", 0), STORE, LOAD, RETURN], "STORE_FAST at unit 1 pops 1 of 0 values"),
        ([("RESUME", 0), *[LOAD] * 9, RETURN], "makes the stack 5 deep, not 3"),
        (
            [("RESUME", 0), ("JUMP_FORWARD", 40), RETURN],
            "unit 42 is jumped to, and no instruction starts there",
        ),
        (
            # One way leaves one value, the other two.
            [
                *[("RESUME", 0), LOAD, ("POP_JUMP_IF_TRUE", 1), LOAD, LOAD, ("POP_TOP", 0)],
                RETURN,
            ],
            "is reached with",
        ),
    ],
)
def test_what_no_compiler_makes(instructions: list[tuple[str, int]], fault: str) -> None:
    content = encoded(TABLE, *instructions)
    code = checked(content, stack_size=3, names=2, constants=2, variables=2)
    assert fault in (fault_in(code, TABLE) or "")


def test_bytes_that_are_no_instruction() -> None:
    unknown = next(n for n in range(256) if TABLE.plain[n] is None and n not in TABLE.stand_ins)
    content = encoded(TABLE, ("RESUME", 0), LOAD) + bytes((unknown, 0))
    assert fault_in(checked(content), TABLE) == "unit 2 of 3 is not an instruction"


def test_an_exception_handler_begins_with_its_own_depth() -> None:
    """Target, depth and "push the index" of an entry; there the exception itself is pushed."""
    assert handlers(bytes((0x80, 2, 4, 2))) == [(4, 2)]
    assert handlers(bytes((0x80, 2, 0x41, 2, 3))) == [(66, 3)]
    assert handlers(bytes((0x80, 2, 4))) == []
    content = encoded(TABLE, ("RESUME", 0), LOAD, RETURN, ("POP_TOP", 0), ("RERAISE", 0))
    body = len(encoded(TABLE, ("RESUME", 0), LOAD, RETURN)) // 2
    sound = checked(content, exception_table=bytes((0x80, 2, body, 2)))
    assert fault_in(sound, TABLE) is None
    inside = replace(sound, exception_table=bytes((0x80, 2, body + 9, 2)))
    assert (
        fault_in(inside, TABLE) == f"unit {body + 9} is jumped to, and no instruction starts there"
    )


# --- from memory ----------------------------------------------------------------------------------


def code_object(world: World, content: bytes) -> int:
    room = world.layout.offset("PyCodeObject", "co_code_adaptive") + len(content)
    address = world.object("code", room)
    world.set(
        "PyCodeObject",
        address,
        ob_size=len(content) // 2,
        co_stacksize=5,
        co_nlocalsplus=2,
        co_names=world.put(("a", "b", "c")),
        co_consts=world.put((None,)),
        co_exceptiontable=world.put(bytes((0x80, 2, 4, 2))),
    )
    world.memory.write(address + world.layout.offset("PyCodeObject", "co_code_adaptive"), content)
    return address


@pytest.mark.parametrize("version", VERSIONS)
def test_a_code_object_is_read_from_memory(version: str) -> None:
    world = World(version)
    content = bytes(range(40))
    found = read_code(world.memory, world.layout, code_object(world, content))
    assert found is not None
    assert found.content == content
    assert (found.stack_size, found.names, found.constants, found.variables) == (5, 3, 1, 2)
    assert handlers(found.exception_table) == [(4, 2)]


@pytest.mark.parametrize(
    "damaged",
    [
        b"\x02\x02\x04\x02",  # no entry begins
        b"\x80\x02\x04",  # one ends too early
        b"\x80\x02\x04\x02\x40",  # in the middle of a number
        b"\x80\x02\x84\x02",  # one begins within another
        b"\x80\x02\x20\x02",  # its handler lies behind the code
        b"\x80\x20\x04\x02",  # what it guards does
    ],
)
def test_a_damaged_exception_table_says_nothing_of_the_instructions(damaged: bytes) -> None:
    world = World()
    address = code_object(world, bytes(40))
    world.set("PyCodeObject", address, co_exceptiontable=world.put(damaged))
    found = read_code(world.memory, world.layout, address)
    assert found is not None
    assert found.exception_table == b""


def test_one_that_cannot_be_read_says_nothing_either() -> None:
    world = World()
    address = code_object(world, bytes(40))
    shared = world.put(b"")
    world.set("PyVarObject", shared, ob_size=1 << 40)
    world.set("PyCodeObject", address, co_exceptiontable=shared)
    found = read_code(world.memory, world.layout, address)
    assert found is not None
    assert found.exception_table == b""


def test_what_cannot_be_read_is_left_out() -> None:
    world = World()
    address = code_object(world, bytes(40))
    assert read_code(FakeMemory(), world.layout, address) is None
    world.set("PyCodeObject", address, ob_size=1 << 40)
    assert read_code(world.memory, world.layout, address) is None
