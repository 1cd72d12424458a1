"""Reports as triage gives them, for the tests of all formats.

The founding crash as DESIGN's screen has it, and its variants.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from gdbext.model import (
    BlockRun,
    Claim,
    Confidence,
    Container,
    ContainerView,
    Crash,
    Evidence,
    Finding,
    HeapPage,
    ItemView,
    KnownIssue,
    LockInfo,
    NativeFrameInfo,
    Operation,
    OperationKind,
    PythonFrame,
    Race,
    RaceThread,
    Report,
    SectionError,
    SharedObject,
    Signature,
    SourceLine,
    Subject,
    TargetInfo,
    ThreadInfo,
    Tool,
    Verdict,
)

UNION = 0x200000AFF10
LIST = 0x20000375FB0
PAGE = 0x20000090000
READER, MAIN = 18453, 18452
READER_FRAME, MUTATE_FRAME = 0x7FFFF7FB0230, 0x7FFFF7FB1020
CLEAR = Operation(kind=OperationKind.CALL, name="list.clear")
REPR = Operation(kind=OperationKind.CALL, name="repr")
SCRIPT = "/home/ada/project/det_list.py"

SCRIPT_LINES = (
    "class Meta(type):",
    "    def __repr__(cls):",
    '        """Hands control to the other thread in the middle of a repr."""',
    "        inside.set(); resume.wait(5)",
    "        return cls.__name__",
    "",
    "def mutate():",
    "    inside.wait(5)",
    "    lst.clear()  # frees the unions that the reader walks over",
    "    resume.set()",
    "",
    'threading.Thread(target=lambda: repr(lst), name="reader").start()',
    "mutate()",
)


RULES = {
    "FT000": ("nothing wrong found", "nothing"),
    "FT101": ("stale container item", "memory"),
    "FT105": ("heap or freelist corrupted", "memory"),
    "FT106": ("memory freed by another allocator", "memory"),
    "FT201": ("union args not a tuple", "memory"),
    "FT203": ("container changed under its reader", "memory"),
    "FT301": ("unsynchronised sharing", "concurrency"),
    "FT303": ("deadlock", "concurrency"),
}


def finding_of(rule: str, *parts: Any, **more: Any) -> Finding:
    """A finding with what its rule gives to each."""
    name, kind = RULES[rule]
    return Finding(rule, *parts, **{**more, "name": name, "kind": kind})


def _excerpt(line: int) -> tuple[SourceLine, ...]:
    """``SCRIPT_LINES`` is the script from line 6 on."""
    return tuple(
        SourceLine(n, SCRIPT_LINES[n - 6])
        for n in range(max(6, line - 3), min(6 + len(SCRIPT_LINES), line + 3))
    )


def native(
    level: int,
    function: str,
    file: str | None = None,
    line: int | None = None,
    *arguments: str,
    **more: Any,
) -> NativeFrameInfo:
    path = f"/usr/src/cpython/{file}" if file else None
    return NativeFrameInfo(
        level,
        function,
        path,
        line,
        0x555555600000 + level * 0x40,
        "/opt/python3.13t/bin/python3.13",
        arguments,
        **more,
    )


def reader() -> ThreadInfo:
    return ThreadInfo(
        READER,
        "reader",
        crashed=True,
        state="attached",
        native=(
            native(0, "unions_item_repr", "Objects/unionobject.c", 231, "p=0x1"),
            native(
                1,
                "union_repr",
                "Objects/unionobject.c",
                257,
                f"self={UNION:#x}",
                excerpt=(
                    SourceLine(
                        255,
                        "        if (i > 0 && "
                        '(err = PyUnicodeWriter_WriteUTF8(writer, " | ", 3)) < 0) {',
                    ),
                    SourceLine(256, "            goto done;  /* alias->args is borrowed */"),
                    SourceLine(257, "        PyObject *p = PyTuple_GET_ITEM(alias->args, i);"),
                    SourceLine(258, "        if ((err = unions_item_repr(writer, p)) < 0) {"),
                ),
            ),
            native(2, "PyObject_Repr", "Objects/object.c", 778, f"v={UNION:#x}"),
            native(3, "list_repr_impl", "Objects/listobject.c", 613, f"v={LIST:#x}"),
            native(4, "list_repr", "Objects/listobject.c", 650, f"self={LIST:#x}"),
            native(5, "PyObject_Repr", "Objects/object.c", 778, f"v={LIST:#x}"),
            native(
                6,
                "_PyEval_EvalFrameDefault",
                "Python/generated_cases.c.h",
                970,
                "tstate=0x5555559c4010",
                python=0,
            ),
            native(7, "_PyObject_VectorcallTstate", "Include/internal/pycore_call.h", 168),
            native(8, "thread_run", "Modules/_threadmodule.c", 337, "boot_raw=0x20000376010"),
            native(9, "pythread_wrapper", "Python/thread_pthread.h", 243),
            native(10, "start_thread"),
            native(11, "clone3"),
        ),
        python=(
            PythonFrame(
                SCRIPT, 17, "<lambda>", READER_FRAME, 0x20000378010, "repr(lst)", _excerpt(17)
            ),
            PythonFrame(
                "/opt/python3.13t/lib/python3.13/threading.py",
                994,
                "Thread.run",
                source="self._target(*self._args, **self._kwargs)",
            ),
            PythonFrame(
                "/opt/python3.13t/lib/python3.13/threading.py",
                1043,
                "Thread._bootstrap_inner",
                source="self.run()",
            ),
            PythonFrame(
                "/opt/python3.13t/lib/python3.13/threading.py",
                1014,
                "Thread._bootstrap",
                source="self._bootstrap_inner()",
            ),
        ),
        holds=(LIST + 10,),
        tstate=0x5555559C4010,
        number=2,
        doing="repr(list)",
    )


def main_thread() -> ThreadInfo:
    return ThreadInfo(
        MAIN,
        "MainThread",
        state="attached",
        native=(
            native(0, "_PyEval_EvalFrameDefault", "Python/generated_cases.c.h", 970, python=0),
            native(1, "PyEval_EvalCode", "Python/ceval.c", 604),
            native(2, "run_mod", "Python/pythonrun.c", 1381),
            native(3, "pymain_run_file", "Modules/main.c", 396),
            native(4, "Py_RunMain", "Modules/main.c", 775),
            native(5, "main", "Programs/python.c", 15),
        ),
        python=(
            PythonFrame(
                SCRIPT,
                14,
                "mutate",
                MUTATE_FRAME,
                source="lst.clear()  # frees the unions that the reader walks over",
                excerpt=_excerpt(14),
            ),
            PythonFrame(SCRIPT, 18, "<module>", source="mutate()"),
        ),
        number=1,
        doing="list.clear",
    )


def founding() -> Report:
    """The race with its crash: the debug build of 3.13.5 without gh-132713's fixes."""
    race = Race(
        Confidence.LIKELY,
        SharedObject(LIST, "list"),
        (
            RaceThread(MAIN, "MainThread", CLEAR, SCRIPT, 14, "mutate", frame=MUTATE_FRAME),
            RaceThread(READER, "reader", REPR, SCRIPT, 17, "<lambda>", frame=READER_FRAME),
        ),
        (Evidence("list_repr took no lock and borrowed its items (before 3.13.4)"),),
    )
    other = Race(Confidence.POSSIBLE, SharedObject(0x200003A0010, "dict"), race.threads)
    finding = finding_of(
        "FT101",
        "stale list item: repr(list) uses a typing.Union that was freed",
        Confidence.PROVEN,
        Subject(UNION, None, "types.UnionType", Verdict.FREED),
        Container(LIST, "list", 2),
        (READER, MAIN),
        (
            Evidence(
                "block free: 64-byte page 0x20000090000, on local_free: freed by the thread "
                "that owns the page, MainThread",
                UNION - 16,
                UNION + 112,
                about=UNION,
            ),
            Evidence("refcount merged to 0", UNION + 16, 3, about=UNION),
            Evidence(
                "ob_type is the freed fill",
                UNION + 24,
                0xDDDDDDDDDDDDDDDD,
                about=UNION,
                broken=True,
            ),
            Evidence("args is not a tuple", UNION + 32, 1, about=UNION, broken=True),
            Evidence("length now", LIST + 32, 0, about=LIST),
            Evidence(
                "the reader is at item 2: the list shrank under it",
                None,
                None,
                about=LIST,
                broken=True,
            ),
        ),
        "Upgrade, or hold a lock of your own around repr(lst) and lst.clear().",
    )
    changed = finding_of(
        "FT203",
        "list changed under its reader: it is shorter than the reader's position",
        Confidence.PROVEN,
        Subject(LIST, "list", "list", Verdict.LIVE),
        None,
        (READER,),
        (
            Evidence("length now", LIST + 32, 0, about=LIST),
            Evidence("list_repr_impl is at item 2 (its local `i`)", None, 2, about=LIST),
        ),
    )
    return Report(
        Tool("gdbext", "0.1.0", "gdb 18.1"),
        TargetInfo(
            "core",
            "/home/ada/project/core.18452",
            "/opt/python3.13t/bin/python3.13",
            "8d2f1c9e0b7a45d6",
            "3.13.5",
            True,
            True,
            False,
            "dwarf",
        ),
        Crash(
            "SIGSEGV",
            "SEGV_MAPERR",
            0x19,
            READER,
            instruction="mov 0x18(%rax),%rdi",
            operand="0x18(%rax)",
            access="reading",
        ),
        (finding, changed),
        race,
        (
            KnownIssue(
                "gh-132713",
                "https://github.com/python/cpython/issues/132713",
                "exact",
                ("3.13.4", "3.14.0b1"),
                "upgrade",
                "repr(list) kept a borrowed reference",
                "list_repr calls union_repr on an item that may be freed",
            ),
        ),
        Signature(
            "3f0c9a51d2e8b764", ("union_repr", "list_repr"), ("FT101", "list", "types.UnionType")
        ),
        (main_thread(), reader()),
        (),
        (race, other),
        (
            ContainerView(
                LIST,
                "list",
                0,
                8,
                (
                    ItemView(0, 0x200000AFE10, Verdict.FREED, None),
                    ItemView(1, 0x200000AFE90, Verdict.FREED, None),
                    ItemView(2, UNION, Verdict.FREED, None),
                    ItemView(3, 0x200000AFF90, Verdict.REUSED, "tuple"),
                    ItemView(4, 0x5555559A1000, Verdict.IMMORTAL, "int"),
                    ItemView(5, 0x200000B0010, Verdict.LIVE, "types.UnionType"),
                ),
                0x20000380018,
            ),
        ),
        (
            HeapPage(
                0x20000000388,
                PAGE,
                64,
                (
                    BlockRun(0, 41, Verdict.LIVE),
                    BlockRun(41, 6, Verdict.FREED),
                    BlockRun(47, 2, Verdict.LIVE),
                    BlockRun(49, 1, Verdict.PENDING_FREE),
                    BlockRun(50, 30, Verdict.LIVE),
                    BlockRun(80, 48, Verdict.NEVER_ALLOCATED),
                ),
                43,
                "MainThread",
                "gc",
            ),
        ),
    )


