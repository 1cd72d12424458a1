"""What the processor refused: SIGFPE and SIGILL, whose si_addr is where the instruction lies."""

from __future__ import annotations

import pytest

from fakes import FakeDebugger
from gdbext.diagnosis.facts.fault import Fault, Refused
from gdbext.diagnosis.observe.fault import read_fault
from gdbext.diagnosis.rules import ft203_container_changed, ft404_native_fault
from gdbext.target.protocol import NativeFrame, Signal
from gdbext.wording import sentence
from unit.diagnosis.crash_world import EXTENSION, facts_of, stack_of
from unit.heap.heap_world import HeapWorld

PC = 0x400000
DIVISION, ILLEGAL = (8, "FPE_INTDIV"), (4, "ILL_ILLOPN")
FRAME = NativeFrame(0, PC, 0x7000, "ring_push", module=EXTENSION)


def refused(code: str, signal: tuple[int, str], **registers: int) -> Fault:
    """A fault at the instruction whose bytes are given in hex."""
    number, name = signal
    fake = FakeDebugger(
        {PC: bytes.fromhex(code).ljust(16, b"\x90"), 0x6000: bytes(0x1000) + b"\x00\x01".ljust(16)}
    )
    fake.stop = Signal("SIGFPE" if number == 8 else "SIGILL", 7, number, name, PC)
    fake.register_sets[7, 0] = {"rip": PC, "rsp": 0x7000, **registers}
    return read_fault(fake, fake, fake.stop, [FRAME], 7)


@pytest.mark.parametrize(
    ("code", "registers", "said"),
    [
        ("49f7fc", {"r12": 0}, "integer division by zero"),
        ("49f7fc", {"r12": (1 << 64) - 1}, "integer division whose quotient does not fit"),
        ("f7f9", {"rcx": 5 << 32}, "integer division by zero"),
        ("f6f4", {"rax": 0x00FF}, "integer division by zero"),
        ("f63f", {"rdi": 0x7000}, "integer division by zero"),
        ("f63f", {"rdi": 0x7001}, "integer division whose quotient does not fit"),
        ("f63f", {"rdi": 0x10}, "integer division by zero, or whose quotient does not fit"),
        ("49f7fc", {}, "integer division by zero, or whose quotient does not fit"),
        ("ffff", {}, "integer division by zero, or whose quotient does not fit"),
    ],
)
def test_the_divisor_says_why_a_division_failed(
    code: str, registers: dict[str, int], said: str
) -> None:
    fault = refused(code, DIVISION, **registers)
    assert fault.refusal is not None
    assert sentence(fault.refusal.claim) == said
    assert (fault.jumped_to, fault.operand, fault.address, fault.access) == (None,) * 4


@pytest.mark.parametrize(
    ("code", "why"),
    [
        pytest.param("0f0b", Refused.TRAP, id="ud2"),
        pytest.param("670fb94002", Refused.TRAP, id="ud1, as clang's checks have it"),
        pytest.param("62f17c4858c0", Refused.ILLEGAL, id="vaddps %zmm0,%zmm0,%zmm0"),
        pytest.param("06", Refused.ILLEGAL, id="none in 64-bit mode"),
    ],
)
def test_a_trap_is_an_instruction_that_is_defined_to_be_none(code: str, why: Refused) -> None:
    fault = refused(code, ILLEGAL)
    assert fault.refusal is not None
    assert fault.refusal.why is why
    assert (fault.jumped_to, fault.address) == (None, None)


def test_a_breakpoint_lies_before_the_program_counter() -> None:
    fake = FakeDebugger({PC: b"\xcc".ljust(16, b"\x90")})
    fake.stop = Signal("SIGTRAP", 7, 5, "SI_KERNEL")
    fake.register_sets[7, 0] = {"rip": PC + 1}
    fault = read_fault(fake, fake, fake.stop, [FRAME], 7)
    assert fault.refusal is not None
    assert (fault.refusal.why, fault.instruction) == (Refused.BREAKPOINT, "int3")
    assert (fault.address, fault.is_crash, fault.is_trap) == (None, True, True)


def test_a_floating_point_exception_is_no_division() -> None:
    fault = refused("f30f5ec1", (8, "FPE_FLTDIV"))
    assert fault.refusal is not None
    assert fault.refusal.why is Refused.FLOATING_POINT


def test_a_refused_instruction_is_told_with_its_divisor() -> None:
    fault = refused("49f7fc", DIVISION, r12=0)
    [found] = ft404_native_fault.check(facts_of(HeapWorld(), fault=fault, stack=stack_of(FRAME)))
    assert sentence(found.title) == (
        "native fault outside Python objects: integer division by zero in ring_push of shapes"
    )
    assert [(sentence(e.claim), str(e.value)) for e in found.evidence] == [
        ("faulting instruction", "idiv %r12"),
        ("its divisor %r12", "0x0"),
    ]
    assert "divisor" in found.advice


def test_a_refused_instruction_accessed_nothing_near_null() -> None:
    facts = facts_of(HeapWorld(), fault=refused("49f7fc", DIVISION, r12=0), stack=stack_of(FRAME))
    assert not list(ft203_container_changed.check(facts))
