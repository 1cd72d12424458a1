"""Where a register's value came from, by a function's instructions."""

from __future__ import annotations

import struct

import pytest

from fakes import FakeMemory
from gdbext.binfmt.dataflow import (
    EntryRegister,
    MemoryLoad,
    ValueSource,
    argument_source,
    at_instruction,
    call_arguments,
    source_of,
)

START, HOLDER, ARRAY, ITEM, TOP = 0x401000, 0x20000, 0x30000, 0x40000, 0x7000
REGISTERS = {"rdi": HOLDER, "rsp": TOP, "rip": START}
TWO_LOADS = "488b4728 488b4008 488b4018"  # mov 0x28(%rdi),%rax; mov 8(%rax),%rax; mov 0x18(%rax),…


def source(code: str, at: int, register: str, has: int, **registers: int) -> ValueSource:
    data = bytes.fromhex(code.replace(" ", ""))
    memory = FakeMemory({START: data, HOLDER: words(holder=True), ARRAY: words(), TOP: bytes(64)})
    known = {**REGISTERS, **registers}
    return source_of(memory, range(START, START + len(data)), START + at, known, register, has)


def words(holder: bool = False) -> bytes:
    """The holder has the array at 0x28, the array an item at 8."""
    values = [0] * 16
    values[5 if holder else 1] = ARRAY if holder else ITEM
    return struct.pack("<16Q", *values)


def test_loads_are_followed_to_the_argument() -> None:
    """The holder is still in its register; the array is not, and is read again."""
    found = source(TWO_LOADS, 8, "rax", ITEM)
    assert found == ValueSource(
        loads=(
            MemoryLoad(place=ARRAY + 8, value=ITEM, base=ARRAY, offset=8, is_read_again=True),
            MemoryLoad(
                place=HOLDER + 0x28, value=ARRAY, base=HOLDER, offset=0x28, is_read_again=True
            ),
        ),
        argument=0,
    )


def test_an_index_that_has_gone_on_since() -> None:
    """mov 0x28(%rdi),%rax; mov (%rax,%rsi,8),%rdx; add $1,%rsi; mov 0x18(%rdx),%rcx."""
    found = source("488b4728 488b14f0 4883c601 488b4a18 c3", 12, "rdx", ITEM, rsi=2, rax=ARRAY)
    assert found.loads[0] == MemoryLoad(place=ARRAY + 8, value=ITEM, base=ARRAY, offset=8)
    assert found.loads[1].base == HOLDER


def test_the_index_of_a_loop_is_what_its_register_has() -> None:
    """xor %eax,%eax; 1: mov 0x28(%rdi),%rdx; mov (%rdx,%rax,8),%rdx; add $1,%rax;
    add 0x20(%rdx),%rsi; cmp %r8,%rax; jle 1b.
    """
    found = source("31c0 488b5728 488b14c2 4883c001 48037220 4c39c0 7eeb c3", 14, "rdx", 0, rax=5)
    assert [load.place for load in found.loads] == [ARRAY + 8 * 4, HOLDER + 0x28]


def test_two_ways_that_do_not_agree() -> None:
    """test %esi,%esi; je 1f; mov 0x10(%rdi),%rax; jmp 2f; 1: mov 0x18(%rdi),%rax; 2: mov (%rax)…"""
    found = source("85f6 7406 488b4710 eb04 488b4718 488b00 c3", 14, "rax", 0)
    assert found == ValueSource()


def test_what_a_call_returned() -> None:
    """sub $8,%rsp; call …; mov 0x18(%rax),%rax."""
    found = source("4883ec08 e8fb000000 488b4018 c3", 9, "rax", 0)
    assert found == ValueSource(result_of=START + 9)


def test_what_was_read_before_a_call_is_not_fresh() -> None:
    """push %rbx; mov 0x20(%rdi),%rbx; call …; mov 0x18(%rbx),%rax."""
    code = "53 488b5f20 e8fb000000 488b4318 c3"
    assert source(code, 10, "rbx", 0).loads == ()  # rdi has something else by now
    values = at_instruction(bytes.fromhex(code.replace(" ", "")), START, START + 10)
    assert values["rdi"] != EntryRegister("rdi")


def test_a_register_that_calls_preserve_keeps_the_base() -> None:
    """push %rbx; mov %rdi,%rbx; call …; mov 0x28(%rbx),%rax; mov (%rax),%rax; mov 8(%rax),…"""
    code = "53 4889fb e8fb000000 488b4328 488b00 488b4008 c3"
    found = source(code, 16, "rax", 0, rbx=HOLDER)
    assert [(load.base, load.is_fresh) for load in found.loads] == [(ARRAY, True), (HOLDER, True)]
    assert found.argument == 0


