"""Finding a debugger and starting it."""

from __future__ import annotations

import os
import sys
import time
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import pytest

from gdbext.backends import programs, registry
from gdbext.backends.programs import Program
from gdbext.engine import launch


def program(path: Path, script: str) -> str:
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(0o755)
    return str(path)


def test_explicit_debugger_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GDBEXT_GDB", "/opt/gdb")
    assert launch.find("gdb") == Program("gdb", ["/opt/gdb"], {})
    assert launch.find("auto").command == ["/opt/gdb"]


def test_without_gdb_auto_takes_lldb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(PathFinder, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path / "lldb", "")
    assert launch.find("auto").name == "lldb"
    with pytest.raises(
        launch.LaunchError, match="no gdb here; install it: pip install gdb-for-pwndbg"
    ):
        launch.find("gdb")
    (tmp_path / "lldb").unlink()
    none = f"no {', no '.join(registry.NAMES)} here; install one"
    with pytest.raises(launch.LaunchError, match=none):
        launch.find("auto")


@pytest.mark.parametrize("name", ["gdb", "lldb"])
def test_nothing_of_the_targets_own_is_loaded(name: str) -> None:
    words = launch.command_line(Program(name, ["/opt/debugger"], {}))
    assert words[0] == "/opt/debugger"
    if name == "gdb":
        assert "-nx" in words
        assert "set auto-load no" in words
        assert "set debuginfod enabled off" in words
        assert words.index("set auto-load no") < words.index("-ex")
    else:
        assert "--no-lldbinit" in words
        assert "settings set target.load-script-from-symbol-file false" in words


def test_debuggers_python_gets_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "DEBUGINFOD_URLS"):
        monkeypatch.setenv(name, "/somewhere")
    made = launch.environment(Program("gdb", ["gdb"], {"PYTHONHOME": "/its/own"}), {"core": "x"})
    assert {k: v for k, v in made.items() if k.startswith(("PYTHON", "DEBUGINFOD"))} == {
        "PYTHONHOME": "/its/own"
    }
    assert made["GDBEXT_REQUEST"] == '{"core": "x", "debugger": "gdb"}'


def test_current_folder_is_never_on_the_debuggers_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), ".", *sys.path])
    paths = programs.library_path()
    assert paths
    assert not {"", ".", str(tmp_path)} & set(paths)


def test_result_has_the_code_and_the_noise(tmp_path: Path) -> None:
    noisy = program(
        tmp_path / "noisy", "import sys; print('out'); sys.stderr.write('err'); sys.exit(4)"
    )
    result = launch.run(Program("gdb", [noisy], {}), {}, 30)
    assert result.code == 4
    assert "err" in result.noise
    assert "out" in result.noise


def test_killed_debugger_is_told_by_a_negative_code(tmp_path: Path) -> None:
    dying = program(tmp_path / "dying", "import os; os.kill(os.getpid(), 9)")
    assert launch.run(Program("gdb", [dying], {}), {}, 30).code == -9


def test_debugger_that_hangs_is_stopped(tmp_path: Path) -> None:
    hanging = program(
        tmp_path / "hanging",
        (
            f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); "
            "time.sleep(600)"
        ),
    )
    with pytest.raises(launch.LaunchError, match="did not finish within 1 s, and was stopped"):
        launch.run(Program("gdb", [hanging], {}), {}, 1)
    pid = int((tmp_path / "pid").read_text())
    assert not os.path.exists(f"/proc/{pid}")


def test_debugger_that_is_not_there() -> None:
    with pytest.raises(launch.LaunchError, match="cannot start /nonexistent/gdb: No such file"):
        launch.run(Program("gdb", ["/nonexistent/gdb"], {}), {}, 30)


@pytest.mark.parametrize("name", registry.NAMES)
def test_each_debugger_of_the_registry_can_be_got(name: str) -> None:
    launcher = registry.launcher(name)
    assert launcher.INSTALL
    assert launcher.COST
    assert launcher.find() is not None


def test_a_running_process_is_for_debuggers_that_can_attach() -> None:
    chosen = launch.find(live=True)
    assert registry.launcher(chosen.name).ATTACHES


def test_a_library_works_in_a_copy_of_this_process(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it prints by itself is noise; a death or a hang of it is as one of a debugger's own
    process.
    """
    from gdbext.engine import inside

    def works(request: dict[str, Any]) -> None:
        os.write(request["stdout"], b"answer")
        os.write(1, b"noise")
        os._exit(4)

    monkeypatch.setattr(inside, "answer", works)
    result = launch.run(Program("drgn", [], {}), {}, 30)
    assert (result.code, result.noise) == (4, "noise")
    assert capfd.readouterr().out == "answer"
    monkeypatch.setattr(inside, "answer", lambda request: os.kill(os.getpid(), 9))
    assert launch.run(Program("drgn", [], {}), {}, 30).code == -9
    monkeypatch.setattr(inside, "answer", lambda request: time.sleep(600))
    with pytest.raises(launch.LaunchError, match="did not finish within 1 s"):
        launch.run(Program("drgn", [], {}), {}, 1)


def test_inside_gets_our_own_stdout(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = (
        "import json, os; "
        "os.write(json.loads(os.environ['GDBEXT_REQUEST'])['stdout'], b'answer'); print('noise')"
    )
    launch.run(Program("gdb", [program(tmp_path / "gdb", script)], {}), {}, 30)
    assert capfd.readouterr().out == "answer"
