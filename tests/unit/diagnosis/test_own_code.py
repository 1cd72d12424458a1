"""Which of a thread's C functions work on what they have at hand."""

from __future__ import annotations

from gdbext.diagnosis.observe.c_variables import outside_collector
from gdbext.target.protocol import NativeFrame


def test_the_garbage_collector_works_on_no_object() -> None:
    """It visits every object there is: what it dies of, others have left there."""
    names = ("visit_decref", "element_gc_traverse", "gc_collect_internal", "_Py_RunGC", "feed")
    frames = [NativeFrame(level, 0x10, 0x7000, name) for level, name in enumerate(names)]
    assert [f.function for f in outside_collector(frames)] == ["_Py_RunGC", "feed"]
    assert outside_collector(frames[3:]) == frames[3:]
