"""The shipped tables against real builds: their DWARF, and a stripped interpreter's core in every
gdb that there is.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import interpreters
import version_tables
from lab import corpus, crash

CORPUS = corpus()

OWN_GDB = version_tables.CHECKOUT / ".venv" / "bin" / "gdb"
GDBS = [path for path in (str(OWN_GDB), shutil.which("gdb", path="/usr/bin")) if path]
LOOK = """
import json, sys
sys.path.insert(0, {checkout!r})
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
    look.write_text(LOOK.format(checkout=str(version_tables.CHECKOUT)))
    core = crash(interpreters.build(build), CORPUS["os_abort"].path, folder=tmp_path / "run").core
    command = [gdb, "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x", str(look)]
    done = subprocess.run(
        [*command, str(interpreters.build(build)), str(core)],
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
