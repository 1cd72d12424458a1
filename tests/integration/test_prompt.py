"""``gdbext gdb CORE`` and ``gdbext lldb CORE``: one command, and the debugger is at its prompt with
all that was asked for.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from hosts.session import ESCAPES
from integration.commandline import environment, gdbext
from lab import Lab, builds, hang

PROMPTS = {"gdb": r"\(gdb\) ", "lldb": r"\(lldb\) "}
UNWANTED = re.compile(
    r"debuginfod|auto-load|warning:|python-gdb|Traceback|--Type <RET>|error:", re.I
)
WAITS = "import threading\nprint('READY', flush=True)\nthreading.Event().wait()\n"
each_debugger = pytest.mark.parametrize("name", ["gdb", "lldb"])


class Conversation:
    """What a person sees and types."""

    def __init__(self, name: str, child: pexpect.spawn[str]) -> None:
        self.name = name
        self.child = child

    def until(self, pattern: str) -> str:
        """What is printed up to the pattern."""
        self.child.expect(pattern)
        return ESCAPES.sub("", f"{self.child.before}{self.child.after}")

    def type(self, line: str) -> None:
        self.child.sendline(line)

    def leave(self) -> int | None:
        """Quit; the exit status of ``gdbext`` itself."""
        self.type("quit")
        if self.child.expect([pexpect.EOF, r"\[Y/n\]|y or n"]):
            self.type("y")
            self.child.expect(pexpect.EOF)
        self.child.close()
        return self.child.exitstatus


@contextmanager
def opened(name: str, *words: object, **variables: str) -> Iterator[Conversation]:
    """``gdbext NAME WORDS`` in a terminal of the usual 24 lines, with a symbol server that nobody
    must ask.
    """
    options: dict[str, Any] = {"encoding": "utf-8", "timeout": 120, "dimensions": (24, 100)}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "gdbext", name, *map(str, words)],
        env=environment(TERM="dumb", DEBUGINFOD_URLS="https://debuginfod.invalid", **variables),
        **options,
    )
    try:
        yield Conversation(name, child)
    finally:
        child.close(force=True)


@each_debugger
def test_a_core_is_opened_with_its_triage(name: str, lab: Lab, tmp_path: Path) -> None:
    run = lab.crash("debug-unfixed", "list_union_freed")
    # As a build folder has it: a script beside the program that gdb would load or warn about.
    with opened(name, run.core, HOME=str(tmp_path)) as conversation:
        said = conversation.until(r"signature \w{16}")
        assert "FT101 stale container item" in said
        assert "known  gh-132713" in said
        assert not UNWANTED.search(said), UNWANTED.search(said)
        conversation.type("ft known")
        assert "gh-132713" in conversation.until("issues/132713")
        if name == "gdb":  # LLDB itself knows which subcommands there are
            conversation.type("ft tirage")
            conversation.until(r"no command `ft tirage`; did you mean triage\?")
        assert conversation.leave() == 0


@each_debugger
def test_a_compressed_core_is_gone_afterwards_and_ctrl_c_is_the_debuggers(
    name: str, lab: Lab, tmp_path: Path
) -> None:
    run = lab.crash("debug", "ctypes_null")
    packed, scratch = tmp_path / "core.gz", tmp_path / "scratch"
    scratch.mkdir()
    with open(run.core, "rb") as core, gzip.open(packed, "wb", 1) as target:
        shutil.copyfileobj(core, target)
    words = (packed, "--no-triage", "--exe", run.executable)
    with opened(name, *words, HOME=str(tmp_path), TMPDIR=str(scratch)) as conversation:
        assert "FT4" not in conversation.until(PROMPTS[name])
        assert len(list(scratch.glob("gdbext-*.core"))) == 1
        conversation.child.sendintr()
        conversation.type("ft triage")
        conversation.until("FT404 native fault")
        assert conversation.leave() == 0
    assert list(scratch.iterdir()) == []


@each_debugger
def test_a_running_process_goes_on_afterwards(name: str, tmp_path: Path) -> None:
    script = tmp_path / "waits.py"
    script.write_text(WAITS)
    with hang(builds.python("release"), script, folder=tmp_path / "run") as process:
        with opened(name, process.pid, HOME=str(tmp_path)) as conversation:
            assert "FT000 nothing wrong found" in conversation.until("signature|layouts from")
            conversation.leave()
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert re.search(r"TracerPid:\s+0\n", status)
        assert process.poll() is None


@each_debugger
def test_frames_have_the_numbers_that_the_debugger_takes(
    name: str, lab: Lab, tmp_path: Path
) -> None:
    """The C library raises by a tail call: the debugger shows a frame of it, and reports do not."""
    run = lab.crash("release", "os_abort")
    with opened(name, run.core, "--no-triage", HOME=str(tmp_path)) as conversation:
        conversation.until(PROMPTS[name])
        if name == "gdb":
            conversation.type("set pagination off")
            conversation.until(PROMPTS[name])
        conversation.type("ft bt")
        rows = re.findall(r"#(\d+) +(\w+)\(?", conversation.until(PROMPTS[name]))
        numbers = {function: number for number, function in rows}
        conversation.type(f"frame {'select ' * (name == 'lldb')}{numbers['os_abort_impl']}")
        assert "os_abort_impl" in conversation.until(PROMPTS[name])
        conversation.type("ft triage")
        said = conversation.until(r"signature \w+")
        assert f"#{numbers['os_abort']} " in said
        assert conversation.leave() == 0


def test_the_systems_gdb_does_it_too(lab: Lab, tmp_path: Path) -> None:
    run = lab.crash("debug", "ctypes_null")
    with opened("gdb", run.core, HOME=str(tmp_path), GDBEXT_GDB="/usr/bin/gdb") as conversation:
        said = conversation.until(r"gdbext \S+ in gdb 1\d\.")
        assert "FT404 native fault" in said
        # gdb 13 knows fewer registers than this processor has.
        assert not UNWANTED.search(re.sub(r"warning: .*reg-xstate.*", "", said))


@pytest.mark.parametrize("words", [("nothing",), (os.devnull,), (__file__,)], ids=str)
@each_debugger
def test_what_cannot_be_opened_is_one_line(name: str, words: tuple[str, ...]) -> None:
    done = gdbext(name, *words)
    assert done.returncode == 3
    assert done.stderr.startswith("gdbext: ")
    assert done.stderr.count("\n") == 1
