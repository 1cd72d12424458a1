"""The shipped tables against real builds: their DWARF, and a stripped interpreter's core in every
gdb that there is.
"""

from __future__ import annotations

import functools
import json
import mmap
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

import interpreters
import version_tables
from gdbext.binfmt.elf import NT_GNU_BUILD_ID, build_id_in_file
from lab import corpus, crash
from lab.crash import copy_sparse
from lab.triage import triage_json

CORPUS = corpus()

OWN_GDB = version_tables.CHECKOUT / ".venv" / "bin" / "gdb"
GDBS = [path for path in (str(OWN_GDB), shutil.which("gdb", path="/usr/bin")) if path]
IN_GDB = {**os.environ, "PYTHONPATH": str(version_tables.CHECKOUT)}
"""A gdb's own Python, which need not be the one that gdbext is installed for, finds it by this."""
LOOK = """
import json
from gdbext.backends.gdb.adapter import GdbDebugger
from gdbext.cpython.layout.checks import check
from gdbext.session import Session
session = Session(GdbDebugger())
layout = session.layout
failures = check(session.memory, layout, session.runtime_address)
heap, freelists = layout.size("mi_heap_t"), layout.offset("_PyThreadStateImpl", "freelists")
print(json.dumps([failures, str(layout.source()), heap, freelists, len(session.runtime.threads)]))
"""


def test_the_files_of_3_13_5_are_what_its_builds_say() -> None:
    name, files = version_tables.lab_version()
    for file, text in version_tables.dump(files).items():
        assert (version_tables.VERSIONS / name / f"{file}.json").read_text() == text


def test_private_structs_are_declared_as_cpython_declares_them() -> None:
    assert version_tables.layout_differences() == []


def test_the_instructions_of_3_13_5_are_what_it_says_itself() -> None:
    assert version_tables.opcode_differences() == []


@pytest.mark.parametrize("gdb", GDBS)
@pytest.mark.parametrize("build", ["release", "debug", "stripped"])
def test_a_layout_passes_its_checks(build: str, gdb: str, tmp_path: Path) -> None:
    """With and without DWARF the same offsets come out, and both agree with the process."""
    look = tmp_path / "look.py"
    look.write_text(LOOK)
    core = crash(interpreters.build(build), CORPUS["os_abort"].path, folder=tmp_path / "run").core
    command = [gdb, "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x", str(look)]
    done = subprocess.run(
        [*command, str(interpreters.build(build)), str(core)],
        env=IN_GDB,
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("[[")]
    assert lines, done.stderr
    failures, source, heap, freelists, threads = json.loads(lines[0])
    assert failures == []
    assert source == ("table" if build == "stripped" else "dwarf")
    assert (heap, freelists) == ((3072, 16640) if build == "debug" else (3064, 14240))
    assert threads >= 1


UNKNOWN = 0x031400F0
WORDS = 64
"""After the header, some of the words of ``_Py_DebugOffsets``."""


@pytest.mark.parametrize("debugger", ["gdb", "lldb"])
def test_where_no_layout_fits_a_report_has_what_needs_none(debugger: str, tmp_path: Path) -> None:
    """A stripped interpreter of a version that does not exist, with offsets that cannot be."""
    python = interpreters.build("stripped")
    core = crash(python, CORPUS["ctypes_null"].path, folder=tmp_path / "run").core
    made_up = (
        UNKNOWN.to_bytes(8, "little")
        + (1).to_bytes(8, "little")
        + (7).to_bytes(8, "little") * WORDS
    )
    with core.open("r+b") as stream:
        data = mmap.mmap(stream.fileno(), 0)
        cookies = [found.start() for found in re.finditer(b"xdebugpy", data)]
        for place in cookies:
            if int.from_bytes(data[place + 8 : place + 16], "little") >> 16 == 0x030D:
                data[place + 8 : place + 8 + len(made_up)] = made_up
        data.close()
    report = triage_json(core, debugger, timeout=300)
    target, crash_of, errors = report["target"], report["crash"], report["errors"]
    assert (target["python_version"], target["layout_source"]) == ("3.20.0", None)
    assert (crash_of["signal"], crash_of["address"]) == ("SIGSEGV", "0x0")
    assert report["findings"] == []
    (thread,) = report["threads"]
    assert (thread["state"], thread["python"]) == (None, [])
    assert "_PyEval_EvalFrameDefault" in [frame["function"] for frame in thread["native"]]
    assert str(python) in [module["path"] for module in report["modules"]]
    assert {e["section"] for e in errors} == {"layout"}
    assert "cannot be judged" in errors[0]["message"]


