"""A pre-release with one version's numbers and another's stack effects: its own code objects say
which it has.
"""

from __future__ import annotations

from gdbext.cpython.interpreter.bytecode import Instrumentation
from gdbext.cpython.interpreter.code_check import CheckedCode, fault_in
from gdbext.cpython.interpreter.opcode_choice import ENOUGH_ALONE, OpcodeEvidence, choose
from gdbext.cpython.interpreter.opcodes import Opcodes, opcodes
from gdbext.cpython.versions.catalog import shipped

NUMBER = 0x030F00A0
BY_NAME = {facts.name: facts for facts in shipped()}
OLD, NEW = "3.14.10", "3.15.0"


def table(name: str) -> Opcodes:
    return opcodes(name, BY_NAME[name].opcodes())


def code(of: Opcodes, *, popped: int) -> CheckedCode:
    """``for x in y: return``, where so many values are popped before the return."""

    def encoded(*names: str) -> bytes:
        return b"".join(
            bytes((of.numbers[name], 0)) + bytes(2 * of.caches[of.numbers[name]]) for name in names
        )

    start = encoded("RESUME", "LOAD_FAST", "GET_ITER")
    body = encoded("STORE_FAST", *("POP_TOP",) * popped, "LOAD_CONST", "RETURN_VALUE")
    loop = bytearray(encoded("FOR_ITER"))
    loop[1] = len(body) // 2
    return CheckedCode(
        content=start + loop + body + encoded("END_FOR", "POP_ITER", "LOAD_CONST", "RETURN_VALUE"),
        instrumentation=Instrumentation(),
        exception_table=b"",
        stack_size=4,
        names=0,
        constants=1,
        variables=1,
    )


def arrays(of: Opcodes) -> tuple[bytes, bytes]:
    """The process's ``_PyOpcode_Deopt`` and ``_PyOpcode_Caches``."""
    deopt = bytes(of.numbers[name] if (name := of.plain[n]) else n for n in range(256))
    base = set(of.numbers.values())
    return deopt, bytes(of.caches[n] if n in base else 0 for n in range(256))


def test_numbers_of_one_version_with_effects_of_the_next() -> None:
    old = table(OLD)
    newer_code = code(old, popped=2)  # both values of a virtual iterator
    assert fault_in(newer_code, old)
    evidence = OpcodeEvidence(magic=3652, arrays=arrays(old))
    choice = choose(NUMBER, None, evidence, [newer_code] * ENOUGH_ALONE)
    assert choice.table is not None
    assert choice.table.numbers == old.numbers
    assert choice.table.effects["GET_ITER"] == table(NEW).effects["GET_ITER"]
    assert choice.table.effects["SEND"] == old.effects["SEND"]


def test_code_that_no_mixture_explains_leaves_no_table() -> None:
    old = table(OLD)
    strange = code(old, popped=3)
    evidence = OpcodeEvidence(magic=3652, arrays=arrays(old))
    choice = choose(NUMBER, None, evidence, [strange] * ENOUGH_ALONE)
    assert choice.table is None
    assert choice.problem


def test_without_the_processs_own_arrays_nothing_is_mixed() -> None:
    newer_code = code(table(OLD), popped=2)
    choice = choose(NUMBER, None, OpcodeEvidence(magic=3652), [newer_code] * ENOUGH_ALONE)
    assert choice.table is None
