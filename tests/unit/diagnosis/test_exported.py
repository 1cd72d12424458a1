"""Memory that an object exported and gave back while a memoryview of it was in use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gdbext.diagnosis.facts.facts import Facts
from gdbext.diagnosis.facts.frames import CFrame, FrameVariable
from gdbext.diagnosis.facts.memory import ExportedMemory
from gdbext.diagnosis.observe.exported import find_exported
from gdbext.diagnosis.rules import apply, ft102_use_after_free
from gdbext.model import Confidence
from gdbext.target.protocol import NativeFrame
from gdbext.wording import sentence
from unit.diagnosis.crash_world import GC, HeapWorld, segfault, session_of, stack_of

START, SIZE = 0x7F10_0000_0000, 4096
FRAME = NativeFrame(0, 0x1000, 0x7000, "memory_item")


def found(
    address: int = START + 8,
    code: str = "SEGV_MAPERR",
    flags: int = 0,
    managed_flags: int = 0,
    start: int = START,
) -> ExportedMemory | None:
    """What is found of a fault there, where the C code has a memoryview of a list's memory."""
    world = HeapWorld()
    exporter = world.page(GC, 64).object("list")
    views = world.page(GC, 192)
    view, managed = views.object("memoryview"), views.object("memoryview")
    world.set("_PyManagedBufferObject", managed, flags=managed_flags)
    world.set(
        "PyMemoryViewObject",
        view,
        flags=flags,
        mbuf=managed,
        **{"view.buf": start, "view.len": SIZE, "view.obj": exporter},
    )
    variable = FrameVariable("_self", "PyObject *", view, is_argument=True, is_object=True)
    stack = stack_of(FRAME, c_frames=[CFrame(FRAME, (variable,))])
    fault = segfault(address)
    assert fault.signal is not None
    signal = replace(fault.signal, code=code, address=address)
    memory = find_exported(session_of(world), stack, replace(fault, signal=signal))
    assert memory is None or (memory.view, memory.exporter) == (view, exporter)
    return memory


def test_the_view_that_the_fault_is_in() -> None:
    memory = found()
    assert memory is not None
    assert (memory.start, memory.size, memory.type) == (START, SIZE, "list")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"address": START - 1}, id="before it"),
        pytest.param({"address": START + SIZE}, id="behind it"),
        pytest.param({"code": "SEGV_ACCERR"}, id="mapped, but not readable"),
        pytest.param({"flags": 1}, id="released"),
        pytest.param({"managed_flags": 1}, id="its buffer released"),
        pytest.param({"start": 0}, id="a view of nothing"),
    ],
)
def test_what_is_not_an_exporters_fault(other: dict[str, Any]) -> None:
    assert found(**other) is None


def exported(kind: str) -> Facts:
    memory = ExportedMemory(
        view=0x2000, start=START, size=SIZE, exporter=0x3000, type=kind, address=START + 8
    )
    return Facts(fault=segfault(START + 8), stack=stack_of(FRAME), exported=memory)


def test_the_exporter_is_what_lost_its_memory() -> None:
    [finding] = ft102_use_after_free.check(exported("fastvec.Vector"))
    assert finding.confidence is Confidence.LIKELY
    assert "uses memory that a fastvec.Vector exported and gave back" in sentence(finding.title)
    assert finding.container is not None
    assert (finding.container.address, finding.container.type) == (0x3000, "fastvec.Vector")
    assert "bf_releasebuffer" in finding.advice


@pytest.mark.parametrize(
    ("kind", "may_be"), [("fastvec.Vector", False), ("mmap.mmap", True), ("bytearray", True)]
)
def test_no_issue_of_cpythons_is_about_an_extensions_exporter(kind: str, may_be: bool) -> None:
    facts = exported(kind)
    assert apply.may_be_known(facts, list(ft102_use_after_free.check(facts))) is may_be
