"""Completion scripts: whole, and understood by the shells that are here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gdbext.cli import completion
from gdbext.cli.main import COMMANDS

BASH = shutil.which("bash") or "/bin/bash"


def complete(*words: str) -> list[str]:
    """What bash offers for the last word."""
    script = completion.bash() + (
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gdbext; for reply in "${COMPREPLY[@]}"; '
        'do printf "%s\\n" "$reply"; done'
    )
    done = subprocess.run(
        [BASH, "-c", script, "bash", "gdbext", *words], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands() -> None:
    assert set(COMMANDS) < set(complete(""))
    assert complete("tr") == ["triage"]


def test_bash_completes_options_and_their_values() -> None:
    assert "--on-crash" in complete("run", "--")
    assert complete("triage", "--debugg") == ["--debugger"]
    assert complete("triage", "--debugger", "l") == ["lldb"]
    assert complete("triage", "--format", "h") == ["html"]
    assert complete("init", "g") == ["gdb"]


def test_bash_completes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "core.17").touch()
    monkeypatch.chdir(tmp_path)
    assert complete("triage", "cor") == ["core.17"]
    assert complete("triage", "core.17", "--exe", "cor") == ["core.17"]


def test_bash_completes_the_command_of_run() -> None:
    assert "bash" in complete("run", "--", "bas")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_every_command_and_option(shell: str) -> None:
    script = getattr(completion, shell)()
    for word in (*COMMANDS, "on-crash", "keep-core", "sysroot", "redact"):
        assert word in script
    if interpreter := shutil.which(shell):
        subprocess.run([interpreter, "-n"], input=script, text=True, check=True)
