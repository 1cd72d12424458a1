"""gdb, LLDB and drgn, asked the same of the same core: equal answers, but for what is named here.

What cannot be made equal:

* Separate debug information of the C library is compressed, and only gdb finds entry values in it:
  variables of frames in it.
* LLDB has none of the function around an inlined one whose last instruction is a call that does not
  return.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gdbext.backends import registry
from hosts.run import InsideError, run_in_debugger
from lab import Lab, builds, crash, hang
from lab.crash import copy_sparse
from lab.hang import settle

CORES = [
    ("release-unfixed", "list_union_freed"),
    ("debug-unfixed", "list_union_freed"),
    ("release", "os_abort"),
    ("debug", "os_abort"),
    ("release", "ctypes_null"),
    ("debug", "ctypes_null"),
    ("debug", "c_assertion"),
    ("release", "stack_overflow"),
    ("debug", "stack_overflow"),
]
HANG = """
import threading
lock = threading.Lock()
lock.acquire()
threading.Thread(target=lock.acquire, name="waiter", daemon=True).start()
print("READY", flush=True)
threading.Event().wait()
"""


@cache
def _debuggers() -> dict[str, tuple[str, str | None]]:
    """(adapter, program) by a label: those of this environment, and the system's gdb where it is
    another version.
    """
    found: dict[str, tuple[str, str | None]] = {name: (name, None) for name in registry.NAMES}
    system = shutil.which("gdb", path="/usr/local/bin:/usr/bin:/bin")
    if system:
        said = subprocess.run(
            [system, "-nx", "-batch", "-ex", "python print(1)"], capture_output=True, text=True
        )
        version = subprocess.run([system, "--version"], capture_output=True, text=True).stdout
        if said.stdout.strip() == "1" and re.search(r"\b1[2-7]\.\d", version):
            found["system-gdb"] = ("gdb", system)
    return found


LIVE = [label for label, (name, _) in _debuggers().items() if registry.launcher(name).ATTACHES]
"""Those that run and stop programs."""
_answers: dict[tuple[str, str, str], Any] = {}


def answers(lab: Lab, build: str, script: str, label: str) -> Any:
    """Everything that a debugger says of a core; asked once."""
    key = (build, script, label)
    if key not in _answers:
        run = lab.crash(build, script)
        adapter, program = _debuggers()[label]
        _answers[key] = run_in_debugger(
            adapter,
            "hosts.answers:everything",
            core=run.core,
            executable=run.executable,
            program=program,
        )
    return _answers[key]


@pytest.fixture(
    params=[
        # What is asked once is asked in one worker.
        pytest.param(core, id="-".join(core), marks=pytest.mark.xdist_group("-".join(core)))
        for core in CORES
    ]
)
def core(request: pytest.FixtureRequest) -> tuple[str, str]:
    value: tuple[str, str] = request.param
    return value


@pytest.fixture(params=[label for label in _debuggers() if label != "lldb"])
def both(request: pytest.FixtureRequest, lab: Lab, core: tuple[str, str]) -> tuple[Any, Any]:
    """(a gdb's answers, LLDB's answers) on one core."""
    return answers(lab, *core, request.param), answers(lab, *core, "lldb")


ASPECTS = [
    "target",
    "threads",
    "registers",
    "signal",
    "modules",
    "regions",
    "mapped_files",
    "build_ids",
    "memory",
    "symbols",
    "static",
    "places",
    "values",
    "same_stop",
]


@pytest.mark.parametrize("aspect", ASPECTS)
def test_both_debuggers_give_the_same_answer(both: tuple[Any, Any], aspect: str) -> None:
    gdb, lldb = both
    assert gdb[aspect] == lldb[aspect]
    assert gdb[aspect]


def test_structs_are_the_same_to_the_last_bit(both: tuple[Any, Any]) -> None:
    gdb, lldb = both
    assert gdb["structs"].keys() == lldb["structs"].keys()
    for name, layout in gdb["structs"].items():
        assert layout == lldb["structs"][name], name
    missing = [name for name, layout in gdb["structs"].items() if layout is None]
    assert missing == ["no_such_struct"]
    assert gdb["structs"]["PyASCIIObject"]["fields"]["state.kind"]["bits"] == 3


def test_frames_are_the_same(both: tuple[Any, Any]) -> None:
    gdb, lldb = both
    assert gdb["frames"].keys() == lldb["frames"].keys()
    assert sum(map(len, gdb["frames"].values())) > 10
    for lwp, frames in gdb["frames"].items():
        assert [f["function"] for f in frames] == [f["function"] for f in lldb["frames"][lwp]]
        for mine, theirs in zip(frames, lldb["frames"][lwp]):
            for field in ("level", "pc", "sp", "module", "is_inlined"):
                assert mine[field] == theirs[field], (mine, theirs)
            if "/libc.so" not in str(mine["module"]):
                # Of equal functions gdb may know the other file of two that were found to have the
                # same name.
                assert (os.path.basename(mine["file"] or ""), mine["line"]) == (
                    os.path.basename(theirs["file"] or ""),
                    theirs["line"],
                )


def test_variables_are_the_same(both: tuple[Any, Any]) -> None:
    gdb, lldb = both
    compared = 0
    for lwp, frames in gdb["frames"].items():
        for frame, mine, theirs in zip(frames, gdb["variables"][lwp], lldb["variables"][lwp]):
            if frame["module"] is None or "/libc.so" in frame["module"]:
                continue
            if not theirs and frame["level"] > 0 and frames[frame["level"] - 1]["is_inlined"]:
                continue
            assert _by_name(mine) == _by_name(theirs), frame
            assert [v["name"] for v in mine if v["is_argument"]] == [
                v["name"] for v in theirs if v["is_argument"]
            ]
            compared += sum(v["value"] is not None for v in mine)
    assert compared > 20


def _by_name(variables: list[Any]) -> dict[str, Any]:
    return {v["name"]: v for v in variables}


def test_source_is_shown_where_the_interpreter_was_built(both: tuple[Any, Any]) -> None:
    for told in both:
        lines = [
            line for excerpts in told["source"].values() for excerpt in excerpts for line in excerpt
        ]
        assert len(lines) > 20
        assert any("return _PyEval_EvalFrameDefault(" in text for _, text in lines) or any(
            "PyObject_Vectorcall(" in text for _, text in lines
        )


def test_mistakes_are_told_in_one_line(both: tuple[Any, Any]) -> None:
    for told in both:
        for expression, said in told["mistakes"].items():
            assert isinstance(said, str), expression
            assert said.startswith("error: ")
            assert "\n" not in said
        assert "would change the program" in told["mistakes"]["$pc = 0"]


@pytest.mark.parametrize("label", _debuggers())
def test_the_founding_crash_is_seen_as_it_is(lab: Lab, label: str) -> None:
    run = lab.crash("debug-unfixed", "list_union_freed")
    told = answers(lab, "debug-unfixed", "list_union_freed", label)
    thread = str(told["signal"]["lwp"])
    names = [f["function"] for f in told["frames"][thread]]
    level = names.index("union_repr")
    assert (
        names[:level]
        in (
            [],
            ["Py_TYPE"],
            ["Py_TYPE", "union_repr_item"],
            ["PyObject_HasAttrWithError", "union_repr_item"],
        )
        or level < 4
    )
    variables = _by_name(told["variables"][thread][level])
    assert variables["self"]["value"] == int(run.truth["subject"], 16)
    assert variables["self"]["type"] == "PyObject *"
    assert told["signal"]["name"] == run.signal
    assert told["target"] == ["core", str(run.core), told["target"][2], str(run.executable)]
    assert told["threads"][0]["lwp"] == told["signal"]["lwp"]


@pytest.mark.parametrize("label", _debuggers())
def test_a_fault_behind_faulthandler_is_found(label: str, tmp_path: Path) -> None:
    script = tmp_path / "null.py"
    script.write_text("import ctypes\nctypes.string_at(0x10)\n")
    run = crash(
        builds.python("release"),
        script,
        folder=tmp_path / "run",
        env={"PYTHONFAULTHANDLER": "1"},
    )
    adapter, program = _debuggers()[label]
    told = run_in_debugger(
        adapter,
        "hosts.answers:everything",
        core=run.core,
        executable=run.executable,
        program=program,
    )
    assert told["signal"]["name"] == "SIGSEGV"
    assert told["signal"]["code"] == "SEGV_MAPERR"
    assert told["signal"]["address"] == 0x10
    names = [f["function"] for f in told["frames"][str(told["signal"]["lwp"])]]
    handler = names.index("<signal handler called>")
    fault = told["registers"][str(told["signal"]["lwp"])][handler + 1]
    assert fault["rdi"] == 0x10


TOLD_BY_PYTHON = """
import ctypes
class Inner:
    def __repr__(self):
        return ctypes.string_at(0)
