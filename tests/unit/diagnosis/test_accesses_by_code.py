"""What threads' Python code says of the objects that they work on."""

from __future__ import annotations

from typing import cast

from gdbext.cpython.interpreter.frames import PythonStack
from gdbext.diagnosis.observe.accesses_by_code import _runs_once
from gdbext.diagnosis.observe.observer import Observer


def test_a_damaged_stack_without_a_frame_runs_nothing() -> None:
    nothing_to_ask = cast(Observer, None)
    assert not _runs_once(nothing_to_ask, PythonStack(groups=((),)))
