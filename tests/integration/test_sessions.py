"""The ``ft`` commands as a person types them, in both debuggers, over real cores and live
processes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ground_truth.orphans import FOLDER as GROUND_TRUTH
from hosts.run import NAMES
from hosts.session import Session, in_session
from lab import Lab, builds, crash, hang
from lab.script import CORPUS

LOCK_STATES = Path(__file__).parents[1] / "locks" / "states"
FRAME = {"gdb": "frame {}", "lldb": "frame select {}"}
COLOURS_ON = {"gdb": "set style enabled on", "lldb": "settings set use-color true"}
each_debugger = pytest.mark.parametrize("name", NAMES)

HEALTHY = """
import threading
items = [float(number) for number in range(30)]
union = int | str
print(hex(id(items)), hex(id(union)), file=open("ids", "w"), flush=True)
print("READY", flush=True)
threading.Event().wait()
"""
LARGE = """
import threading
kept = [[number] for number in range(400_000)]
print("READY", flush=True)
threading.Event().wait()
"""


def one_line(session: Session, command: str) -> str:
    """What a mistake is answered with: one line, and nothing of Python's own."""
    said = session.command(command).strip()
    assert said, f"{command}: no answer"
    assert "\n" not in said, f"{command}: {said}"
    assert "Traceback" not in said, said
    assert "internal error" not in said, said
    return said


def told(session: Session, command: str, *wanted: str) -> str:
    """What a command says; each of the ``wanted`` must be in it, in that order."""
    said = session.command(command)
    assert "Traceback" not in said, said
    assert "internal error" not in said, said
    place = 0
    for text in wanted:
        found = said.find(text, place)
        assert found >= 0, f"{command}: no {text!r} after {said[:place]!r} in: {said}"
        place = found + len(text)
    return said


# The founding crash.


@pytest.fixture(params=NAMES)
def founding(request: pytest.FixtureRequest, lab: Lab) -> Iterator[tuple[Session, dict[str, str]]]:
    """A session over the core of the founding crash, and the truth about it."""
    run = lab.crash("debug-unfixed", "list_union_freed")
    with in_session(request.param, run.executable, core=run.core) as session:
        yield session, run.truth


def test_the_founding_crash_is_explored(
    founding: tuple[Session, dict[str, str]], tmp_path: Path
) -> None:
    session, truth = founding
    union, container = truth["subject"], truth["container"]
    told(
        session,
        "ft triage",
        "FT101 stale container item",
        "proven",
        f"union_repr(self={union})",
        f"object {union}",
        "✗ freed",
        f"list {container}",
        "the list shrank under its reader",
        "FT201 union args",
        "✗ args",
        "race",
        "lst.clear()",
        "gh-132713",
    )
    told(
        session,
        "ft bt",
        '"reader"',
        "✗ #0",
        "union_repr",
        "list_repr_impl",
        "py   reader",
        "repr(lst)",
    )
    assert "MainThread" not in session.command("ft bt")
    told(session, "ft bt all", '"reader"', '"MainThread"')
    told(
        session,
        "ft threads",
        "✗",
        '"reader"',
        "repr(lst)",
        f"holds {container}",
        '"MainThread"',
        "threading.py:",
    )
    told(
        session,
        f"ft heap {union}",
        "✗ freed proven",
        "free again for the thread that owns it",
        "block 0x",
        "the page belongs",
    )
    told(session, f"ft object {union}", "✗ freed proven", "refcount 0", "its fields are not shown")
    told(
        session,
        "ft known",
        "gh-132713",
        "https://github.com/python/cpython/issues/132713",
        "fixed in 3.13.4",
    )
    told(session, "ft locks", f"holds mutex of list {container}")
    told(session, f"ft locks {container}", "held by", '"reader"')
    told(session, f"ft referrers {container}", "global lst of module __main__")
    told(session, "ft scan", "living objects", "✓ nothing wrong found")


def test_arguments_are_variables_of_the_selected_frame(
    founding: tuple[Session, dict[str, str]],
) -> None:
    session, truth = founding
    session.command(FRAME[session.name].format(1))
    told(
        session,
        "ft union self",
        truth["subject"],
        "✗ freed proven",
        "✗ args is not an object: the memory cannot be read  0xdddddddddddddddd",
    )
    one_line(session, "ft list v")  # another frame's
    session.command(FRAME[session.name].format(3))
    told(session, "ft list v", f"{truth['container']}  list  []", "length 0", "no items")
    told(session, "ft list v 2:4", "length 0", "no items")
    told(session, "ft list (PyListObject *) v 2:4", "length 0")
    told(session, "ft object v", f"{truth['container']}  list  []", "mutex    locked")


