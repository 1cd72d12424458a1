"""Instructions against what the interpreter itself says of the same code (its module ``dis``)."""

from __future__ import annotations

import pytest

from fakes import VERSIONS, FakeMemory, opcodes_of, shipped_table
from gdbext.cpython.interpreter.bytecode import (
    Instrumentation,
    instructions,
    read_instrumentation,
)
from gdbext.cpython.layout.layout import Layout
from unit.interpreter.snippets import MINORS, NAMES, snippet


def decoded(
    code: bytes, minor: int, instrumentation: Instrumentation | None = None
) -> list[list[object]]:
    return [
        [i.index, i.name, i.oparg] for i in instructions(code, opcodes_of(minor), instrumentation)
    ]


def number(minor: int, name: str) -> int:
    table = opcodes_of(minor)
    return next(n for n in range(256) if table.plain[n] == name or table.stand_ins.get(n) == name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("minor", MINORS)
def test_plain_code(minor: int, name: str) -> None:
    code = snippet(minor, name)
    assert decoded(bytes.fromhex(code["code"]), minor) == code["instructions"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("minor", MINORS)
def test_specialised_code_reads_as_its_plain_self(minor: int, name: str) -> None:
    code = snippet(minor, name)
    assert decoded(bytes.fromhex(code["adaptive"]), minor) == code["instructions"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("minor", MINORS)
def test_instrumented_code_reads_as_its_plain_self(minor: int, name: str) -> None:
    code = snippet(minor, name)
    plain, instrumented = bytes.fromhex(code["code"]), bytes.fromhex(code["instrumented"])
    stand_in = number(minor, "INSTRUMENTED_LINE")
    kept = bytes(
        plain[2 * unit] if instrumented[2 * unit] == stand_in else 0
        for unit in range(len(plain) // 2)
    )
    assert any(kept)
    assert decoded(instrumented, minor, Instrumentation(lines=kept)) == code["instructions"]


def test_a_stand_in_without_its_original_ends_the_list() -> None:
    code = bytes.fromhex(snippet(13, "clears")["instrumented"])
    assert len(instructions(code, opcodes_of(13))) < len(snippet(13, "clears")["instructions"])


def test_prefixes_are_folded_into_the_argument() -> None:
    prefix, load = number(13, "EXTENDED_ARG"), number(13, "LOAD_CONST")
    assert decoded(bytes([prefix, 1, prefix, 2, load, 3, load, 4]), 13) == [
        [2, "LOAD_CONST", 0x010203],
        [3, "LOAD_CONST", 4],
    ]


def test_the_list_ends_where_no_instruction_is() -> None:
    nothing = next(n for n, name in enumerate(opcodes_of(13).plain) if name is None)
    load = number(13, "LOAD_CONST")
    assert decoded(bytes([load, 1, nothing, 0, load, 2]), 13) == [[0, "LOAD_CONST", 1]]
    assert decoded(bytes([load, 1, load]), 13) == [[0, "LOAD_CONST", 1]]


@pytest.mark.parametrize(
    ("name", "oparg", "effect"),
    [
        ("CALL", 2, (4, 1)),
        ("LOAD_GLOBAL", 3, (0, 2)),
        ("LOAD_GLOBAL", 2, (0, 1)),
        ("UNPACK_EX", 0x203, (1, 1 + 3 + 2)),
        ("BUILD_SLICE", 3, (3, 1)),
        ("BUILD_SLICE", 2, (2, 1)),
        ("SWAP", 3, (3, 3)),
        ("BUILD_MAP", 2, (4, 1)),
    ],
)
@pytest.mark.parametrize("minor", MINORS)
def test_stack_effects(minor: int, name: str, oparg: int, effect: tuple[int, int]) -> None:
    table = opcodes_of(minor)
    assert table.effect(name, oparg) == effect


@pytest.mark.parametrize("version", VERSIONS)
def test_what_monitoring_replaced_is_read_from_the_code_object(version: str) -> None:
    layout = Layout(lambda name: None, None, shipped_table(version, "release"))
    memory = FakeMemory({0x1000: bytes(1024)})
    code, monitoring, lines, each = 0x1000, 0x1200, 0x1300, 0x1340
    memory.write_word(code + layout.offset("PyCodeObject", "ob_size"), 3)
    memory.write_word(code + layout.offset("PyCodeObject", "_co_monitoring"), monitoring)
    memory.write_word(monitoring + layout.offset("_PyCoMonitoringData", "lines"), lines)
    memory.write_word(
        monitoring + layout.offset("_PyCoMonitoringData", "per_instruction_opcodes"), each
    )
    memory.write(lines, bytes([2, 0, 0, 83, 1, 85, 2]))
    memory.write(each, bytes([149, 0, 0]))
    assert read_instrumentation(memory, layout, code) == Instrumentation(
        bytes([0, 83, 85]), bytes([149, 0, 0])
    )


def test_damaged_monitoring_data_is_as_none() -> None:
    layout = Layout(lambda name: None, None, shipped_table("3.13.5", "release"))
    memory = FakeMemory({0x1000: bytes(512)})
    memory.write_word(0x1000 + layout.offset("PyCodeObject", "_co_monitoring"), 0xDEAD0000)
    assert read_instrumentation(memory, layout, 0x1000) == Instrumentation()
    assert read_instrumentation(memory, layout, 0x9000) == Instrumentation()
