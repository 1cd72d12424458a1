"""Native and Python frames merged."""

import dataclasses

from gdbext.model import Confidence, Finding, NativeFrameInfo, PythonFrame, Subject, ThreadInfo
from gdbext.reports.stack import frames_of_interest, merged, same_stacks
from unit.reports import samples


def names(thread):
    return [entry.function for entry in merged(thread)]


def python(*functions):
    return tuple(PythonFrame("x.py", i + 1, f) for i, f in enumerate(functions))


def native(*frames):
    return tuple(NativeFrameInfo(i, f, python=p) for i, (f, p) in enumerate(frames))


def test_an_eval_loop_gives_way_to_the_frames_it_runs():
    frames = native(("repr", None), ("eval", 0), ("call", None), ("eval", 2), ("main", None))
    assert names(ThreadInfo(1, native=frames, python=python("a", "b", "c"))) == ["repr", "a", "b", "call", "c", "main"]


def test_python_frames_are_shown_where_the_native_stack_ends_early():
    assert names(ThreadInfo(1, native=native(("repr", None), ("eval", 0)), python=python("a", "b"))) == ["repr", "a", "b"]
    assert names(ThreadInfo(1, native=native(("repr", None)), python=python("a"))) == ["repr", "a"]
    assert names(ThreadInfo(1, python=python("a"))) == ["a"]
    assert names(ThreadInfo(1)) == []


def test_no_frame_is_shown_twice_whatever_the_indexes_say():
    for indexes in ((0, 0), (1, 0), (5, 9), (0, 5), (2, 1)):
        frames = native(*(("eval", i) for i in indexes))
        shown = names(ThreadInfo(1, native=frames, python=python("a", "b", "c")))
        assert len(shown) == len(set(shown))


def test_a_frame_without_a_name():
    (entry,) = merged(ThreadInfo(1, native=native((None, None))))
    assert entry.function == "??"
    assert entry.is_machinery


def test_interesting_frames_handle_the_object_and_its_container():
    report = samples.founding()
    found = frames_of_interest(report.findings[0], report.threads[1])
    assert [(frame.function, note) for frame, note in found] == [("union_repr", ""), ("list_repr_impl", "item 2")]


def test_else_the_innermost_that_are_no_machinery():
    report = samples.victim()
    found = frames_of_interest(report.findings[0], report.threads[1])
    assert [frame.function for frame, _ in found] == ["unions_item_repr", "union_repr", "PyObject_Repr"]


def test_what_is_inlined_into_the_function_at_fault_is_left_out():
    names = ("_Py_atomic_load_uint32_relaxed", "Py_INCREF", "_PyBytes_FromList", "bytes_new")
    frames = [NativeFrameInfo(n, name, "bytesobject.c", 1, 0x1000 if n < 3 else 0x2000) for n, name in enumerate(names)]
    found = frames_of_interest(Finding("FT404", "", Confidence.LIKELY), ThreadInfo(1, native=tuple(frames)))
    assert [frame.function for frame, _ in found] == ["_PyBytes_FromList", "bytes_new"]


def test_the_extension_modules_own_frame_is_always_shown():
    places = [
        ("PyObject_Size", "python", 1),
        ("Py_DECREF", "box.so", 2),
        ("recall", "box.so", 2),
        ("_PyEval_EvalFrame", "python", 3),
    ]
    frames = [NativeFrameInfo(n, name, "file.c", 1, pc, module) for n, (name, module, pc) in enumerate(places)]
    frames[0] = dataclasses.replace(frames[0], arguments=("o=0x1230",))
    frames[3] = dataclasses.replace(frames[3], python=0)
    finding = Finding("FT102", "", Confidence.PROVEN, Subject(0x1230, None))
    found = frames_of_interest(finding, ThreadInfo(1, native=tuple(frames)))
    assert [frame.function for frame, _ in found] == ["PyObject_Size", "recall"]


def test_equal_stacks_come_together_but_for_the_crashed_one():
    groups = same_stacks(samples.many_threads().threads)
    assert [len(group) for group in groups] == [1, 1, 4, 194]
    twins = (samples.reader(), dataclasses.replace(samples.reader(), lwp=1))
    assert [len(group) for group in same_stacks(twins)] == [1, 1]