def test_each_mistake_gets_one_helpful_line(
    founding: tuple[Session, dict[str, str]], tmp_path: Path
) -> None:
    session, truth = founding
    container = int(truth["container"], 16)
    for command, wanted in {
        "ft frobnicate": "triage" if session.name == "gdb" else "valid subcommand",
        "ft list": "wants ADDRESS; usage: ft list [--stale] ADDRESS [FIRST:LAST]",
        "ft list foo": "foo",
        "ft list 0x1": "0x1 is not an object: no memory is mapped there",
        f"ft list {container:#x} 2:x": "`2:x` is not a range",
        "ft list --fresh 0x1": "ft list has no option --fresh; usage:",
        "ft list --stale=yes 0x1": "--stale takes no value",
        "ft union foo": "foo",
        "ft union 0": "0x0 is not an object: a NULL pointer",
        "ft object": "wants ADDRESS",
        "ft object 0x1": "no memory is mapped there",
        "ft object -1": "0xffffffffffffffff is not an object",
        f"ft object {container + 1:#x}": "past a multiple of 8",
        f"ft object {container + 8:#x}": f"inside the block of a list at {container:#x}",
        "ft object $rsp": "in the stack of LWP",
        "ft object (": "(",
        "ft heap": "wants ADDRESS",
        "ft heap foo": "foo",
        "ft locks foo": "foo",
        "ft locks 0x1": "0x1 is neither a lock",
        "ft referrers": "wants ADDRESS",
        "ft referrers 0x1": "0x1 is not the address",
        "ft bt some": "`some`",
        "ft triage now": "takes no arguments; usage:",
        "ft scan --orphan": "has no option --orphan; usage: ft scan [--orphans]",
        "ft export": "wants FORMAT",
        "ft export json": "wants FILE",
        f"ft export jpeg {tmp_path}/x": "there are: text, json",
        f"ft export json {tmp_path}/no/where": "cannot write",
        f"ft export json {tmp_path}": "cannot write",
        "ft help frobnicate": "there are: triage",
    }.items():
        assert wanted in one_line(session, command), command
    # An address that is no object is no mistake where the question is what it is.
    told(session, "ft heap 0x1", "✗ unmapped proven", "no memory is mapped there")
    if session.name == "gdb":
        assert "triage, threads" in one_line(session, "ft t")


def test_reports_are_exported(founding: tuple[Session, dict[str, str]], tmp_path: Path) -> None:
    session, truth = founding
    folder = tmp_path / "two words"
    folder.mkdir()
    for kind in ("text", "json", "markdown", "github", "sarif", "junit", "html"):
        assert (
            one_line(session, f"ft export {kind} {folder}/report.{kind}")
            == f"wrote {folder}/report.{kind}"
        )
    content = {path.suffix[1:]: path.read_text() for path in folder.iterdir()}
    report = json.loads(content["json"])
    assert report["schema"] == "gdbext.triage/1"
    assert report["findings"][0]["subject"]["address"] == truth["subject"]
    assert json.loads(content["sarif"])["version"] == "2.1.0"
    assert ElementTree.fromstring(content["junit"]).tag == "testsuites"
    assert content["html"].lower().startswith("<!doctype html>")
    for kind in ("text", "markdown", "github", "html"):
        assert "FT101" in content[kind], kind
        assert "\x1b" not in content[kind], kind
    told(session, f"ft diff {folder}/report.json", "one defect: the signature is the same")
    session.command(f"ft export --redact json {tmp_path}/redacted.json")
    assert json.loads((tmp_path / "redacted.json").read_text())["findings"][0]["rule"] == "FT101"


# Other cores.


