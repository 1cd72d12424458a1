"""gdbext at both debuggers' prompts: loaded from anywhere, completed, helped, mistaken,
interrupted.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gdbext.commands.dispatch import NAMES as COMMANDS
from gdbext.engine import launch
from hosts.run import NAMES, ROOT
from hosts.session import in_session
from lab import Lab, builds, hang

BUSY = {"gdb": "source {}", "lldb": "command script import {}"}
INIT = {"gdb": "gdbinit.py", "lldb": "lldbinit.py"}
HANG = "import threading\nprint('READY', flush=True)\nthreading.Event().wait()\n"
each_debugger = pytest.mark.parametrize("name", NAMES)


def load(name: str, path: Path) -> str:
    """The line that loads a script in that debugger."""
    return BUSY[name].format(path)


@each_debugger
def test_the_commands_are_offered_and_described(name: str) -> None:
    with in_session(name) as session:
        assert sorted(session.complete("ft ")) == sorted(COMMANDS)
        session.complete_one("ft tri", "ft triage")
        assert "free-threaded CPython" in session.command("help ft")
        assert "ft" in session.command("help ft")


@each_debugger
def test_arguments_are_completed(name: str, lab: Lab) -> None:
    run = lab.crash("debug", "ctypes_null")
    with in_session(name, run.executable, core=run.core) as session:
        if name == "gdb":
            session.complete_one("ft list --sta", "ft list --stale")
            session.complete_one("ft export jso", "ft export json")
            session.complete_one("ft object _Py_NoneStr", "ft object _Py_NoneStruct")
        else:
            session.command("frame select 1")
            session.complete_one("ft object pt", "ft object ptr")


@each_debugger
def test_mistakes_get_one_line_and_no_traceback(name: str, lab: Lab) -> None:
    run = lab.crash("debug", "ctypes_null")
    with in_session(name, run.executable, core=run.core) as session:
        for line in ("ft nonsense", "ft object", "ft object no_such_name", "ft object $pc = 0"):
            said = session.command(line).strip()
            assert said, line
            assert "\n" not in said, line
            assert "Traceback" not in said
    with in_session(name) as session:
        said = session.command("ft triage").strip()
        assert "no process and no core" in said
        assert "\n" not in said


@each_debugger
def test_the_users_selection_stays_what_it_was(name: str, lab: Lab) -> None:
    run = lab.crash("release-unfixed", "list_union_freed")
    with in_session(name, run.executable, core=run.core) as session:
        for line in (
            ("thread 2", "frame 4") if name == "gdb" else ("thread select 2", "frame select 4")
        ):
            session.command(line)
        where = "frame" if name == "gdb" else "frame info"
        before = session.command(where)
        for line in ("ft triage", "ft threads", "ft bt all"):
            session.command(line)
        assert session.command(where) == before


@each_debugger
def test_ctrl_c_ends_a_command_and_not_the_debugger(name: str) -> None:
    with in_session(name) as session:
        session.command(load(name, ROOT / "tests" / "hosts" / "busy.py"))
        for _ in range(2):
            session.child.sendline("busy loop")
            session.expect("busy now")
            assert "stopped by the user" in session.interrupt()
        assert "free-threaded CPython" in session.command("help ft")


@each_debugger
def test_it_can_be_loaded_again_and_through_a_link(name: str, tmp_path: Path) -> None:
    link = tmp_path / INIT[name]
    link.symlink_to(ROOT / "gdbext" / INIT[name])
    with in_session(name) as session:
        assert session.command(load(name, ROOT / "gdbext" / INIT[name])).strip() == ""
        assert session.command(load(name, link)).strip() == ""
        assert sorted(session.complete("ft ")) == sorted(COMMANDS)


@each_debugger
def test_a_second_copy_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "gdbext", tmp_path / "gdbext", ignore=shutil.ignore_patterns("__pycache__")
    )
    with in_session(name) as session:
        said = session.command(load(name, tmp_path / "gdbext" / INIT[name])).strip()
        assert said.startswith(f"gdbext is already loaded from {ROOT / 'gdbext'}")
        assert "\n" not in said


@each_debugger
def test_colours_follow_the_debuggers_own_setting(name: str, lab: Lab) -> None:
    run = lab.crash("debug", "ctypes_null")
    switch = {"gdb": "set style enabled {}", "lldb": "settings set use-color {}"}[name]
    with in_session(
        name, run.executable, core=run.core, environment={"TERM": "xterm-256color"}
    ) as session:
        for word, painted in (
            ("off" if name == "gdb" else "false", False),
            ("on" if name == "gdb" else "true", True),
        ):
            session.command(switch.format(word))
            session.child.sendline("ft triage")
            session.expect("signature")
            assert bool(re.search(r"\x1b\[[\d;]+mCPython 3", session.child.before or "")) == painted
            session.read()


@each_debugger
def test_a_live_process_is_looked_at_and_goes_on(name: str, tmp_path: Path) -> None:
    script = tmp_path / "hang.py"
    script.write_text(HANG)
    with hang(builds.python("release"), script, folder=tmp_path / "run") as process:
        with in_session(name, pid=process.pid) as session:
            assert "threading.py" in session.command("ft threads")
            session.command("detach")
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert re.search(r"TracerPid:\s+0\n", status)
        assert re.search(r"State:\s+[SR]", status)
        assert process.poll() is None


@each_debugger
def test_a_program_is_run_to_its_crash(name: str, tmp_path: Path) -> None:
    script = tmp_path / "null.py"
    script.write_text("import ctypes\nctypes.string_at(0x10)\n")
    with in_session(name, builds.python("debug"), arguments=(str(script),)) as session:
        session.child.sendline("run")
        session.expect(r"SIGSEGV|address not mapped")
        session.settle()
        assert "SIGSEGV reading 0x10" in session.command("ft triage")


def machine_interface(*words: str, commands: str = "-ft-triage\n") -> str:
    """What gdb answers to commands of its machine interface."""
    debugger = launch.find("gdb")
    done = subprocess.run(
        [
            *debugger.command,
            "-nx",
            "-q",
            "--interpreter=mi3",
            "-iex",
            "set auto-load no",
            "-ix",
            str(ROOT / "gdbext" / "gdbinit.py"),
            *words,
        ],
        input=f"{commands}-gdb-exit\n".encode(),
        env={**os.environ, **debugger.environment},
        capture_output=True,
        timeout=120,
    )
    return done.stdout.decode(errors="replace")


def test_the_machine_interface_gives_the_report_as_structured_results(lab: Lab) -> None:
    run = lab.crash("debug", "ctypes_null")
    lines = machine_interface(str(run.executable), str(run.core)).splitlines()
    # gdb puts the frame before it, where the command was the first to ask for one.
    answer = next(
        line
        for line in lines
        if re.match(
            r'\^done,(?:frame=\{.*?\},)?schema="gdbext.triage/1",tool=\{name="gdbext"', line
        )
    )
    assert 'signal="SIGSEGV"' in answer
    assert "None" not in answer


def test_the_machine_interface_says_what_is_wrong() -> None:
    assert '^error,msg="no process and no core' in machine_interface()


def test_without_a_terminal_lines_are_as_wide_in_both(lab: Lab) -> None:
    run = lab.crash("debug-unfixed", "list_union_freed")
    loads = [load(name, ROOT / "gdbext" / INIT[name]) for name in NAMES]
    words = {
        "gdb": [
            "-nx",
            "-batch",
            run.executable,
            run.core,
            "-ex",
            loads[NAMES.index("gdb")],
            "-ex",
            "ft known",
        ],
        "lldb": [
            "--no-lldbinit",
            "-b",
            "-c",
            run.core,
            "-o",
            loads[NAMES.index("lldb")],
            "-o",
            "ft known",
        ],
    }
    said = {}
    for name in NAMES:
        debugger = launch.find(name)
        command = [*debugger.command, *map(str, words[name])]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=launch.environment(debugger, {}),
            timeout=120,
        )
        said[name] = done.stdout[done.stdout.index("gh-132713") :].strip()
    assert said["gdb"] == said["lldb"]
