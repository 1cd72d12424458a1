"""FT102 of a block of malloc(): the pointer that the code took from it is the allocator's link."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from fakes import FakeDebugger
from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.facts.frames import CFrame, CrashStack, FrameVariable
from gdbext.diagnosis.facts.memory import FreedChunk, HeapState
from gdbext.diagnosis.facts.origin import Load, Origin
from gdbext.diagnosis.observe.freed_chunk import find_freed_chunk
from gdbext.diagnosis.rules import apply
from gdbext.model import Verdict
from gdbext.target.protocol import NativeFrame
from gdbext.wording import sentence
from unit.diagnosis.crash_world import EXTENSION, HeapWorld, facts_of, segfault, stack_of

BLOCK = 0x556DCE7EC6B0
NEXT = BLOCK + 0x400
LAST = BLOCK >> 12


def heap(word: int) -> FakeDebugger:
    return FakeDebugger({BLOCK: struct.pack("<QQ", word, 0), NEXT: bytes(16)})


def stack(kind: str = "Model *", value: int = BLOCK) -> CrashStack:
    inner = NativeFrame(0, 0x100, 0x7000, "std::string::size", "/usr/include/c++/12/string")
    own = NativeFrame(1, 0x100, 0x7000, "Model::score", "model.cpp", module=EXTENSION)
    this = FrameVariable("this", kind, value, is_argument=True)
    return stack_of(inner, own, c_frames=[CFrame(inner, (this,)), CFrame(own, (this,))])


@pytest.mark.parametrize("word", [LAST, LAST ^ NEXT], ids=["last of its list", "with another"])
def test_the_link_is_what_the_code_went_through(word: int) -> None:
    assert find_freed_chunk(heap(word), stack(), segfault(word, 0x10), None) == FreedChunk(
        address=BLOCK, word=word, level=1, function="Model::score"
    )


@pytest.mark.parametrize(
    "word",
    [NEXT, LAST ^ (BLOCK + 8), LAST ^ (BLOCK + (1 << 30)), LAST ^ (NEXT + 0x100)],
    ids=["a plain pointer", "not aligned", "too far", "not mapped"],
)
def test_what_is_no_link_proves_nothing(word: int) -> None:
    assert find_freed_chunk(heap(word), stack(), segfault(word), None) is None


def test_another_pointer_did_not_come_from_the_block() -> None:
    assert find_freed_chunk(heap(LAST), stack(), segfault(0x1230000), None) is None


def test_a_number_is_no_address_of_a_block() -> None:
    assert find_freed_chunk(heap(LAST), stack("long"), segfault(LAST), None) is None
    assert find_freed_chunk(heap(LAST), stack(value=BLOCK + 8), segfault(LAST), None) is None


def test_the_place_that_the_code_read_from_needs_no_variable() -> None:
    fault = replace(segfault(LAST), origin=Origin(loads=(Load(place=BLOCK, value=LAST),)))
    bare = stack_of(NativeFrame(0, 0x100, 0x7000, "score", module=EXTENSION))
    found = find_freed_chunk(heap(LAST), bare, fault, None)
    assert found is not None
    assert found.function == "score"


def test_what_is_said() -> None:
    chunk = FreedChunk(address=BLOCK, word=LAST, level=1, function="Model::score")
    fault: Fault = segfault(LAST, 0x10)
    stopped = replace(
        facts_of(HeapWorld(), fault=fault, stack=stack()), heap=HeapState(freed_chunk=chunk)
    )
    finding = apply.findings(stopped)[0]
    assert finding.rule == "FT102"
    assert "Model::score uses a block of malloc() that was freed" in sentence(finding.title)
    assert finding.subject is not None
    assert (finding.subject.address, finding.subject.liveness) == (BLOCK, Verdict.FREED)
