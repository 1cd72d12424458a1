"""The message of a fatal error where no variable has it."""

from __future__ import annotations

import pytest

from fakes import FakeDebugger
from gdbext.diagnosis.observe.fault import LOST_MESSAGE, read_fault
from gdbext.diagnosis.observe.reported import given_to
from gdbext.target.protocol import NativeFrame, Signal, Symbol

CALLER, REPORTER, MESSAGE, FUNCTION = 0x401000, 0x402000, 0x403000, 0x403100
LEA_MSG = "488d15f91f0000"  # lea 0x1ff9(%rip),%rdx, which is MESSAGE
LEA_FUNCTION = "4c8d0df2200000"  # lea 0x20f2(%rip),%r9
NOT_CONSTANT = "488b17" + "0f1f4000"  # mov (%rdi),%rdx; nop
CALL = "e8ed0f0000"


def stopped(
    caller: str, reporter: str = "_PyObject_AssertFailed", symbol: str | None = None
) -> FakeDebugger:
    """abort() under a reporter that has no variables, called by that code."""
    code = bytes.fromhex(caller)
    fake = FakeDebugger(
        {
            CALLER: code + bytes(64),
            REPORTER: bytes.fromhex("5389f3e8") + bytes(64),  # push %rbx; mov %esi,%ebx; call …
            MESSAGE: b"already tracked\0".ljust(0x100, b"\0"),
            FUNCTION: b"PyObject_GC_Track\0".ljust(1100, b"\0"),
        }
    )
    fake.symbols[symbol or reporter] = Symbol(symbol or reporter, REPORTER, 64)
    fake.stop = Signal("SIGABRT", 7, 6, "SI_TKILL")
    fake.frame_lists[7] = [
        NativeFrame(0, REPORTER + 8, 0x7000, reporter, module="python"),
        NativeFrame(1, CALLER + len(code), 0x7010, None, module="python"),
    ]
    return fake


def functions(frame: NativeFrame, _is_exact: bool) -> range | None:
    start = REPORTER if frame.level == 0 else CALLER
    return range(start, start + 64)


def message(fake: FakeDebugger) -> str | None:
    frames = fake.frame_lists[7]

    def given(level: int) -> dict[str, int]:
        return dict(given_to(fake, functions, frames, 7, level))

    return read_fault(fake, fake, fake.stop, frames, 7, given=given).fatal_error


def test_the_callers_code_has_the_message() -> None:
    assert message(stopped(LEA_MSG + LEA_FUNCTION + CALL)) == "PyObject_GC_Track: already tracked"


@pytest.mark.parametrize(
    "fake",
    [
        stopped(NOT_CONSTANT + LEA_FUNCTION + CALL),
        stopped(LEA_MSG + LEA_FUNCTION + "90" * 5),
        stopped(LEA_MSG + LEA_FUNCTION + CALL, symbol="_PyObject_AssertFailed.constprop.0"),
        stopped(LEA_MSG + LEA_FUNCTION + CALL, reporter="_Py_NegativeRefcount"),
    ],
    ids=["not a constant", "not a call", "a copy with fewer arguments", "other parameters"],
)
def test_what_code_does_not_say_is_not_known(fake: FakeDebugger) -> None:
    assert message(fake) == LOST_MESSAGE