def healthy() -> Report:
    """A live process in which nothing is wrong."""
    worker = ThreadInfo(
        501,
        "Thread-1 (serve)",
        state="detached",
        native=(
            native(0, "__futex_abstimed_wait_common"),
            native(1, "_PyEval_EvalFrameDefault", "Python/ceval.c", 970, python=0),
        ),
        python=(
            PythonFrame("/home/ada/project/server.py", 44, "serve", source="item = queue.get()"),
        ),
        number=2,
        doing="waits for a lock",
    )
    return Report(
        Tool("gdbext", "0.1.0", "lldb 23.1"),
        TargetInfo(
            "live",
            None,
            "/usr/bin/python3.14t",
            "aa" * 10,
            "3.14.2",
            True,
            False,
            False,
            "debug-offsets",
            500,
        ),
        None,
        (
            finding_of(
                "FT000", "nothing wrong found: all invariants hold in 2 threads", Confidence.PROVEN
            ),
        ),
        None,
        (),
        Signature("0" * 16, (), ("FT000",)),
        (dataclasses.replace(main_thread(), lwp=500), worker),
        (),
    )


def over_time() -> Report:
    """A process that was stopped because it had not ended in its time, and nobody knows why."""
    found = Finding(
        "FT000",
        "no cause found: it had not ended after 60 s; 1 thread is running",
        Confidence.POSSIBLE,
        evidence=(Evidence("the process as a whole: running", None, "1 thread is running"),),
        name="no cause found",
        kind="unknown",
    )
    base = healthy()
    return dataclasses.replace(
        base, target=dataclasses.replace(base.target, over_time=60.0), findings=(found,)
    )


