from __future__ import annotations

import signal
import struct

import pytest

from fakes import FakeMemory
from gdbext.target import signals
from gdbext.target.protocol import SIGNAL_FRAME, NativeFrame, Region, Signal, Symbol

DIED = Signal("SIGSEGV", 7, 11, "SI_TKILL")
FRAMES = [
    NativeFrame(0, 0x10, 0x7000, "raise"),
    NativeFrame(1, 0x20, 0x8000, SIGNAL_FRAME),
    NativeFrame(2, 0x30, 0x9000, "culprit"),
]


@pytest.mark.parametrize(
    ("number", "code", "word", "expected"),
    [
        (11, 1, 0x19, ("SEGV_MAPERR", 0x19, None)),
        (11, 2, 0x4000, ("SEGV_ACCERR", 0x4000, None)),
        (11, 128, 0, ("SI_KERNEL", None, None)),
        (7, 2, 0x5000, ("BUS_ADRERR", 0x5000, None)),
        (6, -6, 4711, ("SI_TKILL", None, 4711)),
        (11, 0, 4711 | 1000 << 32, ("SI_USER", None, 4711)),
        (8, 1, 0x6000, ("FPE_INTDIV", 0x6000, None)),
        (11, 77, 0x19, ("77", 0x19, None)),
    ],
)
def test_a_siginfo_is_read(
    number: int, code: int, word: int, expected: tuple[str, int | None, int | None]
) -> None:
    info = signals.decode(struct.pack("<iii4xQ", number, 0, code, word))
    assert info == signals.Info(number, *expected)


@pytest.mark.parametrize(
    ("pc", "met"),
    [
        pytest.param(0x8005, True, id="behind an int3 of a function's"),
        pytest.param(0x8004, False, id="at a function, as a debugger is at its breakpoint"),
        pytest.param(0x8021, False, id="behind what fills the space between functions"),
        pytest.param(0x9001, False, id="in no memory"),
    ],
)
def test_a_breakpoint_of_the_codes_own(pc: int, met: bool) -> None:
    memory = stack(4, b"\xcc")
    memory.write(0x8020, b"\xcc")
    assert signals.met_breakpoint(memory, lambda _: Symbol("f", 0x8000, 0x20), pc) is met
    assert not signals.met_breakpoint(memory, lambda _: None, pc)


def test_too_few_bytes_are_no_siginfo() -> None:
    assert signals.decode(bytes(23)) is None


def test_signals_have_names() -> None:
    assert signals.name(11) == "SIGSEGV"
    assert signals.name(99) == "SIG99"
    assert signal.SIGTRAP not in signals.DEADLY


def test_another_signals_siginfo_is_left_out() -> None:
    info = signals.Info(19, "SI_USER", None, 1)
    assert signals.describe(7, 11, info) == Signal("SIGSEGV", 7, 11)


def stack(at: int, content: bytes) -> FakeMemory:
    memory = FakeMemory()
    memory.map(0x8000, 0x400)
    memory.write(0x8000 + at, content)
    return memory


def test_a_handler_that_asked_for_siginfo_shows_the_fault() -> None:
    memory = stack(signals.SIGNAL_FRAME_INFO, struct.pack("<iii4xQ", 11, 0, 2, 0x4000))
    assert signals.before_handler(memory, FRAMES, DIED, []) == Signal(
        "SIGSEGV", 7, 11, "SEGV_ACCERR", 0x4000
    )


def test_an_abort_in_a_handler_is_the_fault_that_was_handled() -> None:
    memory = stack(signals.SIGNAL_FRAME_INFO, struct.pack("<iii4xQ", 11, 0, 1, 0x19))
    died = Signal("SIGABRT", 7, 6, "SI_TKILL")
    assert signals.before_handler(memory, FRAMES, died, []) == Signal(
        "SIGSEGV", 7, 11, "SEGV_MAPERR", 0x19
    )


@pytest.mark.parametrize(
    ("error", "trap", "address", "regions", "expected"),
    [
        (4, 14, 0x10, [], Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", 0x10)),
        (5, 14, 0x4000, [], Signal("SIGSEGV", 7, 11, "SEGV_ACCERR", 0x4000)),
        (4, 14, 0x4000, [Region(0x4000, 0x5000)], Signal("SIGSEGV", 7, 11, "SEGV_ACCERR", 0x4000)),
        (0, 13, 0, [], Signal("SIGSEGV", 7, 11, "SI_KERNEL")),
        (0, 0, 0, [], DIED),
    ],
)
def test_without_siginfo_the_processor_has_the_word(
    error: int, trap: int, address: int, regions: list[Region], expected: Signal
) -> None:
    memory = stack(signals.SIGNAL_FRAME_TRAP, struct.pack("<4Q", error, trap, 0, address))
    assert signals.before_handler(memory, FRAMES, DIED, regions) == expected


def test_a_fault_of_its_own_stays_what_it_is() -> None:
    own = Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", 0x10)
    assert signals.before_handler(stack(0, b""), FRAMES, own, []) == own
    assert signals.before_handler(stack(0, b""), FRAMES[:1], DIED, []) == DIED
    assert signals.before_handler(FakeMemory(), FRAMES, DIED, []) == DIED
