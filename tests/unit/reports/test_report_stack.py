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
    assert names(ThreadInfo(1, native=frames, python=python("a", "b", "c"))) == [
        "repr",
        "a",
        "b",
        "call",
        "c",
        "main",
    ]


def test_python_frames_are_shown_where_the_native_stack_ends_early():
    assert names(
        ThreadInfo(1, native=native(("repr", None), ("eval", 0)), python=python("a", "b"))
    ) == ["repr", "a", "b"]
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
    assert [(frame.function, note) for frame, note in found] == [
        ("union_repr", ""),
        ("list_repr_impl", "item 2"),
    ]


def test_else_the_innermost_that_are_no_machinery():
    report = samples.victim()
    found = frames_of_interest(report.findings[0], report.threads[1])
    assert [frame.function for frame, _ in found] == [
        "unions_item_repr",
        "union_repr",
        "PyObject_Repr",
    ]


def test_what_is_inlined_into_the_function_at_fault_is_left_out():
    names = ("_Py_atomic_load_uint32_relaxed", "Py_INCREF", "_PyBytes_FromList", "bytes_new")
    frames = [
        NativeFrameInfo(n, name, "bytesobject.c", 1, 0x1000 if n < 3 else 0x2000)
        for n, name in enumerate(names)
    ]
    found = frames_of_interest(
        Finding("FT404", "", Confidence.LIKELY), ThreadInfo(1, native=tuple(frames))
    )
    assert [frame.function for frame, _ in found] == ["_PyBytes_FromList", "bytes_new"]


def test_a_function_and_the_part_that_was_split_off_it_are_shown_once():
    def levels(line):
        """The frames shown where the function is at ``line``, and its part at line 8."""
        frames = [
            NativeFrameInfo(0, "__assert_fail", "assert.c", 103, 0x10, "libc.so.6"),
            NativeFrameInfo(1, "asserts", "bad.c", 8, 0x20, "bad.so"),
            NativeFrameInfo(2, "asserts", "bad.c", line, 0x20, "bad.so"),
            NativeFrameInfo(3, "asserts", "bad.c", 8, 0x30, "bad.so"),
        ]
        finding = Finding("FT401", "", Confidence.PROVEN)
        found = frames_of_interest(finding, ThreadInfo(1, native=tuple(frames)))
        return [frame.level for frame, _ in found]

    assert levels(8) == [1, 3], "what it called is another call"
    assert levels(7) == [1, 2, 3], "another line says more"


def test_the_extension_modules_own_frame_is_always_shown():
    places = [
        ("PyObject_Size", "python", 1),
        ("Py_DECREF", "box.so", 2),
        ("recall", "box.so", 2),
        ("_PyEval_EvalFrame", "python", 3),
    ]
    frames = [
        NativeFrameInfo(n, name, "file.c", 1, pc, module)
        for n, (name, module, pc) in enumerate(places)
    ]
    frames[0] = dataclasses.replace(frames[0], arguments=("o=0x1230",))
    frames[3] = dataclasses.replace(frames[3], python=0)
    finding = Finding("FT102", "", Confidence.PROVEN, Subject(0x1230, None))
    found = frames_of_interest(finding, ThreadInfo(1, native=tuple(frames)))
    assert [frame.function for frame, _ in found] == ["PyObject_Size", "recall"]


def shown(*places, python=None):
    """The functions shown of a stack of (function, file, module)."""
    frames = [
        NativeFrameInfo(n, name, file, 1, 0x1000 + n, module)
        for n, (name, file, module) in enumerate(places)
    ]
    if python is not None:
        frames[python] = dataclasses.replace(frames[python], python=0)
    return [
        f.function
        for f, _ in frames_of_interest(
            Finding("FT404", "", Confidence.LIKELY), ThreadInfo(1, native=tuple(frames))
        )
    ]


def test_an_extension_modules_frames_are_not_pushed_out():
    inner = [(f"_PyMem_{n}", "obmalloc.c", "python") for n in range(5)]
    own = [("run_job", "job.c", "job.so"), ("call_it", "job.c", "job.so")]
    outer = [("start_thread", "pthread_create.c", "libc.so.6"), ("clone3", "clone3.S", "libc.so.6")]
    assert shown(*inner, *own, *outer) == ["_PyMem_0", "run_job", "call_it"]
    assert shown(*inner, own[0], *outer) == ["_PyMem_0", "_PyMem_1", "run_job"]
    many = [(f"step_{n}", "job.c", "job.so") for n in range(5)]
    assert shown(*inner, *many, *outer) == ["_PyMem_0", "step_0", "step_1", "step_2"]
    assert shown(("Py_DECREF", "object.h", "job.so"), *many) == [
        "Py_DECREF",
        "step_0",
        "step_1",
        "step_2",
    ]
    assert shown(*many, ("_PyEval_EvalFrame", "ceval.c", "python"), *own, python=5) == [
        "step_0",
        "step_1",
        "step_2",
    ]


def test_code_without_symbols_shows_whose_it_is_once():
    called = ("PyFloat_FromDouble", "floatobject.c", "python")
    nameless = [(None, None, "job.so")] * 3
    outer = [("start_thread", "pthread_create.c", "libc.so.6")]
    assert shown(called, *nameless, *outer) == ["PyFloat_FromDouble", None]
    assert shown(*nameless, *outer) == [None]
    by_name = ("run_job", None, "job.so")
    assert shown(called, *nameless, by_name, *outer) == ["PyFloat_FromDouble", None, "run_job"]
    gateway = [(None, None, "libffi.so.8"), ("ffi_call", None, "libffi.so.8")]
    assert shown(called, *gateway, *outer) == ["PyFloat_FromDouble", "ffi_call"]


def test_what_only_starts_python_is_no_part_of_the_story():
    start = [
        "run_eval_code_obj",
        "run_mod",
        "pyrun_file",
        "_PyRun_SimpleFileObject",
        "_PyRun_AnyFileObject",
        "pymain_run_file_obj",
    ]
    start += ["pymain_run_python", "Py_RunMain", "pymain_main", "Py_BytesMain"]
    places = [
        ("_PyEval_EvalFrame", "ceval.c", "python"),
        *((name, "pythonrun.c", "python") for name in start),
    ]
    assert shown(
        ("describe", "meta.c", "meta.so"), *places, ("main", "python.c", "python"), python=1
    ) == ["describe"]


def test_equal_stacks_come_together_but_for_the_crashed_one():
    groups = same_stacks(samples.many_threads().threads)
    assert [len(group) for group in groups] == [1, 1, 4, 194]
    twins = (samples.reader(), dataclasses.replace(samples.reader(), lwp=1))
    assert [len(group) for group in same_stacks(twins)] == [1, 1]