def assertion() -> Report:
    """The founding report's second way to die: memory reused as another type."""
    base = founding()
    finding = finding_of(
        "FT201",
        "types.UnionType whose args is no tuple: its memory is a dict now",
        Confidence.PROVEN,
        Subject(UNION, "dict", "types.UnionType", Verdict.REUSED),
        Container(0x200003B0010, "types.SimpleNamespace", "'handler'"),
        (READER,),
        (
            Evidence(
                "block allocated again: 64-byte page 0x20000090000, holds a dict with 3 entries",
                UNION,
                None,
                about=UNION,
            ),
            Evidence("args is not a tuple", UNION + 32, 0x20000410010, about=UNION, broken=True),
            Evidence("an entry's value", UNION + 40, "'s3cret token'", about=UNION, private=True),
        ),
    )
    crash = Crash("SIGABRT", "SI_TKILL", None, READER, "PyTuple_Check(alias->args)")
    return dataclasses.replace(
        base, crash=crash, findings=(finding,), race=None, suspects=(), containers=(), pages=()
    )


def victim() -> Report:
    """Dies in the allocator, far from the cause."""
    base = founding()
    finding = finding_of(
        "FT105",
        "free list of a 48-byte page is corrupted: its first link points out of the page",
        Confidence.PROVEN,
        Subject(0x20000200060, None, None, Verdict.FREED),
        None,
        (READER,),
        (
            Evidence(
                "free list link out of the page 0x20000200000",
                0x20000200060,
                0x4141414141414141,
                broken=True,
                private=True,
            ),
            Evidence("the overwriting word looks like text"),
        ),
    )
    crash = Crash(
        "SIGSEGV",
        "SI_KERNEL",
        0x4141414141414141,
        READER,
        access="reading",
        victim=True,
        victim_reason=Claim(
            "said",
            text="mi_page_malloc followed a link that was overwritten before; "
            "no thread is at it now",
        ),
    )
    race = dataclasses.replace(base.race, confidence=Confidence.POSSIBLE) if base.race else None
    return dataclasses.replace(base, crash=crash, findings=(finding,), race=race, known_issues=())


