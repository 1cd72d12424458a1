"""A conversation with a debugger, as a person has it: a terminal, a prompt, keys."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect

from gdbext.backends.gdb import launcher as gdb_launcher
from gdbext.backends.lldb import launcher as lldb_launcher
from gdbext.backends.programs import Program
from gdbext.engine import launch
from hosts.run import ROOT

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x07|\r")
WIDTH = 200
MARKS = {"gdb": "python print('=', 42)", "lldb": "script print('=', 42)"}
"""Commands that print ``= 42``: what was printed before that is complete."""


class Session:
    """A debugger at its prompt, gdbext loaded."""

    def __init__(self, name: str, child: pexpect.spawn[str]) -> None:
        self.name = name
        self.child = child
        self.prompt = f"({name}) "

    def command(self, text: str) -> str:
        """Type a line and read what it prints."""
        self.child.sendline(text)
        said = self.read() + self.settle()
        # The terminal shows what was typed, and LLDB its prompt sometimes twice.
        return (
            said.replace(self.prompt, "")
            .replace(MARKS[self.name], "")
            .lstrip()
            .removeprefix(text)
            .lstrip("\n")
        )

    def read(self) -> str:
        """What is printed up to the next prompt."""
        self._expect(re.escape(self.prompt))
        return clean(self.child.before or "")

    def complete(self, text: str) -> list[str]:
        """The words offered for a line that can go on in several ways: TAB twice, as a person asks
        for the list.
        """
        self.child.send(text + "\t\t")
        # The list, and the prompt with the line again.
        self._expect(
            re.escape(self.prompt) + r"(?:\x1b\[[0-9;?]*[A-Za-z]|\r)*" + re.escape(text.rstrip())
        )
        offered = clean(self.child.before or "").removeprefix(text)
        self.settle()
        if self.name == "lldb":
            return re.findall(r"^\s+(\S+) +--", offered, re.M)
        return offered.split()

    def complete_one(self, text: str, completed: str) -> None:
        """Type text and a TAB; the line must become ``completed``."""
        self.child.send(text + "\t")
        self._expect(re.escape(completed[len(text) :]))
        self.settle()

    def settle(self) -> str:
        """Empty the line, and read until the debugger has printed all that it had to."""
        self.child.send("\x15")
        self.child.sendline(MARKS[self.name])
        self._expect("= 42")
        said = clean(self.child.before or "")
        self.read()
        return said

    def interrupt(self) -> str:
        """Press Ctrl-C, and read what is printed up to the prompt."""
        self.child.sendintr()
        return self.read()

    def expect(self, pattern: str) -> str:
        """Wait for the pattern; what was printed before it."""
        self._expect(pattern)
        return clean(self.child.before or "")

    def _expect(self, pattern: str) -> None:
        try:
            self.child.expect(pattern)
        except (pexpect.TIMEOUT, pexpect.EOF):
            raise AssertionError(
                f"{self.name} did not print {pattern!r}, but: "
                f"{clean(self.child.before or '')[-2000:]}"
            ) from None


@contextlib.contextmanager
def in_session(
    name: str,
    executable: Path | None = None,
    *,
    core: Path | None = None,
    pid: int | None = None,
    arguments: tuple[str, ...] = (),
    program: str | None = None,
    environment: dict[str, str] | None = None,
    timeout: float = 60.0,
) -> Iterator[Session]:
    """A debugger with gdbext loaded over a core, a live process, a program with its ``arguments``
    not yet started, or nothing.
    """
    debugger = Program(name, [program], {}) if program else launch.find(name)
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("PYTHON") and key != "NO_COLOR"
    }
    options: dict[str, Any] = {"encoding": "utf-8", "timeout": timeout, "dimensions": (60, WIDTH)}
    words = (
        _gdb(executable, core, pid, arguments)
        if name == "gdb"
        else _lldb(executable, core, pid, arguments)
    )
    child = pexpect.spawn(
        debugger.command[0],
        [*debugger.command[1:], *words],
        env={
            **kept,
            **debugger.environment,
            "TERM": "dumb",
            "PYTHONDONTWRITEBYTECODE": "1",
            **(environment or {}),
        },
        **options,
    )
    session = Session(name, child)
    try:
        # What opening the target prints may have prompts of its own in it.
        session.settle()
        yield session
    finally:
        child.close(force=True)


def _gdb(
    executable: Path | None, core: Path | None, pid: int | None, arguments: tuple[str, ...]
) -> list[str]:
    settings = [word for setting in gdb_launcher.SETTINGS for word in ("-iex", setting)]
    target = (
        ["--args", str(executable), *arguments]
        if arguments
        else [str(executable)]
        if executable
        else []
    )
    target += [str(core)] if core else []
    return [
        "-nx",
        "-q",
        *settings,
        "-iex",
        "set style enabled on",
        "-ix",
        str(ROOT / "gdbext" / "gdbinit.py"),
        *(["-p", str(pid)] if pid else []),
        *target,
    ]


def _lldb(
    executable: Path | None, core: Path | None, pid: int | None, arguments: tuple[str, ...]
) -> list[str]:
    settings = [word for setting in lldb_launcher.SETTINGS for word in ("-O", setting)]
    target = (
        ["--", str(executable), *arguments]
        if arguments
        else [str(executable)]
        if executable
        else []
    )
    return [
        "--no-lldbinit",
        *settings,
        "-O",
        f"command script import {ROOT / 'gdbext' / 'lldbinit.py'}",
        *(["-p", str(pid)] if pid else []),
        *(["-c", str(core)] if core else []),
        *target,
    ]


def clean(text: str) -> str:
    """Text without a terminal's control sequences."""
    return ESCAPES.sub("", text)