def test_a_load_before_a_call_in_a_preserved_register() -> None:
    """push %rbx; push %r12; mov %rdi,%r12; mov 0x28(%rdi),%rbx; call …; mov 0x18(%rbx),%rax."""
    code = "53 4154 4989fc 488b5f28 e8fb000000 488b4318 c3"
    found = source(code, 15, "rbx", ARRAY, r12=HOLDER)
    assert [(load.base, load.is_fresh) for load in found.loads] == [(HOLDER, False)]


def test_a_table_of_jumps_hides_ways() -> None:
    """mov (%rdx,%rsi,8),%rdx; mov 0x20(%rdi),%rax; jmp *%rdx; mov 0x18(%rax),%rax."""
    assert source("488b14f2 488b4720 ffe2 488b4018 c3", 10, "rax", 0) == ValueSource()


def test_a_slot_of_the_stack_that_others_may_write_to() -> None:
    """sub $0x18,%rsp; mov 0x28(%rdi),%rax; mov %rax,8(%rsp); lea 8(%rsp),%rdi; call …;
    mov 8(%rsp),%rax; mov 0x18(%rax),%rax: only that it is the slot's is known.
    """
    code = "4883ec18 488b4728 4889442408 488d7c2408 e8fb000000 488b442408 488b4018 c3"
    (load,) = source(code, 28, "rax", 0).loads
    assert (load.place, load.is_local) == (TOP + 8, True)


def test_a_slot_of_the_stack_that_is_the_function_s_own() -> None:
    """The same without the address that is given to the call: what was stored is there still."""
    code = "4883ec18 488b4728 4889442408 e8fb000000 488b442408 488b4018 c3"
    values = at_instruction(bytes.fromhex(code.replace(" ", "")), START, START + 23)
    assert values["rax"] == values[-16]


def test_the_way_from_where_an_exception_is_caught() -> None:
    """mov 0x20(%rdi),%rbx; call …; 1: mov 0x18(%rbx),%rax; ret; mov %rax,%rbx; jmp 1b: no jump
    leads to the last two.
    """
    assert source("488b5f20 e8fb000000 488b4318 c3 4889c3 ebf6", 9, "rbx", 0) == ValueSource()


def test_a_variable_of_the_module() -> None:
    """mov 0x2f00(%rip),%rax; mov 0x20(%rax),%rax; mov 0xc(%rax),%edx."""
    place = START + 7 + 0x2F00
    data = bytes.fromhex("488b05002f0000 488b4020 8b500c c3".replace(" ", ""))
    memory = FakeMemory({START: data, place: struct.pack("<Q", HOLDER), HOLDER: bytes(64)})
    found = source_of(memory, range(START, START + len(data)), START + 11, REGISTERS, "rax", 0)
    assert [(load.place, load.base) for load in found.loads] == [
        (HOLDER + 0x20, HOLDER),
        (place, None),
    ]


def test_what_an_earlier_round_of_a_loop_read_is_another_value() -> None:
    """1: mov 0x20(%rdi),%rbx; mov %rbx,%rdi; test %rdi,%rdi; jne 1b; mov 0x18(%rbx),%rax."""
    found = source("488b5f20 4889df 4885ff 75f4 488b4318 c3", 12, "rbx", 0, rdi=0)
    assert found == ValueSource()


@pytest.mark.parametrize("code", ["", "ff", "0f0b", "c5f8"])
def test_code_that_cannot_be_read(code: str) -> None:
    assert source(code, 0, "rax", 0) == ValueSource()


def test_an_instruction_that_is_not_known_hides_ways() -> None:
    """mov 0x28(%rdi),%rax; test %rsi,%rsi; je 1f; …; 1: mov 0x18(%rax),%rax."""
    before, behind = "488b4728 4885f6 7405", "488b4018 c3" + "90" * 16
    known = source(before + "0f1f440000" + behind, 14, "rax", ARRAY)
    assert [load.place for load in known.loads] == [HOLDER + 0x28]
    aes = "660f38dcc1"  # aesenc %xmm1,%xmm0
    assert source(before + aes + behind, 14, "rax", ARRAY) == ValueSource()


def test_a_place_that_cannot_be_read() -> None:
    assert source(TWO_LOADS, 8, "rax", ITEM, rdi=0xDEAD0000).loads == ()


def test_what_a_call_was_given() -> None:
    """sub $8,%rsp; call …; mov %rax,%rbx; lea 0x10(%rip),%rsi; mov %rbx,%rdi; mov %r9d,%edx; call
    …
    """
    code = bytes.fromhex("4883ec08e8fb0000004889c3488d35100000004889df4489cae8fb000000")
    memory = FakeMemory({START: code})
    registers = {"rbx": ITEM, "rsp": TOP, "rdx": 7}
    end = START + len(code)
    assert call_arguments(memory, range(START, end), end, registers) == {
        0: ITEM,
        1: START + 19 + 0x10,
    }


