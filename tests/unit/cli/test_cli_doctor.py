"""What the doctor finds, and what it says of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from gdbext.backends import registry
from gdbext.backends.programs import Program
from gdbext.cli import doctor, interpreters
from gdbext.cli.main import main
from gdbext.engine import launch
from gdbext.tracing import kernel_cores


def test_json_is_complete(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        doctor,
        "_debugger",
        lambda name: doctor.Check(doctor.FAULT, name, "not found", "all", "install it"),
    )
    assert main(["doctor", "--json", "--python", sys.executable]) == 1
    found = {check["subject"]: check for check in json.loads(capsys.readouterr().out)}
    assert found["gdb"] == {
        "sign": "missing",
        "subject": "gdb",
        "state": "not found",
        "cost": "all",
        "mend": "install it",
    }
    assert {"lldb", "ptrace", "cores", "python", "symbols", "zstd", "lz4", "room"} <= set(found)
    for check in found.values():
        assert check["sign"] == "ok" or check["cost"] or check["mend"]


def test_missing_debugger_has_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_name: str) -> Program:
        raise launch.LaunchError("none")

    monkeypatch.setattr(launch, "find", nothing)
    check = doctor._debugger("gdb")
    assert (check.sign, check.state) == (doctor.LACK, "not found")
    assert "pip install gdb-for-pwndbg" in check.mend


def test_a_library_that_cannot_be_loaded_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_name: str) -> None:
        raise ImportError("libstdc++.so.6: cannot open shared object file")

    monkeypatch.setattr(launch, "find", lambda name: Program(name, [], {}))
    monkeypatch.setattr(registry, "adapter", fails)
    check = doctor._debugger("drgn")
    assert check.sign == doctor.FAULT
    assert check.state == "cannot be loaded: libstdc++.so.6: cannot open shared object file"
    assert not doctor._works(check)


def test_no_debugger_at_all_is_a_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_name: str) -> Program:
        raise launch.LaunchError("none")

    monkeypatch.setattr(launch, "find", nothing)
    assert main(["doctor", "--json", "--python", sys.executable]) == 1
    found = {check["subject"]: check["sign"] for check in json.loads(capsys.readouterr().out)}
    assert [found[name] for name in launch.NAMES] == ["missing"] * len(launch.NAMES)


def test_debugger_without_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tmp_path / "gdb"
    bare.write_text("#!/bin/sh\necho GNU gdb 9\n")
    bare.chmod(0o755)
    monkeypatch.setenv("GDBEXT_GDB", str(bare))
    check = doctor._debugger("gdb")
    assert check.sign == doctor.FAULT
    assert check.state == "GNU gdb 9, without Python"


def test_a_symbol_server_that_gdb_would_ask_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("DEBUGINFOD_URLS", raising=False)
    assert list(doctor._questions()) == []
    monkeypatch.setenv("DEBUGINFOD_URLS", "https://debuginfod.example")
    (check,) = doctor._questions()
    assert "gdbext gdb CORE" in check.mend
    assert "debuginfod.example" in check.state
    (tmp_path / ".gdbinit").write_text("set debuginfod enabled off\n")
    assert list(doctor._questions()) == []


def test_pipe_for_cores_is_a_lack_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_cores, "pattern", lambda: "|/bin/false")
    check = doctor._cores()
    assert check.sign == doctor.LACK
    assert "/bin/false" in check.cost
    assert "core_pattern" in check.mend


def test_interpreter_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    (check,) = doctor._interpreter("/bin/true")
    assert check.sign == doctor.FAULT
    assert main(["doctor", "--python", "/nonexistent/python"]) == 3
    assert "there is no program" in capsys.readouterr().err


def test_interpreter_with_a_gil() -> None:
    check = next(doctor._interpreter(sys.executable))
    assert check.sign == (doctor.GOOD if "free-threaded" in check.state else doctor.LACK)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has no free-threaded Python but those of our own that a test puts there."""
    monkeypatch.setenv("GDBEXT_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("GDBEXT_PYTHON", raising=False)
    return tmp_path


def build(cache: Path, name: str, complete: bool = True) -> str:
    folder = cache / "interpreters" / name
    folder.mkdir(parents=True)
    (folder / "python").write_text("#!/bin/sh\nexit 1\n")
    (folder / "python").chmod(0o755)
    if complete:
        (folder / ".complete").touch()
    return str(folder / "python")


def test_builds_of_our_own_are_found_stock_ones_first_and_only_whole_ones(cache: Path) -> None:
    patched, debug, release = (build(cache, name) for name in ("debug-unfixed", "debug", "release"))
    build(cache, "stripped", complete=False)
    assert list(interpreters.found()) == [release, debug, patched]
    (check,) = doctor._builds()
    assert check.state == f"{cache}/interpreters/{{release,debug,debug-unfixed}}/python"


def test_the_remedy_for_a_wrong_python_is_one_that_is_there(cache: Path) -> None:
    (check,) = doctor._interpreter("/bin/true")
    assert check.mend.startswith("uv python install")
    assert list(doctor._builds()) == []
    debug = build(cache, "debug")
    (check,) = doctor._interpreter("/bin/true")
    assert check.mend == f"gdbext doctor --python {debug}"


def test_a_python_on_the_path_comes_before_our_own(cache: Path) -> None:
    release = build(cache, "release")
    (cache / "bin").mkdir()
    (cache / "bin" / "python3.14t").symlink_to(release)
    assert next(interpreters.found()) == str(cache / "bin" / "python3.14t")
