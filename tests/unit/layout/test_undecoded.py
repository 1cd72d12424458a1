"""A process whose layouts nobody knows: what needs none works, all else says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import FakeDebugger
from gdbext.cpython.layout.debug_offsets import COOKIE, HEADER
from gdbext.cpython.layout.layout import UnknownLayout
from gdbext.diagnosis.diagnose import diagnose, threads_of
from gdbext.session import Session
from gdbext.target.protocol import DebuggerError
from gdbext.target.values import Module, NativeFrame, NativeThread, Region, Signal, Symbol
from unit.binfmt import elf_segments
from unit.binfmt.elf_segments import PAGE

RUNTIME = 0x10000
LWP = 7
CODE = 0x400000


def process(memory: bytes) -> FakeDebugger:
    """One that died of a read at 0x19 in a function without a name."""
    fake = FakeDebugger({RUNTIME: memory, CODE: bytes.fromhex("488b4018").ljust(64, b"\x90")})
    fake.symbols["_PyRuntime"] = Symbol("_PyRuntime", RUNTIME, 4096)
    fake.thread_list = [NativeThread(LWP, 1)]
    fake.frame_lists[LWP] = [NativeFrame(0, CODE, 0x7000, None, module="/opt/python3.20t")]
    fake.register_sets[LWP, 0] = {"rip": CODE, "rax": 1, "rsp": 0x7000}
    fake.stop = Signal("SIGSEGV", LWP, 11, "SEGV_MAPERR", 0x19)
    fake.module_list = [Module("/opt/python3.20t", CODE, "ab" * 20)]
    return fake


UNKNOWN = HEADER.pack(COOKIE, 0x031400F0, 1) + (7).to_bytes(8, "little") * 500
CUT_SHORT = COOKIE


@pytest.mark.parametrize("memory", [UNKNOWN, CUT_SHORT], ids=["unknown", "cut short"])
def test_a_report_has_what_needs_no_layout(memory: bytes) -> None:
    report = diagnose(Session(process(memory)))
    assert report.crash is not None
    assert (report.crash.signal, report.crash.address) == ("SIGSEGV", 0x19)
    assert report.crash.instruction == "mov 0x18(%rax),%rax"
    assert (report.findings, report.race, report.known_issues) == ((), None, ())
    assert [t.lwp for t in report.threads] == [LWP]
    assert [m.path for m in report.modules] == ["/opt/python3.20t"]
    assert {e.section for e in report.errors} == {"layout"}
    assert report.target.layout_source is None
    assert report.target.python_version == ("3.20.0" if memory is UNKNOWN else None)


@pytest.mark.parametrize("part", ["objects", "heap", "locks"])
def test_what_needs_one_says_that_it_cannot_be_judged(part: str) -> None:
    """An empty heap would look like one in which nothing is wrong."""
    session = Session(process(UNKNOWN))
    with pytest.raises(UnknownLayout, match="cannot be judged"):
        getattr(session, part)
    assert not session.runtime.complete
    assert [t.state for t in threads_of(session)] == [None]


@pytest.mark.parametrize(
    ("length", "said"),
    [(-PAGE, "nothing can be said of this core: it is cut off"), (None, "no CPython")],
    ids=["truncated", "whole"],
)
def test_whether_a_truncated_core_had_an_interpreter_is_not_known(
    tmp_path: Path, length: int | None, said: str
) -> None:
    """Its headers promise the program's data, and the file ends before them."""
    content = elf_segments.core("/opt/python3.20t", elf_segments.program())
    fake = FakeDebugger({CODE: bytes(64)} if length else {CODE: bytes(64), RUNTIME: bytes(PAGE)})
    fake.path = elf_segments.write(tmp_path / "core", content[:length])
    fake.region_list = [Region(CODE, CODE + 64, False), Region(RUNTIME, RUNTIME + PAGE)]
    with pytest.raises(DebuggerError, match=said):
        _ = Session(fake).runtime_address