def test_what_was_learnt_of_a_build_is_used_for_its_stripped_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have one build id; the copy has neither debug information nor headers."""
    python, stripped = interpreters.build("release"), interpreters.build("stripped")
    core = crash(stripped, CORPUS["os_abort"].path, folder=tmp_path / "run").core
    monkeypatch.setenv("GDBEXT_CACHE", str(tmp_path / "cache"))
    command = [sys.executable, "-m", "gdbext", "learn", str(python)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (kept,) = (tmp_path / "cache" / "learnt").glob("*.json")
    target = triage_json(core, timeout=300)["target"]
    name = f"3.13.5 of build {kept.stem[:12]}"
    assert (target["layout_table"], target["opcode_table"]) == (f"{name} (learnt)", name)


ID_BYTES, ANOTHER = 20, 99
NOTE = b"\x04\0\0\0\x14\0\0\0%c\0\0\0GNU\0"
"""The beginning of a note: sizes, kind and owner."""


class Unnamed(NamedTuple):
    """An interpreter without a build id, and a copy of it without symbols."""

    whole: Path
    stripped: Path


def unnamed(build: str, folder: Path) -> Unnamed:
    tree = interpreters.build(build).parent
    made = Unnamed(folder / build / "whole" / "python", folder / build / "stripped" / "python")
    for python in made:
        python.parent.mkdir(parents=True)
        for name in ("pybuilddir.txt", "pyconfig.h", "Lib", "Modules", "Include", "build"):
            (python.parent / name).symlink_to(tree / name)
    # objcopy would leave the segment of the note to be moved by the next that writes the file.
    data = bytearray((tree / "python").read_bytes())
    note = data.index(NOTE % NT_GNU_BUILD_ID)
    data[note : note + len(NOTE) - 1 + ID_BYTES] = NOTE % ANOTHER + bytes(ID_BYTES)
    made.whole.write_bytes(data)
    made.whole.chmod(0o755)
    subprocess.run(["strip", "--strip-all", "-o", made.stripped, made.whole], check=True)
    assert build_id_in_file(str(made.whole)) is None
    return made


@pytest.mark.parametrize("debugger", ["gdb", "drgn"])
def test_what_was_learnt_of_an_interpreter_without_build_id_is_used_for_it_alone(
    debugger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LLDB 23 dies of some cores of programs without a build id before gdbext is asked."""
    mine, other = (unnamed(build, tmp_path) for build in ("release", "release-unfixed"))
    monkeypatch.setenv("GDBEXT_CACHE", str(tmp_path / "cache"))  # the lab's interpreters, too
    done = gdbext("learn", mine.whole)
    assert done.returncode == 0, done.stdout + done.stderr
    (kept,) = (tmp_path / "cache" / "learnt").glob("*.json")
    learnt = f"3.13.5 of build {kept.stem[:12]}"
    for python, tables in (
        (mine.stripped, (f"{learnt} (learnt)", learnt)),
        (other.stripped, ("3.13.5 (release)", "3.13.5")),
    ):
        folder = tmp_path / "run" / python.parent.parent.name
        core = crash(python, CORPUS["os_abort"].path, folder=folder).core
        target = triage_json(core, debugger, timeout=300)["target"]
        assert (target["layout_table"], target["opcode_table"]) == tables


WRONG = """
import json
from gdbext.backends.gdb.adapter import GdbDebugger
from gdbext.cpython.versions import catalog
from gdbext.diagnosis.diagnose import diagnose
from gdbext.reports.contract import to_json
from gdbext.session import Session

right = catalog.Shipped.opcodes

def wrong(self):
    content = right(self)
    names = sorted(content["opcodes"])
    moved = dict(zip(names, names[1:] + names[:1]))
    return {**content, "opcodes": {name: content["opcodes"][moved[name]] for name in names}}

catalog.Shipped.opcodes = wrong
print(json.dumps(to_json(diagnose(Session(GdbDebugger())))))
"""


