"""The faulting instruction's operand, the stack's end, and what libc and CPython leave
of an abort.
"""

from __future__ import annotations

import struct

import pytest

from fakes import FakeDebugger
from gdbext.binfmt.x86.instruction import Instruction, decode
from gdbext.diagnosis.conclude.reporters import aborted_by_libc, reporter_module
from gdbext.diagnosis.facts.frames import frame_of_signal
from gdbext.diagnosis.observe.fault import (
    LOST_MESSAGE,
    abort_message,
    accessed_operand,
    failed_assertion,
    fatal_message,
    read_fault,
)
from gdbext.target.protocol import NativeFrame, Region, Signal, Symbol, Variable

REGISTERS = {"rax": 1, "rbx": 0x1000, "rcx": 4, "rip": 0x400000, "rsp": 0x7000}


@pytest.mark.parametrize(
    ("code", "text", "address", "is_write"),
    [
        ("488b7818", "mov 0x18(%rax),%rdi", 0x19, False),
        ("48897818", "mov %rdi,0x18(%rax)", 0x19, True),
        ("48837b0800", "cmpq $0x0,0x8(%rbx)", 0x1008, False),
        ("f680ab00000004", "testb $0x4,0xab(%rax)", 0xAC, False),
        ("48c70300000000", "movq $0x0,(%rbx)", 0x1000, True),
        ("488b14cb", "mov (%rbx,%rcx,8),%rdx", 0x1020, False),
        ("488b53f8", "mov -0x8(%rbx),%rdx", 0xFF8, False),
        ("ff5010", "call *0x10(%rax)", 0x11, False),
        ("ff6010", "jmp *0x10(%rax)", 0x11, False),
        ("f00fb0480a", "lock cmpxchg %cl,0xa(%rax)", 0xB, True),
        ("ff430c", "incl 0xc(%rbx)", 0x100C, True),
        ("488b0510000000", "mov 0x10(%rip),%rax", 0x400017, False),
        ("55", "push %rbp", 0x6FF8, True),
        ("e8fb0f0000", "call 0x401000", 0x6FF8, True),
        ("f30f6f03", "movdqu (%rbx),%xmm0", 0x1000, False),
    ],
)
def test_operand(code: str, text: str, address: int, is_write: bool) -> None:
    instruction = instruction_of(code)
    assert instruction.text(0x400000) == text
    operand = accessed_operand(instruction, REGISTERS, 0x400000)
    assert operand is not None
    assert (operand.address, operand.is_write) == (address, is_write)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("4889c3", id="mov %rax,%rbx"),
        pytest.param("488d7818", id="lea 0x18(%rax),%rdi"),
        pytest.param("c3", id="ret"),
        pytest.param("660f1f00", id="nopw (%rax)"),
        pytest.param("64488b38", id="mov %fs:(%rax),%rdi"),
    ],
)
def test_no_operand(code: str) -> None:
    assert accessed_operand(instruction_of(code), REGISTERS, 0x400000) is None


@pytest.mark.parametrize(("fault", "is_write"), [(0x1000, False), (0x2000, True)])
def test_a_copy_has_two_operands(fault: int, is_write: bool) -> None:
    """``rep movsb (%rsi),(%rdi)``: the fault's address says which of them."""
    registers = {"rsi": 0x1000, "rdi": 0x2000}
    operand = accessed_operand(instruction_of("f3a4"), registers, 0x400000, fault)
    assert operand is not None
    assert (operand.address, operand.is_write) == (fault, is_write)


def instruction_of(code: str) -> Instruction:
    instruction = decode(bytes.fromhex(code))
    assert instruction is not None
    return instruction


def test_address_wraps_at_64_bits() -> None:
    mov = instruction_of("488b7818")
    operand = accessed_operand(mov, {"rax": (1 << 64) - 8}, 0x400000)
    assert operand is not None
    assert operand.address == 0x10


def debugger_at(code: str, registers: dict[str, int], signal: Signal) -> FakeDebugger:
    """A thread that was at the instruction whose bytes are given in hex."""
    fake = FakeDebugger({0x400000: bytes.fromhex(code).ljust(16, b"\x90"), 0x6000: bytes(0x2000)})
    fake.stop = signal
    fake.register_sets[7, 0] = registers
    return fake


