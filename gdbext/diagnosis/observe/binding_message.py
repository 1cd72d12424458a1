"""Reads what pybind11 or nanobind was about to say: their functions that fail are given a text.

``pybind11::pybind11_fail(const char *reason)``, ``nanobind::detail::fail(const char *fmt, ...)``
and the like.
"""

from __future__ import annotations

import re

from gdbext.cpython.objects.strings import read_cstring
from gdbext.diagnosis.facts.frames import CFrame, CrashStack
from gdbext.target.protocol import Memory, MemoryFault

MAX_TEXT = 400
MAX_INNER = 24
SOURCE = re.compile(r"/(pybind11|nanobind)/")
FAILS = re.compile(r"(^|:|_)(fail|raise)")
TEXT = re.compile(r"^(const char|char const) ?\*( ?const)?$")


def read_binding_message(memory: Memory, stack: CrashStack) -> str | None:
    """The text that the innermost of these functions was given; None where there is none."""
    for frame in stack.c_frames[:MAX_INNER]:
        if not SOURCE.search(frame.frame.file or "") or not FAILS.search(frame.function):
            continue
        text = _text(memory, frame)
        if text:
            return text
    return None


def _text(memory: Memory, frame: CFrame) -> str | None:
    for variable in frame.variables:
        if variable.is_argument and variable.value and TEXT.match(variable.type):
            try:
                return read_cstring(memory, variable.value, MAX_TEXT)
            except MemoryFault:
                return None
    return None