def test_with_wrong_tables_of_instructions_no_operation_is_named(tmp_path: Path) -> None:
    """Each instruction has another one's number in every table that gdbext has."""
    python = interpreters.build("release-unfixed")
    core = crash(python, CORPUS["list_union_freed"].path, folder=tmp_path / "run").core
    script = tmp_path / "wrong.py"
    script.write_text(WRONG)
    command = [GDBS[0], "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x", str(script)]
    done = subprocess.run(
        [*command, str(python), str(core)],
        env=IN_GDB,
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr
    report = json.loads(lines[0])
    assert report["target"]["opcode_table"] is None
    (error,) = report["errors"]
    assert error["section"] == "operations"
    assert "operations of Python code are not named" in error["message"]
    # What rests on memory alone is there; what would rest on an operation is not.
    assert [report["findings"][0][key] for key in ("rule", "confidence")] == ["FT101", "proven"]
    assert report["race"] is None
    assert "FT301" not in [finding["rule"] for finding in report["findings"]]


class SymbolServer(NamedTuple):
    """A server that has the debug information of the lab's stripped interpreter."""

    url: str
    stripped: Path
    core: Path
    news: str


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SymbolServer]:
    python, stripped = interpreters.build("release"), interpreters.build("stripped")
    core = crash(stripped, CORPUS["os_abort"].path, folder=tmp_path / "run").core
    place = tmp_path / "server" / "buildid" / str(build_id_in_file(str(stripped))) / "debuginfo"
    place.parent.mkdir(parents=True)
    subprocess.run(["objcopy", "--only-keep-debug", python, place], check=True)
    monkeypatch.setenv("GDBEXT_CACHE", str(tmp_path / "cache"))  # the lab's interpreters, too
    handler = functools.partial(Quiet, directory=str(tmp_path / "server"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{running.server_address[1]}"
        try:
            yield SymbolServer(url, stripped, core, f"debug information of python from {url}")
        finally:
            running.shutdown()


def gdbext(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gdbext", *map(str, words)]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize("debugger", ["gdb", "lldb", "drgn"])
def test_a_server_that_the_user_names_has_the_debug_information(
    debugger: str, server: SymbolServer
) -> None:
    options = ("--debugger", debugger, "--format", "json", "--debuginfod", server.url)
    done = gdbext("triage", server.core, *options)
    assert done.returncode == 0, done.stderr
    assert server.news in done.stderr
    assert json.loads(done.stdout)["target"]["layout_source"] == "dwarf"


@pytest.mark.parametrize("debugger", ["gdb", "drgn"])
def test_a_batch_asks_the_server_once(debugger: str, server: SymbolServer) -> None:
    again = server.core.with_name("again.core")
    copy_sparse(server.core, again)
    options = ("--jobs", 1, "--debugger", debugger, "-o", "-", "--debuginfod", server.url)
    done = gdbext("batch", server.core, again, *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(server.news) == 1
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["report"]["target"]["layout_source"] for e in entries] == ["dwarf", "dwarf"]


def test_a_run_asks_the_server(server: SymbolServer, tmp_path: Path) -> None:
    command = (server.stripped, CORPUS["os_abort"].path)
    folder = tmp_path / "reports"
    done = gdbext("run", "--on-crash", folder, "--debuginfod", server.url, "--", *command)
    assert server.news in done.stderr
    (report,) = folder.glob("*.json")
    assert json.loads(report.read_text())["target"]["layout_source"] == "dwarf"


@pytest.mark.parametrize("debugger", ["gdb", "lldb"])
def test_a_prompt_has_what_the_server_sent(debugger: str, server: SymbolServer) -> None:
    done = gdbext(debugger, server.core, "--debuginfod", server.url)
    assert server.news in done.stderr
    assert "layouts from DWARF" in done.stdout


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""