def test_general_protection_fault_takes_its_address_from_the_operand() -> None:
    """The kernel gives no address for a non-canonical one."""
    fake = debugger_at(
        "488b4018",  # mov 0x18(%rax),%rax
        {**REGISTERS, "rax": 0xDDDDDDDDDDDDDDDD},
        Signal("SIGSEGV", 7, 11, "SI_KERNEL", 0),
    )
    fault = read_fault(fake, fake, fake.stop, [NativeFrame(0, 0x400000, 0x7000, "Py_TYPE")], 7)
    assert fault.address == 0xDDDDDDDDDDDDDDF5
    assert not fault.stack_overflow
    assert fault.access == "reading"


@pytest.mark.parametrize("code", ["SI_USER", "SI_QUEUE", "SI_TKILL"])
def test_no_instruction_faulted_where_the_signal_was_sent(code: str) -> None:
    """A thread may sleep in the vDSO, or anywhere: its registers say nothing."""
    fake = debugger_at("488b7818", {**REGISTERS, "rip": 0x10}, Signal("SIGSEGV", 7, 11, code))
    fault = read_fault(fake, fake, fake.stop, [NativeFrame(0, 0x10, 0x7000, None)], 7)
    assert fault.was_sent
    assert (fault.jumped_to, fault.instruction, fault.operand) == (None, None, None)
    assert (fault.address, fault.access, fault.stack_overflow) == (None, None, False)


