"""``ft`` in editors: over the Debug Adapter Protocol, as VS Code's C/C++ extension asks gdb, and in
gdb's TUI.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest

from gdbext.cli import init
from gdbext.engine import launch
from hosts.dap import conversation
from integration.commandline import ROOT, environment
from integration.test_hosts import machine_interface
from lab import CrashRun, Lab

PAGE = (ROOT / ".github" / "docs" / "pages" / "editors.md").read_text()
LLDB_DAP = next(filter(None, map(shutil.which, ("lldb-dap", "lldb-dap-19"))), "lldb-dap")


@pytest.fixture(scope="module")
def crash(lab: Lab) -> CrashRun:
    return lab.crash("debug-unfixed", "list_union_freed")


def entry(kind: str, crash: CrashRun) -> dict[str, Any]:
    """The documented launch.json's entry for a debugger, with this crash's paths."""
    (block,) = re.findall(r"```json\n// \.vscode/launch\.json\n(.*?)```", PAGE, re.DOTALL)
    for shown, real in (
        ("/path/to/gdbext/", str(ROOT / "gdbext") + "/"),
        ("/usr/bin/python3.14t", str(crash.executable)),
        ("${workspaceFolder}/core", str(crash.core)),
        ("${workspaceFolder}", str(crash.core.parent)),
    ):
        block = block.replace(shown, real)
    (found,) = [each for each in json.loads(block)["configurations"] if each["type"] == kind]
    return dict(found)


def is_the_report(text: str) -> bool:
    wanted = ("FT101 stale container item", "known  gh-132713", "signature f21a279fe5e87a52")
    return all(word in text for word in wanted)


def test_gdb_over_dap(crash: CrashRun) -> None:
    debugger = launch.find("gdb")
    (arguments,) = re.findall(r"args = \{(.*?)\}", PAGE, re.DOTALL)
    words = re.findall(
        r'"(.*?)"', arguments.replace("/path/to/gdbext/gdbinit.py", init.path("gdb"))
    )
    with conversation(
        [*debugger.command, "-nx", *words], launch.plain_environment(debugger)
    ) as editor:
        assert editor.ask("initialize", adapterID="gdb")["supportsConfigurationDoneRequest"]
        attach = editor.send("attach", program=str(crash.executable), coreFile=str(crash.core))
        editor.ask("configurationDone")
        assert editor.response(attach)["success"]
        assert len(editor.ask("threads")["threads"]) == 2
        assert is_the_report(
            editor.ask("evaluate", expression="ft triage", context="repl")["result"]
        )
        said = editor.ask("evaluate", expression="ft nonsense", context="repl")["result"]
        assert said.startswith("ft: no command `ft nonsense`")
        assert "Traceback" not in said
        editor.ask("disconnect")


def test_lldb_over_dap(crash: CrashRun) -> None:
    with conversation([LLDB_DAP], environment()) as editor:
        assert editor.ask("initialize", adapterID="lldb-dap")["supportsConfigurationDoneRequest"]
        asked = entry("lldb-dap", crash)
        assert editor.ask(asked["request"], **asked, stopOnEntry=True) == {}
        editor.ask("configurationDone")
        assert len(editor.ask("threads")["threads"]) == 2
        said = editor.ask("evaluate", expression="`ft triage", context="repl")["result"]
        assert is_the_report(said)
        assert not any("Traceback" in str(event) for event in editor.events)
        editor.ask("disconnect")


def test_gdb_as_the_extension_for_c_asks_it(crash: CrashRun) -> None:
    asked = entry("cppdbg", crash)
    setup = [word for each in asked["setupCommands"] for word in ("-ex", each["text"])]
    said = machine_interface(
        *setup,
        asked["program"],
        asked["coreDumpPath"],
        commands='-interpreter-exec console "ft triage"\n',
    )
    texts = re.findall(r'^~"(.*)"$', said, re.MULTILINE)
    assert is_the_report("".join(texts).replace("\\n", "\n"))
    assert "^done" in said
    assert "Traceback" not in said


def test_gdbs_windows(crash: CrashRun, tmp_path: Path) -> None:
    rows, columns = 50, 120
    screen = pyte.Screen(columns, rows)
    stream = pyte.Stream(screen)
    child = pexpect.spawn(
        sys.executable,
        ["-m", "gdbext", "gdb", str(crash.core), "--no-triage"],
        env=environment(TERM="xterm-256color", HOME=str(tmp_path)),
        encoding="utf-8",
        timeout=60,
        dimensions=(rows, columns),
    )

    def seen(*words: str) -> bool:
        """Read on until the screen has all the words."""
        for _ in range(400):
            shown = "\n".join(screen.display)
            if all(word in shown for word in words):
                return True
            try:
                stream.feed(child.read_nonblocking(65536, timeout=0.2))
            except pexpect.TIMEOUT:
                continue
        raise AssertionError(f"no {words} on\n" + "\n".join(screen.display))

    try:
        assert seen("(gdb)")
        child.sendline("layout src")
        child.sendline("frame 1")
        assert seen("unionobject.c", "PyTuple_GET_ITEM")
        child.sendline("ft threads")
        # The source above, the command's output below.
        assert seen("unionobject.c", '"MainThread"', "list_union_freed.py:26 in reader")
    finally:
        child.close(force=True)