class Outer:
    def __str__(self):
        return repr(Inner())
str(Outer())
"""


@pytest.mark.parametrize("label", _debuggers())
def test_a_frames_line_is_one_of_its_function(label: str, tmp_path: Path) -> None:
    """Optimisers leave nothing of ``Py_TYPE(v)`` but a row in the line table, with the address of
    the caller's own row.
    """
    script = tmp_path / "told.py"
    script.write_text(TOLD_BY_PYTHON)
    run = crash(builds.python("release"), script, folder=tmp_path / "run")
    adapter, program = _debuggers()[label]
    told = run_in_debugger(
        adapter,
        "hosts.answers:everything",
        core=run.core,
        executable=run.executable,
        program=program,
    )
    frames = {frame["function"]: frame for frame in told["frames"][str(told["signal"]["lwp"])]}
    for function, slot in (("PyObject_Repr", "tp_repr"), ("PyObject_Str", "tp_str")):
        frame = frames[function]
        assert frame["file"].endswith("/Objects/object.c")
        assert (
            f"(*Py_TYPE(v)->{slot})(v)"
            in Path(frame["file"]).read_text().split("\n")[frame["line"] - 1]
        )


@pytest.mark.parametrize("label", _debuggers())
def test_a_process_that_was_only_stopped_has_no_signal(label: str, tmp_path: Path) -> None:
    from lab import snapshot

    script = tmp_path / "hang.py"
    script.write_text(HANG)
    python = builds.python("release")
    with hang(python, script, folder=tmp_path / "run") as process:
        core = snapshot(process, tmp_path / "core")
    adapter, program = _debuggers()[label]
    told = run_in_debugger(
        adapter, "hosts.answers:everything", core=core, executable=python, program=program
    )
    assert told["signal"] is None
    assert len(told["threads"]) == 2


def test_live_processes_are_the_same_in_both_and_go_on_untouched(tmp_path: Path) -> None:
    script = tmp_path / "hang.py"
    script.write_text(HANG)
    python = builds.python("debug")
    with hang(python, script, folder=tmp_path / "run") as process:
        settle(process, threads=2)
        told = {}
        for label in LIVE:
            adapter, program = _debuggers()[label]
            told[label] = run_in_debugger(
                adapter, "hosts.answers:live", pid=process.pid, program=program
            )
            status = Path(f"/proc/{process.pid}/status").read_text()
            assert re.search(r"TracerPid:\s+0\n", status)
            assert re.search(r"State:\s+[SR]", status)
        assert process.poll() is None
    for label, one in told.items():
        assert one["changed"] == [], label
        assert one["signal"] is None
        assert one["kind"] == "live"
        assert "PyList_Size" not in str(one["values"]["PyList_Size(0)"]) or str(
            one["values"]["PyList_Size(0)"]
        ).startswith("error: ")
        for aspect in (
            "path",
            "pid",
            "executable",
            "threads",
            "functions",
            "regions",
            "modules",
            "layout",
        ):
            assert one[aspect] == told["lldb"][aspect], (label, aspect)


def _while_it_runs(label: str, build: str, script: Path, text: str, question: str) -> Any:
    """What is answered in a debugger that has started a Python program."""
    script.write_text(text)
    adapter, program = _debuggers()[label]
    command = (str(builds.python(build)), str(script))
    return run_in_debugger(adapter, f"hosts.answers:{question}", command=command, program=program)


@pytest.mark.parametrize("label", LIVE)
def test_a_program_run_in_the_debugger_dies_there(label: str, tmp_path: Path) -> None:
    text = "import ctypes\nctypes.string_at(0x10)\n"
    told = _while_it_runs(label, "debug", tmp_path / "null.py", text, "crash")
    assert told["kind"] == "live"
    assert told["signal"]["name"] == "SIGSEGV"
    assert told["signal"]["address"] == 0x10
    assert "string_at" in told["functions"]


@pytest.mark.parametrize("label", LIVE)
def test_what_is_known_of_a_stop_is_forgotten_when_the_program_moves(
    label: str, tmp_path: Path
) -> None:
    text = "import signal\nsignal.raise_signal(signal.SIGTRAP)\n"
    told = _while_it_runs(label, "release", tmp_path / "trap.py", text, "moves")
    assert told["before"] == told["again"]
    assert told["after"][0] != told["before"][0]
    assert told["after"][1] != told["before"][1]


@pytest.mark.parametrize("label", LIVE)
def test_without_a_target_the_adapter_says_what_to_do(label: str) -> None:
    adapter, program = _debuggers()[label]
    assert run_in_debugger(adapter, "hosts.answers:nothing", program=program).startswith(
        "no process and no core; start one (`run`)"
    )


@pytest.mark.parametrize("label", LIVE)
def test_a_failure_inside_reaches_the_test_outside(label: str) -> None:
    adapter, program = _debuggers()[label]
    with pytest.raises(InsideError, match=r"AssertionError|DebuggerError"):
        run_in_debugger(adapter, "hosts.answers:crash", program=program)
    assert os.environ.get("GDBEXT_HOST") is None


@pytest.mark.parametrize(
    "label", [label for label, (adapter, _) in _debuggers().items() if adapter == "gdb"]
)
def test_names_that_are_no_text_are_no_names(label: str, lab: Lab, tmp_path: Path) -> None:
    """The kernel's own functions have their names in the core, where anything may have been written
    over them.

    LLDB does not look there.
    """
    run = lab.crash("release", "os_abort")
    adapter, program = _debuggers()[label]

    def named(core: Path) -> list[str]:
        told: list[str] = run_in_debugger(
            adapter,
            "hosts.answers:kernel_symbols",
            executable=run.executable,
            core=core,
            program=program,
        )
        return told

    name = b"clock_gettime"
    assert name.decode() in named(run.core)
    damaged = tmp_path / "core"
    copy_sparse(run.core, damaged)
    places = [found.start() for found in re.finditer(name + rb"\0", damaged.read_bytes())]
    with damaged.open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(b"\xff" * len(name))
    left = named(damaged)
    assert "gettimeofday" in left
    assert all(each.isascii() and each != name.decode() for each in left), left