def test_jump_to_nowhere() -> None:
    fake = debugger_at("", {**REGISTERS, "rip": 0}, Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", 0))
    fault = read_fault(fake, fake, fake.stop, [NativeFrame(0, 0, 0x7000, None)], 7)
    assert fault.jumped_to == 0
    assert fault.access == "jumping to"


def test_stack_overflow_is_a_fault_just_below_the_stack() -> None:
    fake = debugger_at(
        "e8fb0f0000",  # call 0x401000
        {**REGISTERS, "rsp": 0x6000},
        Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", 0x5FF8),
    )
    assert read_fault(
        fake, fake, fake.signal(), [NativeFrame(0, 0x400000, 0x6000, "f")], 7
    ).stack_overflow


def test_wild_write_next_to_a_stack_is_no_overflow() -> None:
    """The stack pointer is nowhere near the end of the stack."""
    fake = FakeDebugger(
        {
            0x400000: bytes.fromhex("488b4118").ljust(16, b"\x90"),
            0x10000000: bytes(0x1000),
            0x10001000: bytes(0x400000),
        }
    )
    fake.stop = Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", 0x20)
    fake.register_sets[7, 0] = {**REGISTERS, "rsp": 0x10400000}
    assert not read_fault(
        fake, fake, fake.signal(), [NativeFrame(0, 0x400000, 0x10400000, "f")], 7
    ).stack_overflow


def test_assertion_text_from_glibc() -> None:
    text = (
        b"python: Objects/unionobject.c:257: union_repr: "
        b"Assertion `PyTuple_Check(alias->args)' failed.\n\0"
    )
    fake = FakeDebugger(
        {
            0x1000: struct.pack("<Q", 0x2000),
            0x2000: struct.pack("<I", len(text)) + text.ljust(5000, b"\0"),
        }
    )
    fake.symbols["__abort_msg"] = Symbol("__abort_msg", 0x1000, 8)
    fake.stop = Signal("SIGABRT", 7, 6, "SI_TKILL")
    fault = read_fault(fake, fake, fake.stop, [], 7)
    assert (fault.assertion, fault.assertion_function) == (
        "PyTuple_Check(alias->args)",
        "union_repr",
    )


def test_an_assertion_of_the_allocators_own_is_an_assertion() -> None:
    """It prints by itself, and calls abort()."""
    texts = {0x1000: b"page->used > 0\0", 0x2000: b"mi_free_block_local\0"}
    fake = FakeDebugger({place: text.ljust(1100, b"\0") for place, text in texts.items()})
    fake.stop = Signal("SIGABRT", 7, 6, "SI_TKILL")
    names = ("raise", "abort", "_mi_assert_fail", "mi_free")
    fake.frame_lists[7] = [NativeFrame(n, 1, 1, name) for n, name in enumerate(names)]
    fake.variable_lists[7, 2] = [
        Variable("assertion", "const char *", 0x1000, is_argument=True),
        Variable("func", "const char *", 0x2000, is_argument=True),
    ]
    fault = read_fault(fake, fake, fake.stop, fake.frame_lists[7], 7)
    assert (fault.assertion, fault.assertion_function) == ("page->used > 0", "mi_free_block_local")
    fake.variable_lists[7, 2] = []
    assert read_fault(fake, fake, fake.stop, fake.frame_lists[7], 7).assertion is None


def test_fatal_error_is_the_outermost_message() -> None:
    """_PyObject_AssertFailed ends in a general Py_FatalError; its own text says more."""
    fake = FakeDebugger(
        {
            0x1000: b"general\0".ljust(1100, b"\0"),
            0x2000: b"object has negative ref count\0".ljust(1100, b"\0"),
        }
    )
    fake.stop = Signal("SIGABRT", 7, 6, "SI_TKILL")
    fake.frame_lists[7] = [
        NativeFrame(0, 1, 1, "fatal_error"),
        NativeFrame(1, 1, 1, "_PyObject_AssertFailed"),
    ]
    fake.variable_lists[7, 0] = [
        Variable("prefix", "const char *", 0),
        Variable("msg", "const char *", 0x1000),
    ]
    fake.variable_lists[7, 1] = [
        Variable("msg", "const char *", 0x2000),
        Variable("function", "const char *", None, "optimized out"),
    ]
    assert (
        read_fault(fake, fake, fake.stop, fake.frame_lists[7], 7).fatal_error
        == "object has negative ref count"
    )


def test_the_fault_is_where_the_signal_came_in() -> None:
    frames = [
        NativeFrame(0, 1, 1, "raise"),
        NativeFrame(1, 1, 1, "faulthandler_fatal_error"),
        NativeFrame(2, 1, 1, "<signal handler called>"),
    ]
    assert frame_of_signal([*frames, NativeFrame(3, 2, 2, "union_repr")]) == 3
    assert frame_of_signal(frames[:2]) == 0


def test_regions_of_the_fake_are_writable() -> None:
    assert FakeDebugger({0x1000: bytes(8)}).regions() == [Region(0x1000, 0x1008)]


@pytest.mark.parametrize(
    ("signal", "is_crash"),
    [
        (Signal("SIGABRT", 7, 6, "SI_TKILL", sender=7), True),
        (Signal("SIGABRT", 7, 6, "SI_USER", sender=8), False),
        (Signal("SIGABRT", 7, 6), True),
        (Signal("SIGSEGV", 7, 11, "SI_USER", sender=8), False),
        (Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", 0x19), True),
        (Signal("SIGQUIT", 7, 3, "SI_KERNEL"), False),
    ],
)
def test_a_crash_is_the_targets_own_deed(signal: Signal, is_crash: bool) -> None:
    fake = debugger_at("488b7818", REGISTERS, signal)
    fake.pid = 7
    assert read_fault(fake, fake, fake.stop, [], 7).is_crash is is_crash


def test_a_wild_pointer_below_a_small_stack_is_no_overflow() -> None:
    """Below the red zone nothing is the function's own, however near to its end the
    stack is used.
    """
    fake = debugger_at(
        "0fb607",  # movzbl (%rdi),%eax
        {**REGISTERS, "rsp": 0x6800, "rdi": 0x5000},
        Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", 0x5000),
    )
    assert not read_fault(
        fake, fake, fake.signal(), [NativeFrame(0, 0x400000, 0x6800, "f")], 7
    ).stack_overflow


def test_who_reported_a_fatal_error() -> None:
    inner = [
        NativeFrame(0, 1, 1, "abort", module="libc"),
        NativeFrame(1, 2, 2, "fatal_error", module="python"),
    ]
    outer = [
        NativeFrame(2, 3, 3, "_Py_FatalErrorFunc", module="python"),
        NativeFrame(3, 4, 4, "Bomb_dealloc", module="bomb.so"),
    ]
    assert reporter_module([*inner, *outer]) == "bomb.so"
    assert reporter_module(inner[:1]) is None
    assert reporter_module(inner) is None


def aborting(text: bytes | None = None) -> FakeDebugger:
    """A process that aborted, after glibc printed the text."""
    fake = FakeDebugger({0x1000: struct.pack("<Q", 0x2000 if text else 0)})
    if text:
        fake.segments[0x2000] = bytearray(struct.pack("<I", len(text)) + text.ljust(5000, b"\0"))
    fake.symbols["__abort_msg"] = Symbol("__abort_msg", 0x1000, 8)
    fake.stop = Signal("SIGABRT", 7, 6, "SI_TKILL")
    return fake


def test_what_glibc_says_of_its_heap_is_no_assertion() -> None:
    fake = aborting(b"free(): double free detected in tcache 2\n")
    fault = read_fault(fake, fake, fake.stop, [], 7)
    assert (fault.library_message, fault.assertion) == (
        "free(): double free detected in tcache 2",
        None,
    )


def test_a_failed_assertion_is_told_once() -> None:
    fake = aborting(b"python: x.c:257: union_repr: Assertion `PyTuple_Check(args)' failed.\n")
    fault = read_fault(fake, fake, fake.stop, [], 7)
    assert (fault.library_message, fault.assertion) == (None, "PyTuple_Check(args)")


def test_an_abort_without_a_message_has_none() -> None:
    said_nothing, lost, other_libc = (
        aborting(),
        aborting(b"malloc(): corrupted top size\n"),
        aborting(b"x"),
    )
    del lost.segments[0x2000]
    other_libc.symbols.clear()
    assert [abort_message(fake, fake.symbol) for fake in (said_nothing, lost, other_libc)] == [
        None
    ] * 3


@pytest.mark.parametrize(
    ("printed", "assertion", "function"),
    [
        (
            "python: Objects/x.c:257: union_repr: Assertion `a && b' failed.\n",
            "a && b",
            "union_repr",
        ),
        ("python: x.cpp:7: T* take(T*): Assertion `p\n == q' failed.\n", "p\n == q", "T* take(T*)"),
        ("malloc(): corrupted top size\n", None, None),
        (None, None, None),
    ],
)
def test_an_assertion_is_read_from_what_was_printed(
    printed: str | None, assertion: str | None, function: str | None
) -> None:
    assert failed_assertion(printed) == (assertion, function)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tstate mismatch, %p / %p", "tstate mismatch, … / …"),
        ("%.100s has %zd of %lld", "… has … of …"),
        ("no memory", "no memory"),
    ],
)
def test_of_a_formatted_fatal_error_the_values_are_left_open(text: str, said: str) -> None:
    fake = FakeDebugger(
        {0x1000: b"take_gil\0".ljust(1100, b"\0"), 0x2000: text.encode().ljust(1100, b"\0")}
    )
    fake.variable_lists[7, 0] = [
        Variable("func", "const char *", 0x1000),
        Variable("format", "const char *", 0x2000),
    ]
    found = fatal_message(
        fake, [NativeFrame(0, 1, 1, "_Py_FatalErrorFormat")], lambda level: fake.variables(7, level)
    )
    assert found == (f"take_gil: {said}", 0x2000, None)