@each_debugger
def test_stale_items_of_a_list_stand_out(name: str, lab: Lab) -> None:
    run = lab.crash("debug", "list_item_decref")
    stale = run.truth["subject"]
    with in_session(name, run.executable, core=run.core) as session:
        session.command(FRAME[name].format(1))
        told(
            session,
            "ft list v",
            "length 10",
            f"7            {stale}  ✗ cached",
            "8            0x",
            "✗ 1 stale (1 cached) of 10 judged",
        )
        said = told(
            session, "ft list --stale v", f"{stale}  ✗ cached", "✗ 1 stale (1 cached) of 10 judged"
        )
        assert len(re.findall(r"^  \d+ +0x", said, re.M)) == 1
        assert session.command("ft list v --stale") == said
        said = told(session, "ft list v 2:4", "  2   ", "  3   ", "✓ no stale item of 2 judged")
        assert len(re.findall(r"^  \d+ +0x", said, re.M)) == 2
        array = re.search(r"items at (0x[0-9a-f]+)", said := session.command("ft list v"))
        assert array, said
        told(
            session,
            f"ft heap {array[1]}",
            "memory of PyMem_Malloc",
            "live",
            "block 0x",
            "heap mem of LWP",
        )
        told(session, "ft list v 7", "✗ 1 stale (1 cached) of 1 judged")
        told(session, "ft list v -1", "  9   ", "of 1 judged")
        for nothing in ("5:1", "50", "50:"):
            told(session, f"ft list v {nothing}", "no items in that range")
        told(session, "ft scan", f"✗ stale list {run.truth['container']}", f"7 → {stale} cached")
        told(session, f"ft referrers {stale}", f"[7] of list {run.truth['container']}")
        # Only the wrong command was typed: nobody says that a union was there.
        for expression in ("v", run.truth["container"]):
            wrong = told(
                session,
                f"ft union {expression}",
                "a live list, not a types.UnionType",
                "`ft object 0x",
            )
            assert "✗" not in wrong
            assert "reused" not in wrong
        said = told(session, "ft list &_Py_NoneStruct", "NoneType", "no list is there")
        assert "judged" not in said


@each_debugger
def test_a_deadlock_is_told(name: str, tmp_path: Path) -> None:
    run = crash(builds.python("release"), LOCK_STATES / "lock_cycle.py", folder=tmp_path / "run")
    with in_session(name, run.executable, core=run.core) as session:
        said = told(session, "ft locks", "✗ FT303", "the process as a whole: deadlock")
        for thread in ("first", "second"):
            assert re.search(rf'thread "{thread}" .* holds threading.Lock', said)
            assert re.search(rf'thread "{thread}" .* waits for threading.Lock', said)
        told(
            session,
            f"ft locks {run.truth['objects']['a']}",
            "held by",
            '"first"',
            '"second"',
            "waits for",
        )


@each_debugger
def test_orphans_are_told_with_their_unions(name: str, tmp_path: Path) -> None:
    run = crash(
        builds.python("release-unfixed"),
        GROUND_TRUTH / "double_init.py",
        folder=tmp_path / "run",
        timeout=120,
    )
    assert run.truth["orphans"] > 0
    with in_session(name, run.executable, core=run.core, timeout=120) as session:
        said = told(
            session,
            "ft scan --orphans",
            "orphans",
            "FT202 union parameters raced",
            "gh-132713",
            "tuple refcount 1",
            "made for union",
        )
        found = re.search(r"made for union (0x[0-9a-f]+)", said)
        assert found
        told(session, f"ft union {found[1]}", "types.UnionType", "live", "parameters")


# Live processes.


@each_debugger
def test_a_healthy_process_is_looked_at(name: str, tmp_path: Path) -> None:
    script = tmp_path / "healthy.py"
    script.write_text(HEALTHY)
    with hang(builds.python("release"), script, folder=tmp_path / "run") as process:
        items, union = (tmp_path / "run" / "ids").read_text().split()
        with in_session(name, pid=process.pid) as session:
            told(session, "ft triage", f"process {process.pid}", "✓ FT000 nothing wrong found")
            told(session, "ft bt", '"MainThread"', "Event.wait", "<module>", "healthy.py")
            told(session, "ft threads", '"MainThread"', "detached")
            said = told(
                session,
                f"ft list {items}",
                "list  [0.0, 1.0,",
                "live",
                "length 30",
                "19.0",
                "… 10 more",
                "✓ no stale item of 30 judged",
            )
            goes_on = re.search(r"`(ft list 0x[0-9a-f]+ 20:)` goes on", said)
            assert goes_on
            told(session, goes_on[1], "  20 ", "29.0", "✓ no stale item of 10 judged")
            assert "✗" not in told(
                session, f"ft list --stale {items}", "✓ no stale item of 30 judged"
            )
            assert "✗" not in told(
                session,
                f"ft union {union}",
                "int | str",
                "live",
                "refcount 1",
                "args",
                "(<class 'int'>, <class 'str'>)",
            )
            told(session, f"ft object {union}", "types.UnionType", "MainThread", "gc bits tracked")
            told(session, f"ft heap {union}", "live", "block 0x", 'owned by thread "MainThread"')
            told(session, "ft locks", '"MainThread"', "waits for")
            told(session, f"ft referrers {items}", "global items of module __main__")
            told(session, "ft scan", "living objects", "✓ nothing wrong found")
            told(session, "ft scan --orphans", "✓ every living object is referred to")
            told(session, "ft known", "no known CPython issue")
            session.command("detach")
        assert process.poll() is None
        assert re.search(r"TracerPid:\s+0\n", Path(f"/proc/{process.pid}/status").read_text())


