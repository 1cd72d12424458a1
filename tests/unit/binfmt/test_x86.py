"""Instructions decoded from their bytes, as gdb's disassembler shows them."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gdbext.binfmt.x86.instruction import LONGEST, MemoryOperand, decode, general


@pytest.mark.parametrize(
    ("code", "text", "accesses"),
    [
        ("488b7818", "mov 0x18(%rax),%rdi", [("0x18(%rax)", False)]),
        ("48897818", "mov %rdi,0x18(%rax)", [("0x18(%rax)", True)]),
        ("48837b0800", "cmpq $0x0,0x8(%rbx)", [("0x8(%rbx)", False)]),
        ("f680ab00000004", "testb $0x4,0xab(%rax)", [("0xab(%rax)", False)]),
        ("48c70300000000", "movq $0x0,(%rbx)", [("(%rbx)", True)]),
        ("488b14cb", "mov (%rbx,%rcx,8),%rdx", [("(%rbx,%rcx,8)", False)]),
        ("488b53f8", "mov -0x8(%rbx),%rdx", [("-0x8(%rbx)", False)]),
        ("ff5010", "call *0x10(%rax)", [("0x10(%rax)", False)]),
        ("ff6010", "jmp *0x10(%rax)", [("0x10(%rax)", False)]),
        ("f00fb0480a", "lock cmpxchg %cl,0xa(%rax)", [("0xa(%rax)", True)]),
        ("ff430c", "incl 0xc(%rbx)", [("0xc(%rbx)", True)]),
        ("488b0510000000", "mov 0x10(%rip),%rax", [("0x10(%rip)", False)]),
        ("55", "push %rbp", [("-0x8(%rsp)", True)]),
        ("f30f6f03", "movdqu (%rbx),%xmm0", [("(%rbx)", False)]),
        ("4889c3", "mov %rax,%rbx", []),
        ("488d7818", "lea 0x18(%rax),%rdi", []),
        ("c3", "ret", []),
        ("660f1f00", "nopw (%rax)", []),
        ("64488b38", "mov %fs:(%rax),%rdi", [("%fs:(%rax)", False)]),
        ("488b4018", "mov 0x18(%rax),%rax", [("0x18(%rax)", False)]),
        ("488b4118", "mov 0x18(%rcx),%rax", [("0x18(%rcx)", False)]),
        ("f3a4", "rep movsb (%rsi),(%rdi)", [("(%rsi)", False), ("(%rdi)", True)]),
        ("f348ab", "rep stos %rax,(%rdi)", [("(%rdi)", True)]),
        ("f0830301", "lock addl $0x1,(%rbx)", [("(%rbx)", True)]),
        ("f048ff4808", "lock decq 0x8(%rax)", [("0x8(%rax)", True)]),
        ("488703", "xchg %rax,(%rbx)", [("(%rbx)", True)]),
        ("f00fc14310", "lock xadd %eax,0x10(%rbx)", [("0x10(%rbx)", True)]),
        ("440fb6542440", "movzbl 0x40(%rsp),%r10d", [("0x40(%rsp)", False)]),
        ("48631487", "movslq (%rdi,%rax,4),%rdx", [("(%rdi,%rax,4)", False)]),
        ("62e1fe486f4e01", "vmovdqu64 0x40(%rsi),%zmm17", [("0x40(%rsi)", False)]),
        ("62e17fa96f4601", "vmovdqu8 0x20(%rsi),%ymm16{%k1}{z}", [("0x20(%rsi)", False)]),
        ("c5fe7f4417e0", "vmovdqu %ymm0,-0x20(%rdi,%rdx)", [("-0x20(%rdi,%rdx)", True)]),
        ("0f1107", "movups %xmm0,(%rdi)", [("(%rdi)", True)]),
        (
            "6448a18877665544332211",
            "movabs %fs:0x1122334455667788,%rax",
            [("%fs:0x1122334455667788", False)],
        ),
        ("48f77108", "divq 0x8(%rcx)", [("0x8(%rcx)", False)]),
        ("f73e", "idivl (%rsi)", [("(%rsi)", False)]),
        ("0f944310", "sete 0x10(%rbx)", [("0x10(%rbx)", True)]),
        ("488b042500000000", "mov 0x0,%rax", [("0x0", False)]),
        ("c744241cf4ffffff", "movl $0xfffffff4,0x1c(%rsp)", [("0x1c(%rsp)", True)]),
        ("80bdc8fefffff4", "cmpb $0xf4,-0x138(%rbp)", [("-0x138(%rbp)", False)]),
        ("e800000000", "call 0x5", [("-0x8(%rsp)", True)]),
        ("486b47081a", "imul $0x1a,0x8(%rdi),%rax", [("0x8(%rdi)", False)]),
        ("660f740f", "pcmpeqb (%rdi),%xmm1", [("(%rdi)", False)]),
        ("f20f2a4008", "cvtsi2sdl 0x8(%rax),%xmm0", [("0x8(%rax)", False)]),
        ("db6c2420", "fldt 0x20(%rsp)", [("0x20(%rsp)", False)]),
        ("dd1f", "fstpl (%rdi)", [("(%rdi)", True)]),
        ("62f37d203f0700", "vpcmpeqb (%rdi),%ymm16,%k0", [("(%rdi)", False)]),
        ("62f375203e0f04", "vpcmpnequb (%rdi),%ymm17,%k1", [("(%rdi)", False)]),
        ("f20fc24f0806", "cmpnlesd 0x8(%rdi),%xmm1", [("0x8(%rdi)", False)]),
        ("0f0b", "ud2", []),
        ("f4", "hlt", []),
    ],
)
def test_instruction(code: str, text: str, accesses: list[tuple[str, bool]]) -> None:
    instruction = decode(bytes.fromhex(code) + b"\x90" * 4)
    assert instruction is not None
    assert instruction.size == len(code) // 2
    assert str(instruction) == text
    assert [(str(each), each.is_written) for each in instruction.accesses] == accesses


@pytest.mark.parametrize(
    "code", ["48", "488b", "488b05101000", "0f38", "62e1fe48", "06", "0f04", ""]
)
def test_unknown_or_cut_short(code: str) -> None:
    assert decode(bytes.fromhex(code)) is None


def test_a_branch_shows_where_it_leads() -> None:
    call = decode(bytes.fromhex("e8fb0f0000"))
    assert call is not None
    assert call.text(0x400000) == "call 0x401000"


def test_addresses() -> None:
    registers = {"rbx": 0x1000, "rcx": 4, "rax": (1 << 64) - 8}
    scaled = MemoryOperand(base="rbx", index="rcx", scale=8, displacement=-16)
    assert scaled.address(registers) == 0x1010
    assert MemoryOperand(base="rax", displacement=0x18).address(registers) == 0x10
    assert MemoryOperand(base="rip", displacement=0x10).address({}, 0x400007) == 0x400017
    assert MemoryOperand(base="rdx").address(registers) is None
    assert MemoryOperand(segment="fs", displacement=0x28).address(registers) is None


def test_an_address_only_named_is_not_accessed() -> None:
    lea = decode(bytes.fromhex("488d7818"))
    assert lea is not None
    assert lea.operands[0] == MemoryOperand(base="rax", displacement=0x18, is_accessed=False)
    assert lea.accesses == []


@settings(max_examples=2000)
@given(st.binary(max_size=LONGEST))
@example(bytes.fromhex("620301602500"))  # a length of vectors that there is not
def test_any_bytes_are_an_instruction_or_none(code: bytes) -> None:
    instruction = decode(code)
    if instruction is not None:
        assert 0 < instruction.size <= len(code)
        assert decode(code[: instruction.size]) == instruction
        assert decode(code[: instruction.size - 1]) is None


def test_second_bytes_of_registers_exist_without_rex_only() -> None:
    assert [general(n, 8, has_rex=False) for n in range(4, 8)] == ["ah", "ch", "dh", "bh"]
    assert [general(n, 8) for n in range(4, 8)] == ["spl", "bpl", "sil", "dil"]