def test_without_debug_information_a_fatal_error_is_still_one() -> None:
    frames = [NativeFrame(0, 1, 1, "abort"), NativeFrame(1, 1, 1, None)]
    assert fatal_message(FakeDebugger(), frames, lambda _level: []) == (None, 0, None)
    reporter = NativeFrame(2, 1, 1, "Py_FatalError")
    found = fatal_message(FakeDebugger(), [*frames, reporter], lambda _level: [])
    assert found == (LOST_MESSAGE, 0, None)


@pytest.mark.parametrize(
    ("caller", "is_libcs"), [("/lib/libc.so.6", True), ("/site/shapes.so", False)]
)
def test_glibcs_last_message_is_this_aborts_where_glibc_called_it(
    caller: str, is_libcs: bool
) -> None:
    names = ("__pthread_kill_implementation", "raise", "__GI_abort")
    frames = [NativeFrame(n, 1, 1, name, module="/lib/libc.so.6") for n, name in enumerate(names)]
    assert aborted_by_libc([*frames, NativeFrame(3, 1, 1, "give_up", module=caller)]) is is_libcs
    assert aborted_by_libc(frames[:2]), "without a frame of abort() nothing speaks against it"


@pytest.mark.parametrize(("displacement", "reads"), [(0x18, True), (0x20, False)])
def test_an_access_to_a_field_of_a_header_at_null(displacement: int, reads: bool) -> None:
    fake = debugger_at(
        f"488b40{displacement:02x}",  # mov DISPLACEMENT(%rax),%rax
        {**REGISTERS, "rax": 0},
        Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", displacement),
    )
    frames = [NativeFrame(0, 0x400000, 0x7000, "Py_TYPE")]
    assert (
        read_fault(
            fake, fake, fake.stop, frames, 7, {0x18: "ob_type", 0xC: "ob_ref_local"}
        ).reads_header
        is reads
    )