def deadlock() -> Report:
    """Two threads that wait for each other's lock."""
    first, second = 0x20000500010, 0x20000500090

    def waiter(
        lwp: int, number: int, name: str, line: int, holds: int, waits_for: int
    ) -> ThreadInfo:
        frame = PythonFrame(
            "/home/ada/project/transfer.py", line, "move", source="with b.lock:", excerpt=()
        )
        frames = (
            native(0, "syscall"),
            native(1, "PyMutex_LockTimed", "Python/lock.c", 112, f"m={waits_for:#x}"),
            native(2, "_PyEval_EvalFrameDefault", "Python/ceval.c", 970, python=0),
        )
        return ThreadInfo(
            lwp,
            name,
            False,
            "detached",
            frames,
            (frame,),
            (holds,),
            waits_for,
            None,
            number,
            "waits for a lock",
        )

    threads = (
        waiter(700, 1, "MainThread", 31, first, second),
        waiter(701, 2, "Thread-1 (move)", 31, second, first),
    )
    finding = finding_of(
        "FT303",
        "deadlock: 2 threads wait for each other's lock",
        Confidence.PROVEN,
        Subject(first, "threading.Lock", None, Verdict.LIVE),
        None,
        (700, 701),
        (
            Evidence("MainThread holds it and waits for 0x20000500090", first, None),
            Evidence("Thread-1 (move) holds that and waits for 0x20000500010"),
        ),
        "Take the two locks in one order everywhere.",
    )
    names = (
        LockInfo(
            first, Claim("lock", lock="object's mutex", name="list", thread=None, address=None)
        ),
        LockInfo(
            second,
            Claim("lock", lock="native lock", name="queue in mine", thread=None, address=None),
        ),
    )
    return dataclasses.replace(healthy(), findings=(finding,), threads=threads, locks=names)


def partial() -> Report:
    """Two sections failed; the rest stands."""
    errors = (
        SectionError(
            "threads",
            "cannot read 8 bytes at 0x5555559c4010: the core was truncated at 1048576 bytes "
            "(/home/ada/project/core.18452)",
        ),
        SectionError("known issues", "the catalogue has no entry for 3.13.5+"),
    )
    return dataclasses.replace(
        founding(), errors=errors, race=None, signature=None, threads=(), suspects=()
    )


