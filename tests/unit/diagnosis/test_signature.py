"""What goes into a crash's signature, and what does not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from gdbext.diagnosis.conclude.crash_site import called_functions, is_foreign, site_functions
from gdbext.diagnosis.facts.accesses import Accesses
from gdbext.diagnosis.facts.crash_site import CrashSite
from gdbext.diagnosis.facts.frames import CFrame, SlotOwner
from gdbext.diagnosis.known_issues.features import Candidate
from gdbext.diagnosis.known_issues.identify import Identified
from gdbext.diagnosis.signature import racing_operations, signature
from gdbext.model import (
    Confidence,
    Finding,
    KnownIssue,
    Race,
    RaceThread,
    SharedObject,
    Subject,
    Verdict,
)
from gdbext.target.protocol import NativeFrame
from unit.diagnosis.words import operation, operations

PYTHON = "/usr/bin/python3.13t"


def slot(level: int, function: str, kind: str, name: str) -> CFrame:
    return CFrame(
        NativeFrame(level, 0x1000, 0x7000, function, "x.c", 1, PYTHON),
        (),
        SlotOwner(kind, 0x5000, name),
    )


def plain(
    level: int,
    function: str | None,
    library: str = PYTHON,
    file: str | None = None,
    is_inlined: bool = False,
) -> CFrame:
    return CFrame(
        NativeFrame(
            level, 0x1000, 0x7000, function, file, 1 if file else None, library, is_inlined
        ),
        (),
        None,
    )


def case(
    frames: Sequence[CFrame] = (),
    assertion: str | None = None,
    python: str = "serve",
    is_sent: bool = False,
    is_crash: bool = False,
    extension: str | None = None,
) -> CrashSite:
    """A thread that died in the C frames, called from a Python function."""
    return CrashSite(
        functions=site_functions(frames, PYTHON),
        called=called_functions(frames, PYTHON),
        callers=(f"worker.py {python}",),
        extension=extension,
        is_in_other_code=is_sent or any(is_foreign(f.frame, PYTHON) for f in frames),
        is_crash=is_crash,
        assertion=assertion,
    )


def finding(
    rule: str, kind: str | None = None, confidence: Confidence = Confidence.PROVEN
) -> Finding:
    return Finding(
        rule, "", confidence, Subject(0x1234, kind, kind, Verdict.FREED) if kind else None
    )


def race(kind: str, *words: str, confidence: Confidence = Confidence.LIKELY, lwp: int = 1) -> Race:
    threads = tuple(
        RaceThread(lwp + n, f"t{n}", operation(done), "a.py", 10 * n + lwp)
        for n, done in enumerate(words)
    )
    return Race(confidence, SharedObject(0x4000 + lwp, kind), threads)


def mark(
    site: CrashSite,
    findings: Sequence[Finding] = (),
    races: Sequence[Race] = (),
    known: Identified | None = None,
) -> str:
    return signature(site, findings, races, Accesses(), known or Identified()).id


LIST_READER = (
    slot(2, "union_repr", "types.UnionType", "tp_repr"),
    slot(5, "list_repr", "list", "tp_repr"),
)


def test_inlined_helpers_and_plumbing_do_not_count() -> None:
    debug = (
        plain(0, "_Py_TYPE"),
        plain(1, "PyObject_Repr"),
        *LIST_READER,
        plain(6, "_PyObject_VectorcallTstate"),
    )
    found = finding("FT205", "list")
    assert mark(case(debug), [found]) == mark(case(LIST_READER), [found])
    assert signature(case(debug), [found], (), Accesses(), Identified()).frames == (
        "union_repr",
        "list_repr",
    )


def test_what_a_lost_block_is_used_for_now_does_not_count() -> None:
    marks = {
        mark(case(LIST_READER), [finding(rule, "types.UnionType")])
        for rule in ("FT101", "FT102", "FT103", "FT104", "FT201")
    }
    assert len(marks) == 1


def test_other_types_sites_and_assertions_are_other_defects() -> None:
    marks = [
        mark(case(LIST_READER), [finding("FT205", "list")]),
        mark(case(LIST_READER), [finding("FT205", "tuple")]),
        mark(case(LIST_READER[:1]), [finding("FT205", "list")]),
        mark(case(assertion="a > 0"), [finding("FT401")]),
        mark(case(assertion="b > 0"), [finding("FT401")]),
    ]
    assert len(set(marks)) == len(marks)


def test_a_race_is_an_unordered_pair_whose_victim_threads_and_addresses_do_not_count() -> None:
    one = mark(case(LIST_READER), [finding("FT102", "str")], [race("list", "walk", "pop")])
    other = mark(case(), [finding("FT105")], [race("list", "pop", "walk", lwp=70)])
    assert one == other
    assert one != mark(case(), [finding("FT105")], [race("list", "crawl", "pop")])
    assert one != mark(case(), [finding("FT105")], [race("dict", "walk", "pop")])


def test_what_the_threads_do_is_among_the_features_as_a_value() -> None:
    found = signature(
        case(), [finding("FT105")], [race("list", "pop", "pop")], Accesses(), Identified()
    )
    assert found.features == ("FT105", "list", operation("pop"))


def test_the_known_issue_is_the_cause_wherever_the_crash_happened() -> None:
    def issue(name: str, match: str, *defect: str) -> Identified:
        return Identified([KnownIssue(name, "", match)], defect)

    exact = issue("gh-1", "exact", "gh-1", "pickle", "dict")
    first = mark(case(LIST_READER), [finding("FT404")], [race("dict", "dumps", "pop")], exact)
    assert first == mark(case(), [finding("FT105")], (), exact)
    assert first == mark(
        case(),
        [finding("FT105")],
        [race("dict", "dumps", "clear")],
        issue("gh-1", "possible", *exact.defect),
    )
    assert first != mark(
        case(), [finding("FT105")], (), issue("gh-1", "exact", "gh-1", "pickle", "list")
    )


def test_a_fault_in_other_code_is_not_laid_to_a_suspected_race() -> None:
    suspected = race("deque", "append", "append", confidence=Confidence.POSSIBLE)
    library = (plain(0, "strlen", "/lib/libc.so.6"), plain(1, "ffi_call", "/lib/libffi.so.8"))
    found = [finding("FT404", confidence=Confidence.LIKELY)]
    assert mark(case(library), found, [suspected]) == mark(case(library), found)
    assert mark(case(library), found) != mark(case(library, python="listen"), found)
    own = (plain(0, "dict_lookup"),)
    assert mark(case(own), found, [suspected]) != mark(case(own), found)
    assert mark(case(LIST_READER), found, [suspected]) == mark(case(LIST_READER), found), (
        "its site tells more"
    )
    sent = case(own, is_sent=True)
    assert mark(sent, found, [suspected]) == mark(sent, found)


def test_a_librarys_name_need_not_be_text() -> None:
    """A damaged core has names that are no UTF-8; the contract keeps their bytes as surrogates."""
    broken, other = (
        dataclasses.replace(case([plain(0, None, f"/usr/lib/{name}.so")]), is_crash=True)
        for name in ("lib\udcbe", "libx")
    )
    assert mark(broken) != mark(other)


def frames_of(*frames: CFrame) -> tuple[str, ...]:
    site = case(frames, is_crash=True)
    return signature(site, [finding("FT404")], (), Accesses(), Identified()).frames


def test_of_an_extension_module_its_innermost_function_counts() -> None:
    own = "/srv/app/fastvec.so"
    debug = (
        plain(0, "Py_INCREF", own, "object.h"),
        plain(1, "take", own, "fastvec.c"),
        plain(2, "get", own, "fastvec.c"),
    )
    release = (
        plain(0, "Py_INCREF", own, "object.h", True),
        plain(1, "take", own, "fastvec.c", True),
        plain(2, "get", own, "fastvec.c"),
    )
    jumped = (plain(0, "take", own),)
    assert frames_of(*debug) == frames_of(*release) == frames_of(*jumped) == ("take",)
    assert frames_of(*jumped, *LIST_READER, plain(6, "walk", "/srv/app/tree.so")) == (
        "take",
        "union_repr",
        "list_repr",
    )


def test_without_a_site_the_functions_that_were_called_are_it() -> None:
    foreign, ctypes = (
        "/lib/libffi.so.8.1.2",
        "/usr/lib/python3.13/lib-dynload/_ctypes.cpython-313t-x86_64-linux-gnu.so",
    )
    gateway = (
        plain(1, None, foreign),
        plain(2, None, foreign),
        plain(3, "PyCFuncPtr_call", ctypes),
        plain(4, "_PyObject_MakeTpCall"),
    )
    assert frames_of(plain(0, "__strlen_evex", "/lib/libc.so.6"), *gateway) == (
        "strlen",
        "libffi",
        "PyCFuncPtr_call",
    )
    assert frames_of(plain(0, "__strlen_avx2_rtm", "/lib/libc.so.6"), *gateway) == (
        "strlen",
        "libffi",
        "PyCFuncPtr_call",
    )
    assert frames_of(*gateway) == ("libffi", "PyCFuncPtr_call")
    shown = (
        plain(0, "Py_TYPE", file="object.h", is_inlined=True),
        plain(1, "PyObject_Repr", file="object.c"),
        plain(2, "static_one"),
    )
    assert frames_of(*shown) == ("PyObject_Repr",)
    marks = {
        mark(case(frames, is_crash=True), [finding("FT404")])
        for frames in (gateway, shown, gateway[2:])
    }
    assert len(marks) == 3
    assert mark(case(gateway, is_sent=True), [finding("FT405")]) == mark(
        case(shown, is_sent=True), [finding("FT405")]
    )
    assert mark(case(LIST_READER, is_sent=True), [finding("FT000")]) == mark(
        case(python="wait", is_sent=True), [finding("FT000")]
    )


def test_damaged_memory_may_be_the_only_extension_modules_work() -> None:
    def of(extension: str | None, frames: Sequence[CFrame] = ()) -> str:
        return mark(case(frames, extension=extension), [finding("FT105")])

    assert of("vec") == of("vec", frames=LIST_READER)
    assert len({of(None), of("vec"), of("tok")}) == 3


def test_an_abort_is_not_laid_to_a_suspected_race() -> None:
    suspected = race("deque", "append", "append", confidence=Confidence.POSSIBLE)
    assert mark(case(), [finding("FT405")], [suspected]) == mark(case(), [finding("FT405")])


@pytest.mark.parametrize(
    ("kind", "done", "around", "wrong"),
    [
        ("dict", "clear update", "maketrans clear update", "maketrans"),
        ("list", "append clear", "", "append clear"),
        ("list", "heappush len", "heappop heappush len", "heappop heappush"),
        ("array.array", "append getitem", "append clear getitem", ""),
        ("_io.StringIO", "truncate write", "__init__ truncate write", "init"),
        ("_io.StringIO", "truncate write", "readlines write", ""),
        ("function", "getattr:__name__ setattr:__name__", "", "__name__"),
        (
            "function",
            "setattr:__defaults__",
            "getattr:__defaults__ setattr:__defaults__",
            "__defaults__",
        ),
        ("functools.partial", "repr call", "__setstate__ call repr", "setstate"),
        ("shelf.Shelf", "drain drain", "drain push", "drain push"),
        ("shelf.Shelf", "summary forget", "", "forget summary"),
        ("shelf.Shelf", "upper setattr:label", "drain setattr:label", "label"),
    ],
)
def test_what_is_wrong_to_do_does_not_depend_on_where_the_threads_were(
    kind: str, done: str, around: str, wrong: str
) -> None:
    candidate = Candidate(
        types=frozenset({kind}),
        operations=operations(done),
        around=operations(around),
    )
    assert racing_operations(candidate) == wrong.split()
    assert racing_operations(dataclasses.replace(candidate, is_certain=False)) == wrong.split()
