"""FT403: what used the stack up."""

from __future__ import annotations

import pytest

from gdbext.diagnosis.facts.fault import Fault
from gdbext.diagnosis.rules import ft403_stack_overflow
from gdbext.model import Finding
from gdbext.target.protocol import NativeFrame, Signal
from gdbext.wording import sentence
from unit.diagnosis.crash_world import EXTENSION, HeapWorld, facts_of, stack_of

TOP = 0x7F00_0000_0000


def overflowed(*frames: tuple[str, int]) -> Finding:
    """The finding for a stack of functions with the bytes that each has of it."""
    sp, stack = TOP, []
    for level, (function, size) in enumerate(frames):
        stack.append(NativeFrame(level, 0x1000, sp, function, module=EXTENSION))
        sp += size
    signal = Signal("SIGSEGV", 7, 11, "SEGV_MAPERR", TOP - 8)
    fault = Fault(signal=signal, stack_overflow=True, stack_pointer=TOP, stack_limit=TOP)
    [found] = ft403_stack_overflow.check(facts_of(HeapWorld(), fault=fault, stack=stack_of(*stack)))
    return found


def test_a_function_with_a_large_array_does_not_recurse() -> None:
    found = overflowed(("fill", 8_000_000), ("eval", 400), ("eval", 400), ("main", 0))
    assert "fill alone needs 8,000,000 bytes" in sentence(found.title)
    assert "recurs" not in sentence(found.title)
    assert "large array" in found.advice


@pytest.mark.parametrize("count", [30, 256])
def test_frames_of_one_size_recurse(count: int) -> None:
    found = overflowed(*[("walk", 800), ("step", 300)] * (count // 2), ("main", 0))
    assert "recurses" in sentence(found.title)


def test_of_a_stack_that_is_not_known_whole_one_frame_says_nothing() -> None:
    found = overflowed(("log", 100_000), *[("walk", 100)] * 255)
    assert "walk recurses" in sentence(found.title)
