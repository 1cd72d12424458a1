"""What C++ says of its end: the exception that nobody caught, and the binding's own message."""

from __future__ import annotations

import struct

import pytest

from fakes import FakeMemory
from gdbext.diagnosis.facts.fault import CppException, Fault
from gdbext.diagnosis.facts.frames import CFrame, FrameVariable
from gdbext.diagnosis.observe import cpp_exception
from gdbext.diagnosis.observe.binding_message import read_binding_message
from gdbext.diagnosis.rules import apply
from gdbext.target.protocol import NativeFrame
from gdbext.wording import sentence
from unit.diagnosis.crash_world import ABORT, EXTENSION, HeapWorld, facts_of, stack_of

INFO, BASE, THROWN, NAMES, TEXT = 0x1000, 0x1100, 0x2000, 0x3000, 0x4000
LIBSTDCXX = "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"


def memory(*names: str, text: bytes = b"no such channel\0") -> FakeMemory:
    """A ``type_info`` of the first name, with one base of the second."""
    data = FakeMemory({INFO: bytes(64), BASE: bytes(64), THROWN: bytes(16), NAMES: bytes(512)})
    data.segments[TEXT] = bytearray(text.ljust(2048, b"\0"))
    for number, (info, name) in enumerate(zip((INFO, BASE), names)):
        data.write(NAMES + 128 * number, name.encode() + b"\0")
        following = BASE if len(names) > number + 1 else 0
        data.write(info, struct.pack("<QQQ", 0x7F00, NAMES + 128 * number, following))
    data.write_word(THROWN + 8, TEXT)
    return data


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("St13runtime_error",), CppException(type="std::runtime_error", text="no such channel")),
        (
            ("N3app7TimeoutE", "St13runtime_error"),
            CppException(type="app::Timeout", text="no such channel"),
        ),
        (("N3app7TimeoutE", "St9exception"), CppException(type="app::Timeout")),
        (("*7Private",), CppException(type="Private")),
    ],
)
def test_type_and_text(names: tuple[str, ...], found: CppException) -> None:
    assert cpp_exception._exception(memory(*names), THROWN, INFO) == found


@pytest.mark.parametrize("info", [None, 0, INFO + 64, 0xDEAD0000])
def test_what_cannot_be_read_has_no_type(info: int | None) -> None:
    assert cpp_exception._exception(memory("St13runtime_error"), THROWN, info) == CppException()


def test_an_exception_that_is_not_known_has_a_type_all_the_same() -> None:
    assert cpp_exception._exception(memory("St13runtime_error"), None, INFO) == CppException(
        type="std::runtime_error"
    )


def title(*functions: str, thrown: CppException | None = None) -> str:
    frames = [NativeFrame(0, 0x100, 0x7000, "abort", module="/lib/libc.so.6")]
    frames += [
        NativeFrame(n, 0x100, 0x7000, name, module=LIBSTDCXX if "::" in name else EXTENSION)
        for n, name in enumerate(functions, 1)
    ]
    fault = Fault(signal=ABORT, exception=thrown)
    return sentence(
        apply.findings(facts_of(HeapWorld(), fault=fault, stack=stack_of(*frames)))[0].title
    )


def test_what_is_said_of_it() -> None:
    known = CppException(type="std::out_of_range", text="no such channel")
    assert title("std::terminate", "parse", thrown=known) == (
        "abort: std::out_of_range that nobody caught, thrown by parse: no such channel"
    )
    assert title("std::terminate", "parse", thrown=CppException()) == (
        "abort: a C++ exception that nobody caught, thrown by parse"
    )


def test_without_an_exception_it_is_the_runtime_that_ended_the_process() -> None:
    assert title("std::__terminate", "start") == "abort: std::terminate() called by start"


def failing(function: str, file: str, kind: str = "const char *") -> CFrame:
    frame = NativeFrame(0, 0x100, 0x7000, function, file=file, module=EXTENSION)
    return CFrame(frame, (FrameVariable("reason", kind, TEXT, is_argument=True),))


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (failing("pybind11::pybind11_fail", "/pybind11/detail/common.h"), "no such channel"),
        (failing("fail", "/site/nanobind/src/common.cpp", "char const*"), "no such channel"),
        (failing("fail", "/src/app.cpp"), None),
        (failing("pybind11::cast", "/pybind11/cast.h"), None),
        (failing("pybind11::pybind11_fail", "/pybind11/common.h", "std::string &"), None),
    ],
)
def test_the_bindings_message(frame: CFrame, said: str | None) -> None:
    stack = stack_of(frame.frame, c_frames=[frame])
    assert read_binding_message(memory(), stack) == said


def test_a_message_that_cannot_be_read_is_none() -> None:
    frame = failing("pybind11::pybind11_fail", "/pybind11/detail/common.h")
    assert read_binding_message(FakeMemory(), stack_of(frame.frame, c_frames=[frame])) is None


def test_the_headline_has_the_bindings_message() -> None:
    fault = Fault(signal=ABORT, binding_message="the GIL is not held")
    finding = apply.findings(facts_of(HeapWorld(), fault=fault))[0]
    assert finding.evidence[0].value == "the GIL is not held"