@each_debugger
def test_ctrl_c_ends_a_long_scan_with_what_it_has(name: str, tmp_path: Path) -> None:
    script = tmp_path / "large.py"
    script.write_text(LARGE)
    with hang(builds.python("release"), script, folder=tmp_path / "run", timeout=120) as process:
        with in_session(name, pid=process.pid, timeout=120) as session:
            for command, begun in (("ft scan", "scanning █"), ("ft scan --orphans", "searching █")):
                session.child.sendline(command)
                session.expect(begun)
                said = session.interrupt()
                assert "interrupted: not all was looked at" in said
                assert "✓" not in said
                assert "✗" not in said
                assert "Traceback" not in said
            # The next command is none the worse for it.
            told(session, "ft threads", '"MainThread"')
            told(session, "ft scan", "living objects", "✓ nothing wrong found")
        assert process.poll() is None


@each_debugger
def test_the_founding_crash_happens_under_the_debugger(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = CORPUS / "list_union_freed.py"
    with in_session(name, builds.python("debug-unfixed"), arguments=(str(script),)) as session:
        session.child.sendline("run")
        session.expect(r"SIGSEGV|address not mapped|invalid address")
        session.settle()
        told(session, "ft triage", "process", "FT101", "proven", "gh-132713")
        told(session, "ft threads", "✗", '"reader"')


# Targets that are none.


@each_debugger
def test_without_a_process_every_command_says_so(name: str, tmp_path: Path) -> None:
    simple = (
        "triage",
        "bt",
        "threads",
        "locks",
        "scan",
        "scan --orphans",
        "known",
        f"export json {tmp_path}/report",
    )
    with_address = ("heap 0x10", "object 0x10", "list 0x10", "union 0x10", "referrers 0x10000")
    with in_session(name) as session:
        for command in (*simple, *with_address):
            assert "no process and no core; start one" in one_line(session, f"ft {command}")
        assert not (tmp_path / "report").exists()
        told(
            session,
            "ft help",
            "explains crashes of free-threaded CPython",
            "ft triage",
            "ft list [--stale] ADDRESS [FIRST:LAST]",
            "ft help COMMAND",
        )
        told(
            session,
            "ft help list",
            "ft list [--stale] ADDRESS [FIRST:LAST]",
            "--stale",
            "for example: ft list v",
        )


OF_A_PYTHON = (
    "triage",
    "threads",
    "bt",
    "locks",
    "scan",
    "object $rsp",
    "list $rsp",
    "heap $rsp",
)


@each_debugger
def test_a_process_that_is_no_python_is_called_so(name: str) -> None:
    with in_process(["/bin/sleep", "600"]) as process, in_session(name, pid=process.pid) as session:
        for command in OF_A_PYTHON:
            assert "no CPython in this target" in one_line(session, f"ft {command}")
        session.command("detach")
        assert process.poll() is None


@each_debugger
def test_a_python_with_a_gil_is_called_so(name: str) -> None:
    wanted = "older than 3.13" if sys.version_info < (3, 13) else "with a GIL"
    waiting = "import time; print('READY', flush=True); time.sleep(600)"
    with (
        in_process([sys.executable, "-c", waiting], stdout=subprocess.PIPE) as process,
        in_session(name, pid=process.pid) as session,
    ):
        for command in OF_A_PYTHON:
            assert wanted in one_line(session, f"ft {command}")


def in_process(command: list[str], stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """A process that has begun, and is killed in the end."""
    process = Waiting(command, stdin=subprocess.DEVNULL, stdout=stdout)
    if process.stdout:
        assert process.stdout.readline() == b"READY\n"
    return process


class Waiting(subprocess.Popen[bytes]):
    def __exit__(self, *exception: object) -> None:
        self.kill()
        super().__exit__(*exception)  # type: ignore[arg-type]  # passed on as they came


# The terminal.


@each_debugger
def test_no_color_is_respected(name: str, lab: Lab) -> None:
    run = lab.crash("debug", "list_item_decref")
    for environment, painted in (({}, True), ({"NO_COLOR": "1"}, False)):
        with in_session(
            name,
            run.executable,
            core=run.core,
            environment={"TERM": "xterm-256color", **environment},
        ) as session:
            session.command(COLOURS_ON[name])
            session.child.sendline(f"ft list {run.truth['container']}")
            session.expect("1 stale")
            printed = session.child.before or ""
            assert bool(re.search(r"\x1b\[[\d;]+m[^\x1b]*✗ cached", printed)) == painted
            session.read()
