"""A function's own instructions say where its arguments are; where they do not say it surely,
nothing is said.
"""

from __future__ import annotations

import pytest

from fakes import FakeMemory
from gdbext.binfmt.recovered_arguments import Place, Register, Slot, entry_arguments, recovered

CALL = "e800000000"
RBX, R12 = Register("rbx"), Register("r12")
# Each ends in a call and a nop; the function is asked about at the nop.
PLACES: dict[str, tuple[str, dict[int, Place]]] = {
    "push rbx; mov rdi,rbx; call": ("53 4889fb", {0: RBX}),
    "sub 24,rsp; mov rdi,8(rsp); call": ("4883ec18 48897c2408", {0: Slot(-16)}),
    "a frame pointer; mov rsi,-8(rbp); call": ("55 4889e5 4883ec10 488975f8", {1: Slot(-16)}),
    "the register has a call's result by then": (f"53 4889fb {CALL} 4889c3", {}),
    "one of two paths keeps it elsewhere": ("53 4885ff 7403 4889fb", {}),
    "one of two paths writes over it": ("53 4889fb 4885f6 7402 31db", {}),
    "half of it": ("53 89fb", {}),
    "half of the slot is written over": ("4883ec18 48897c2408 c744240c00000000", {}),
    "the stack is aligned, by how much is not known": ("4883e4e0 4883ec20 48893c24", {}),
    "behind a jump table": ("53 4889fb ffe0", {}),
    "an exchange takes it away": ("53 4889fb f00fb016 4893", {}),
    "an instruction that is not known": ("53 4889fb d9f0", {}),
}


@pytest.mark.parametrize(("code", "places"), PLACES.values(), ids=list(PLACES))
def test_where_a_caller_keeps_its_arguments(code: str, places: dict[int, Place]) -> None:
    whole = bytes.fromhex(code.replace(" ", "") + CALL + "90")
    assert entry_arguments(whole, len(whole) - 1) == places


def test_a_loop_that_puts_the_register_to_other_use_leaves_nothing() -> None:
    """push rbx; mov rdi,rbx; 1: call; mov 8(rbx),rbx; test rbx,rbx; jne 1b; ret"""
    code = bytes.fromhex("534889fbe800000000488b5b084885db75f2c3")
    assert entry_arguments(code, 9) == {}


def test_the_innermost_function_has_its_arguments_before_its_first_call() -> None:
    # push rbx; mov rdi,rbx; test rsi,rsi; mov 0x20(rdi),rax
    code = bytes.fromhex("534889fb4885f6488b4720")
    places = entry_arguments(code, 7, is_caller=False)
    assert places[0] in (Register("rdi"), RBX)
    assert places[1] == Register("rsi")


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("488b07", 1),  # mov (rdi),rax
        ("488b06", 0),  # mov (rsi),rax: the first is not read, the second is
        ("31ff4889f8", 0),  # xor edi,edi; mov rdi,rax
        ("4c89cf4889f8", 0),  # mov r9,rdi; mov rdi,rax: the last of six, and then no more the first
        ("0f1f07", 0),  # nopl (rdi)
    ],
)
def test_a_register_that_the_function_does_not_read_is_no_argument(code: str, count: int) -> None:
    """What is left in it is anybody's.

    PyObject_GetAttr has no sixth argument, and r9 has a value all the same.
    """
    places = entry_arguments(bytes.fromhex(code + "c3"), 0, is_caller=False)
    assert (0 in places) == bool(count)
    assert 4 not in places


def test_a_call_that_ends_the_function_is_still_its_own() -> None:
    code = bytes.fromhex("534889fbe800000000")
    assert entry_arguments(code, len(code)) == {0: RBX}


def test_values_come_from_the_frames_registers_and_stack() -> None:
    code = bytes.fromhex("53 4883ec10 4889fb 4889742408".replace(" ", "") + CALL + "90")
    caller_sp = 0x8000
    memory = FakeMemory({0x1000: code, caller_sp - 64: bytes(64)})
    memory.write_word(caller_sp - 8 - 8 - 16 + 8, 0x5678)
    function = range(0x1000, 0x1000 + len(code))
    given = recovered(
        memory, function, function.stop - 1, {"rbx": 0x1234}, caller_sp, is_caller=True
    )
    assert given == {0: 0x1234, 1: 0x5678}
    assert recovered(memory, function, function.stop - 1, {}, None, is_caller=True) == {}


def test_code_that_cannot_be_read_says_nothing() -> None:
    assert recovered(FakeMemory(), range(16, 64), 32, {"rbx": 1}, 99, is_caller=True) == {}
