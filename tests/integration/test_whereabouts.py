"""Where a program's files are now: started by a link, from a virtual environment, deleted since, of
another machine.  The report is the same.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import interpreters
from lab import corpus, crash

SCRIPT = corpus()["os_abort"].path


def home() -> dict[str, str]:
    """What a copy of the interpreter needs to find its library."""
    tree = interpreters.build("release").parent
    build = tree / (tree / "pybuilddir.txt").read_text()
    return {"PYTHONHOME": str(tree), "PYTHONPATH": f"{tree / 'Lib'}:{build}"}


def triage(core: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "gdbext", "triage", str(core), "--format", "json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def told(report: dict[str, Any]) -> tuple[str, str, list[str], str]:
    """Headline, line and libraries' functions: what would suffer first."""
    thread = report["threads"][0]
    functions = [frame["function"] for frame in thread["native"] if frame["function"]]
    return (
        report["findings"][0]["rule"],
        thread["python"][0]["function"],
        functions[-3:],
        report["target"]["layout_source"],
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, list[str], str]:
    folder = tmp_path_factory.mktemp("plain") / "run"
    return told(triage(crash(interpreters.build("release"), SCRIPT, folder=folder).core))


def test_started_by_a_link(tmp_path: Path, plain: tuple[object, ...]) -> None:
    link = tmp_path / "python3.13t"
    link.symlink_to(interpreters.build("release"))
    core = crash(link, SCRIPT, folder=tmp_path / "run", env=home()).core
    assert told(triage(core)) == plain


def test_started_in_a_virtual_environment(tmp_path: Path, plain: tuple[object, ...]) -> None:
    python = str(interpreters.build("release"))
    command = [python, "-m", "venv", "--without-pip", str(tmp_path / "venv")]
    subprocess.run(command, check=True, timeout=300)
    core = crash(tmp_path / "venv" / "bin" / "python", SCRIPT, folder=tmp_path / "run").core
    assert told(triage(core)) == plain


def test_deleted_since_and_given(tmp_path: Path, plain: tuple[object, ...]) -> None:
    gone, kept = tmp_path / "gone", tmp_path / "kept"
    shutil.copy(interpreters.build("release"), gone)
    core = crash(gone, SCRIPT, folder=tmp_path / "run", env=home()).core
    gone.rename(kept)
    command = [sys.executable, "-m", "gdbext", "triage", str(core)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 3
    assert f"was made by {gone}" in done.stderr
    assert "--exe EXE" in done.stderr
    assert told(triage(core, "--exe", str(kept))) == plain


def died_in(folder: Path) -> tuple[Path, Path]:
    """A program of its own in the container's folder, and its core."""
    program = folder / "opt" / "python3.13t"
    program.parent.mkdir()
    shutil.copy(interpreters.build("release"), program)
    return program, crash(program, SCRIPT, folder=folder / "run", env=home()).core


@pytest.mark.parametrize("debugger", ["gdb", "lldb", "drgn"])
def test_in_a_container_whose_root_is_here(
    debugger: str, tmp_path: Path, plain: tuple[object, ...]
) -> None:
    """The root has the program and every library, by all their names; the program is only there."""
    program, core = died_in(tmp_path)
    modules = triage(core, "--exe", str(program))["modules"]
    root = tmp_path / "root"
    for path in (Path(module["path"]) for module in modules if module["path"].startswith("/")):
        inside = root / path.relative_to("/")
        inside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, inside)
    for link in (Path(name) for name in ("/lib", "/lib64") if Path(name).is_symlink()):
        (root / link.name).symlink_to(link.readlink())
    program.unlink()
    assert told(triage(core, "--sysroot", str(root), "--debugger", debugger)) == plain


@pytest.mark.parametrize("debugger", ["gdb", "lldb", "drgn"])
def test_in_a_container_of_which_only_the_program_is_here(
    debugger: str, tmp_path: Path, plain: tuple[object, ...]
) -> None:
    """The C library, of the same build, is this machine's: the stack above it is no guess."""
    program, core = died_in(tmp_path)
    root = tmp_path / "root"
    inside = root / program.relative_to("/")
    inside.parent.mkdir(parents=True)
    program.rename(inside)
    assert told(triage(core, "--sysroot", str(root), "--debugger", debugger)) == plain