# mov 0x28(%rbx),%rax; mov 8(%rax),%rdi; mov %r12,%rsi; call …
PASSES_ON = bytes.fromhex("488b4328488b78084c89e6e800010000")


def passed(position: int, has: int, inner_has_called: bool = True, **registers: int) -> ValueSource:
    """Where the caller had that argument of its call from."""
    memory = FakeMemory({START: PASSES_ON, HOLDER: words(holder=True), ARRAY: words()})
    function = range(START, START + len(PASSES_ON))
    known = {"rbx": HOLDER, "r12": 7, "rsp": TOP, **registers}
    return argument_source(memory, function, function.stop, known, position, has, inner_has_called)


def test_where_a_caller_had_an_argument_from() -> None:
    of_item, of_array = passed(0, ITEM).loads
    assert (of_item.place, of_item.base, of_item.value) == (ARRAY + 8, ARRAY, ITEM)
    assert (of_array.place, of_array.base) == (HOLDER + 0x28, HOLDER)
    assert not of_item.is_fresh
    assert not of_array.is_fresh


def test_what_is_fresh_where_nothing_was_called_but_the_function_at_fault() -> None:
    found = passed(0, ITEM, inner_has_called=False)
    assert [load.is_fresh for load in found.loads] == [True, True]
    assert not passed(2, 9, inner_has_called=False).has_called
    code = bytes.fromhex("e8fb000000") + PASSES_ON  # call …, before all of it
    memory = FakeMemory({START: code, HOLDER: words(holder=True), ARRAY: words()})
    function = range(START, START + len(code))
    known = {"rbx": HOLDER, "r12": 7, "rsp": TOP}
    later = argument_source(memory, function, function.stop, known, 0, ITEM, False)
    assert later.loads[0].is_fresh, "read after that call"
    handed_on = bytes.fromhex("e8fb000000") + bytes.fromhex("4c89e7e800010000")  # …; mov %r12,%rdi
    memory = FakeMemory({START: handed_on})
    function = range(START, START + len(handed_on))
    assert argument_source(memory, function, function.stop, known, 0, 7).argument is None


def test_an_argument_that_the_caller_was_called_with_itself() -> None:
    """r12 is none of the registers that arguments come in; rdx was not touched before the call."""
    assert (passed(1, 7).argument, passed(1, 7).loads) == (None, ())
    assert passed(2, 9).argument == 2


def test_the_argument_of_a_call_that_is_not_there() -> None:
    memory = FakeMemory({START: PASSES_ON})
    elsewhere = range(START, START + 11)
    assert argument_source(memory, elsewhere, START + 11, {"rsp": TOP}, 0, 0) == ValueSource()


def test_a_call_that_is_not_there_was_given_nothing() -> None:
    memory = FakeMemory({START: bytes.fromhex("4889df90c3")})
    assert call_arguments(memory, range(START, START + 5), START + 4, {"rsp": TOP}) == {}
    assert call_arguments(memory, range(0x9000, 0x9010), 0x9008, {"rsp": TOP}) == {}


WRITES_BESIDES = {
    "mulx %rdx,%rcx,%rax": ("c4e2f3f6c2", "rcx"),
    "pcmpistri $0,%xmm1,%xmm0": ("660f3a63c100", "rcx"),
    "vpcmpistri $0,%xmm1,%xmm0": ("c4e37963c100", "rcx"),
    "cmpxchg8b (%rsi)": ("0fc70e", "rdx"),
    "cwtl": ("98", "rax"),
    "xlat": ("d7", "rax"),
    "movsb": ("a4", "rsi"),
}


@pytest.mark.parametrize("name", WRITES_BESIDES)
def test_what_an_instruction_writes_without_naming_it_has_no_source_any_more(name: str) -> None:
    code, register = WRITES_BESIDES[name]
    # mov 0x28(%rdi),REGISTER; the instruction; nop
    load = {"rax": "488b4728", "rcx": "488b4f28", "rdx": "488b5728", "rsi": "488b7728"}[register]
    data = bytes.fromhex(load + code + "90")
    assert source(data.hex(), 4, register, ARRAY, **{register: ARRAY}).loads
    assert source(data.hex(), len(data) - 1, register, ARRAY, **{register: ARRAY}).loads == ()


def test_a_move_that_extends_a_number_is_no_string_instruction() -> None:
    """mov 0x28(%rdi),%rax; movslq %esi,%rdx; mov 8(%rax,%rdx,8),%rax"""
    found = source("488b4728 4863d6 488b44d008", 7, "rax", ARRAY, rax=ARRAY, rdx=0)
    assert [load.base for load in found.loads] == [HOLDER]
