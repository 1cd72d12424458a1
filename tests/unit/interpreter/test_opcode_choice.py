"""Which table of instructions is used: only one that the process itself does not contradict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fakes import FakeMemory, opcodes_of
from gdbext.cpython.interpreter.code_check import CheckedCode
from gdbext.cpython.interpreter.opcode_choice import (
    ENOUGH,
    ENOUGH_ALONE,
    OpcodeEvidence,
    choose,
    read_arrays,
)
from gdbext.cpython.versions.catalog import nearest, number_of
from gdbext.cpython.versions.learnt import Learnt
from unit.interpreter.code_samples import LINEAR, stored

OLD, NEW = 13, 14
OF_OLD = opcodes_of(OLD)


def codes(minor: int, count: int) -> list[CheckedCode]:
    return [stored(minor, LINEAR[i % len(LINEAR)]) for i in range(count)]


def shuffled(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same instructions with each other's numbers."""
    names = sorted(content["opcodes"])
    moved = dict(zip(names, names[1:] + names[:1]))
    return {**content, "opcodes": {n: content["opcodes"][moved[n]] for n in names}}


def learnt(opcodes: Mapping[str, Any]) -> Learnt:
    return Learnt(
        {
            "version": "3.13.5",
            "hex": number_of("3.13.5"),
            "build_id": "ab" * 20,
            "layouts": {},
            "offsets": [],
            "opcodes": opcodes,
            "symbols": {},
        }
    )


def facts_of(minor: int) -> Mapping[str, Any]:
    return nearest(number_of(f"3.{minor}.0"))[0].opcodes()


def test_the_code_objects_decide_and_not_the_version_number() -> None:
    """A process that says that it is 3.14, and has the instructions of 3.13."""
    choice = choose(number_of("3.14.10"), None, OpcodeEvidence(), codes(OLD, ENOUGH_ALONE))
    assert choice.table is not None
    assert choice.table.numbers == OF_OLD.numbers
    assert choice.problem is None


def test_a_magic_number_makes_few_code_objects_enough() -> None:
    few = codes(OLD, ENOUGH)
    magic = OF_OLD.magic
    assert choose(number_of("3.13.5"), None, OpcodeEvidence(), few).table is None
    named = choose(number_of("3.13.5"), None, OpcodeEvidence(magic=magic), few)
    assert named.table is not None
    assert named.table.magic == magic


def test_a_damaged_code_object_among_many_is_tolerated_where_the_table_is_named() -> None:
    many = [*codes(OLD, 2 * ENOUGH_ALONE), stored(NEW)]
    evidence = OpcodeEvidence(magic=OF_OLD.magic)
    assert choose(number_of("3.13.5"), None, evidence, many).table is not None
    assert choose(number_of("3.13.5"), None, OpcodeEvidence(), many).table is None


def test_the_loaded_module_of_opcodes_contradicts_a_table() -> None:
    numbers = {**OF_OLD.numbers, "LOAD_CONST": OF_OLD.numbers["LOAD_CONST"] + 1}
    evidence = OpcodeEvidence(magic=OF_OLD.magic, numbers=numbers)
    choice = choose(number_of("3.13.5"), None, evidence, codes(OLD, ENOUGH_ALONE))
    assert choice.table is None
    assert choice.problem is not None
    assert "operations of Python code are not named" in choice.problem
    assert "LOAD_CONST is number" in choice.problem
    assert "gdbext learn PYTHON" in choice.problem


def test_no_table_without_code_to_try_it_on() -> None:
    choice = choose(number_of("3.13.5"), None, OpcodeEvidence(magic=OF_OLD.magic), [])
    assert choice.table is None


def test_what_was_learnt_comes_first() -> None:
    choice = choose(
        number_of("3.15.0"), learnt(facts_of(OLD)), OpcodeEvidence(), codes(OLD, ENOUGH)
    )
    assert choice.table is not None
    assert choice.table.name == "3.13.5 of build abababababab"
    assert choice.problem is None


def test_what_was_learnt_wrongly_is_refused_and_that_is_said() -> None:
    own = learnt(shuffled(facts_of(OLD)))
    choice = choose(number_of("3.13.5"), own, OpcodeEvidence(), codes(OLD, ENOUGH_ALONE))
    assert choice.table is not None
    assert choice.table.numbers == OF_OLD.numbers
    assert choice.problem is not None
    assert choice.problem.startswith("the instructions learnt of 3.13.5 of build abababababab: ")


def test_a_build_whose_instructions_were_not_learnt_has_the_shipped_ones() -> None:
    choice = choose(number_of("3.13.5"), learnt({}), OpcodeEvidence(), codes(OLD, ENOUGH_ALONE))
    assert choice.table is not None
    assert choice.problem is None


# --- the process's own arrays ---------------------------------------------------------------------


def arrays(minor: int) -> tuple[bytes, bytes]:
    """``_PyOpcode_Deopt`` and ``_PyOpcode_Caches`` of that version."""
    table = opcodes_of(minor)
    deopt = bytes(table.numbers[name] if (name := table.plain[n]) else n for n in range(256))
    base = set(table.numbers.values())
    return deopt, bytes(table.caches[n] if n in base else 0 for n in range(256))


def test_arrays_of_another_version_refuse_a_table() -> None:
    evidence = OpcodeEvidence(magic=OF_OLD.magic, arrays=arrays(NEW))
    choice = choose(number_of("3.13.5"), None, evidence, codes(OLD, ENOUGH_ALONE))
    assert choice.table is None


def test_specialisations_are_the_processs_own() -> None:
    """They are renumbered without a new magic number."""
    deopt, caches = (bytearray(array) for array in arrays(OLD))
    spare = next(
        n for n in range(200, 256) if OF_OLD.plain[n] is None and n not in OF_OLD.stand_ins
    )
    deopt[spare] = OF_OLD.numbers["LOAD_ATTR"]
    evidence = OpcodeEvidence(magic=OF_OLD.magic, arrays=(bytes(deopt), bytes(caches)))
    choice = choose(number_of("3.13.5"), None, evidence, codes(OLD, ENOUGH_ALONE))
    assert choice.table is not None
    assert choice.table.plain[spare] == "LOAD_ATTR"
    assert choice.table.caches[spare] == OF_OLD.caches[OF_OLD.numbers["LOAD_ATTR"]]


@pytest.mark.parametrize("order", ["deopt first", "caches first"])
def test_arrays_are_found_without_symbols(order: str) -> None:
    deopt, caches = arrays(OLD)
    pair = deopt + caches if order == "deopt first" else caches + deopt
    start = 0x10000
    memory = FakeMemory({start: bytes(0x340) + pair + bytes(0x200)})
    ranges = [(start, start + 0x340 + 512 + 0x200)]
    assert read_arrays(memory, lambda _: None, ranges) == (deopt, caches)
    assert read_arrays(memory, lambda _: None, [(0x900000, 0x901000)]) is None


def test_symbols_that_lead_to_something_else_are_not_believed() -> None:
    deopt, caches = arrays(OLD)
    memory = FakeMemory({0x1000: deopt, 0x2000: caches, 0x3000: bytes(256)})
    places = {"_PyOpcode_Deopt": 0x1000, "_PyOpcode_Caches": 0x2000}
    assert read_arrays(memory, places.get, []) == (deopt, caches)
    places["_PyOpcode_Deopt"] = 0x3000
    assert read_arrays(memory, places.get, []) is None