def empty() -> Report:
    """What is left when nothing worked."""
    return Report(
        Tool("gdbext", "0.1.0", "gdb 13.1"),
        TargetInfo("core"),
        None,
        (),
        None,
        (),
        None,
        (),
        (SectionError("runtime", "no CPython"),),
    )


def many_threads(count: int = 200) -> Report:
    """The founding crash among idle workers, all alike but a few."""
    worker = healthy().threads[1]
    workers = tuple(
        dataclasses.replace(
            worker,
            lwp=20000 + i,
            number=3 + i,
            name=f"Thread-{i} (serve)",
            python=(dataclasses.replace(worker.python[0], line=44 + (i % 50 == 0)),),
        )
        for i in range(count - 2)
    )
    base = founding()
    return dataclasses.replace(base, threads=base.threads + workers)


def huge() -> Report:
    """Long lists of everything, long strings, deep stacks."""
    base = founding()
    finding = dataclasses.replace(
        base.findings[0],
        title="stale list item: " + "very " * 60 + "long title",
        evidence=base.findings[0].evidence
        + tuple(
            Evidence(f"claim number {i}: " + "word " * (i % 40), UNION + i, i << 20)
            for i in range(300)
        ),
    )
    deep = tuple(
        PythonFrame(SCRIPT, 10 + i % 7, f"recurse_{i % 3}", source="return recurse(n - 1)")
        for i in range(1500)
    )
    thread = dataclasses.replace(reader(), python=deep, native=reader().native[:7] * 20)
    slots = tuple(
        ItemView(i, UNION + 128 * i, (Verdict.LIVE, Verdict.FREED)[i % 7 == 0], "types.UnionType")
        for i in range(500)
    )
    return dataclasses.replace(
        base,
        findings=(finding,) * 12,
        threads=(main_thread(), thread),
        containers=(ContainerView(LIST, "list", 1_000_000, 1_048_576, slots, 0x20000380018),),
        pages=(
            HeapPage(
                0x20000000388,
                PAGE,
                64,
                tuple(
                    BlockRun(i, 1, (Verdict.LIVE, Verdict.FREED)[i % 3 == 0]) for i in range(1000)
                ),
                43,
            ),
        ),
        errors=tuple(SectionError(f"section {i}", "x" * 1000) for i in range(50)),
    )


HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "\n::error file=a.py,line=1::owned\n##[error]owned ##vso[task.complete]owned",
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>",
    "]]></failure><!-- &lt; &#0; \x00 ￿",
    "`` ` ``` **bold** [link](javascript:alert(1)) | <b>x</b> @octocat #1 www.example.com "
    "http://a.example _x_ ~~y~~ ![i](x)",
    "user‮txt.exe⁦​\udc80\x9b31m",
)


def hostile(text: str, report: Report | None = None) -> Report:
    """A report in which every string that can come from the target has ``text`` in it."""
    ours = {
        "rule",
        "schema",
        "kind",
        "layout_source",
        "domain",
        "id",
        "url",
        "match",
        "fixed_in",
        "advice",
        "title:KnownIssue",
    }

    def changed(value: Any, name: str) -> Any:
        if isinstance(value, (Confidence, Verdict)) or name in ours:
            return value
        if isinstance(value, str):
            return value + text
        if isinstance(value, tuple):
            return tuple(changed(item, name) for item in value)
        if isinstance(value, (Tool, Signature)) or not dataclasses.is_dataclass(value):
            return value
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        kind = type(value).__name__
        return dataclasses.replace(  # type: ignore[type-var]
            value, **{k: v if f"{k}:{kind}" in ours else changed(v, k) for k, v in fields.items()}
        )

    result = changed(report or founding(), "")
    assert isinstance(result, Report)
    return result


SAMPLES: dict[str, Callable[[], Report]] = {
    "founding": founding,
    "healthy": healthy,
    "over time": over_time,
    "assertion": assertion,
    "victim": victim,
    "deadlock": deadlock,
    "partial": partial,
    "empty": empty,
    "many threads": many_threads,
    "huge": huge,
    **{f"hostile {i}": functools.partial(hostile, text) for i, text in enumerate(HOSTILE)},
}
