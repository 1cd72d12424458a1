"""The command line: help, mistakes, exit statuses."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gdbext
from gdbext.backends import registry
from gdbext.cli import batch, start
from gdbext.cli.main import COMMANDS, main
from gdbext.diagnosis.registry import rules

ROOT = Path(gdbext.__file__).parent.parent
ISSUES = "https://github.com/python/cpython/issues/"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in COMMANDS)


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gdbext {gdbext.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    by_itself = capsys.readouterr().out
    assert f"usage: gdbext {name}" in by_itself
    assert "examples:" in by_itself
    assert main(["help", name]) == 0
    assert capsys.readouterr().out == by_itself


@pytest.mark.parametrize("columns", ["60", "120", "0", "wide", ""])
def test_help_is_as_wide_as_argparse_itself_makes_it(
    columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    made = batch.parser()
    ours = made.format_help()
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    assert ours == made.format_help()


def test_to_run_a_command_nothing_is_loaded_that_packs_archives() -> None:
    code = (
        "import sys; before = {*sys.modules}; from gdbext.cli import run; run.parser(); "
        "import gdbext.tracing.supervisor; print(*{*sys.modules} - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert {"shutil", "tempfile", "random"}.isdisjoint(done.stdout.split())


def test_unknown_command_suggests(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tirage"]) == 2
    said = capsys.readouterr().err
    assert said == "gdbext: there is no command `tirage`; did you mean triage?\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["triage", "--formt", "json"], "--formt; did you mean --format?"),
        (["batch", "--html=a", "--job-s=2", "x"], "--job-s=2; did you mean --jobs?"),
        (["crashes", "list", "--dyas", "a.db"], "--dyas; did you mean --days?"),
        (["triage", "core", "--zzzzzzzzz"], "--zzzzzzzzz"),
    ],
)
def test_unknown_option_suggests(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith(f": error: unrecognized arguments: {said}")


def test_a_file_in_place_of_a_command_is_to_be_diagnosed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "core").touch()
    assert main([str(tmp_path / "core")]) == 2
    assert f"gdbext triage {tmp_path}/core" in capsys.readouterr().err


def test_alone_at_a_terminal_it_says_what_to_do_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main([]) == 2
    shown = capsys.readouterr().out
    assert "gdbext triage CORE" in shown
    assert "gdbext --help" in shown
    for command in re.findall(r"gdbext (\w+)", shown.partition("\n")[2]):
        assert command in {*COMMANDS, "lldb"}


def test_the_newest_core_of_the_folder_is_named(tmp_path: Path) -> None:
    core = b"\x7fELF" + b"\0" * 12 + b"\x04\x00"
    for age, name in enumerate(("core.new", "core.old")):
        (tmp_path / name).write_bytes(core)
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    (tmp_path / "core.py").write_text("print()")
    (tmp_path / "core\x1b[31m").write_bytes(core)
    assert start.cores_here(str(tmp_path)) == ["core.new", "core.old"]
    assert start.cores_here(str(tmp_path / "nowhere")) == []


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("FT110", "FT105"),
        ("ft40", "FT40"),
        ("dead", "did you mean FT303 (deadlock)?"),
        ("moonbeam", "gdbext explain lists all"),
    ],
)
def test_explain_suggests_the_nearest(
    word: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", word]) == 2
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize(
    "word",
    ["gh-132713", "GH-132713", "#132713", "132713", f"{ISSUES}132713"],
)
def test_explain_knows_issues(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", word]) == 0
    said = capsys.readouterr().out
    assert said.startswith("gh-132713  Segfault in union_repr")
    assert f"{ISSUES}132713" in said
    assert "Fixed in 3.13.4, 3.14.0b1." in said
    assert "What to do: " in said


def test_explain_names_the_same_defect_and_that_nothing_has_a_fix(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "gh-156351", "FT101"]) == 0
    said = capsys.readouterr().out
    assert "The same defect: gh-120321" in said
    assert "\n\nFT101  " in said


def test_explain_says_which_issue_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "gh-1"]) == 2
    assert "gh-1 is not among the" in capsys.readouterr().err


def test_explain_knows_titles(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "Deadlock"]) == 0
    assert capsys.readouterr().out.startswith("FT303  deadlock\n")


@pytest.mark.parametrize(
    "words",
    [
        ["triage"],
        ["triage", "core", "--format", "pdf"],
        ["triage", "core", "--format", "json", "--format", "html"],
        ["triage", "core", "-o", "what"],
        ["triage", "core", "--debugger", "windbg"],
        ["run"],
        ["run", "--"],
        ["run", "--keep-core", "--", "true"],
        ["run", "--format", "json", "--", "true"],
        ["run", "--timeout", "0", "--", "true"],
        ["run", "--timeout", "soon", "--", "true"],
        ["attach", "me"],
        ["batch"],
        ["batch", ".", "--jobs", "0"],
        ["batch", ".", "--fail-on-new"],
        ["batch", ".", "--baseline", "/nonexistent"],
        ["crashes"],
        ["crashes", "list"],
        ["crashes", "list", "crashes.db", "--since", "soon"],
        ["explain", "FT999"],
        ["init"],
        ["completion", "tcsh"],
    ],
)
def test_wrong_usage_is_status_2_and_one_plain_message(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "gdbext" in said
    assert "Traceback" not in said


def test_attach_refuses_what_cannot_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attach", str(os.getpid())]) == 3
    assert "is gdbext itself" in capsys.readouterr().err
    assert main(["attach", "4194305"]) == 3
    assert "there is no process 4194305" in capsys.readouterr().err


def test_explain_has_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    listed = capsys.readouterr().out
    for identifier in rules():
        assert identifier in listed
        assert main(["explain", identifier.lower()]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith(identifier)
        assert "What to do:" in shown


@pytest.mark.parametrize("debugger", ["gdb", "lldb"])
def test_init_adds_its_line_once(
    debugger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    startup = tmp_path / "startup"
    startup.write_text("set pagination off")
    assert main(["init", debugger]) == 0
    line = capsys.readouterr().out.strip()
    assert line.endswith(f"gdbext/{debugger}init.py")
    for _ in range(2):
        assert main(["init", debugger, "--install", "--file", str(startup)]) == 0
    assert startup.read_text() == f"set pagination off\n{line}\n"
    assert "has it already" in capsys.readouterr().out


def test_init_uses_the_file_that_gdb_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert registry.prompt("gdb").startup_file() == str(tmp_path / ".gdbinit")
    modern = tmp_path / ".config/gdb/gdbinit"
    modern.parent.mkdir(parents=True)
    modern.touch()
    assert registry.prompt("gdb").startup_file() == str(modern)
    assert registry.prompt("lldb").startup_file() == str(tmp_path / ".lldbinit")


def test_init_says_what_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "gdb", "--install", "--file", str(tmp_path / "no/such/folder")]) == 3
    assert "cannot change" in capsys.readouterr().err


def test_commands_are_modules_of_one_form() -> None:
    for name in COMMANDS:
        module = importlib.import_module(f"gdbext.cli.{name}")
        assert callable(module.run)
        assert module.parser().prog == f"gdbext {name}"
