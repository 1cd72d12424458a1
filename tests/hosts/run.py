"""Run a Python function inside a debugger process of its own, over a core or a process, and bring
its result back as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from gdbext.backends.gdb import launcher as gdb
from gdbext.backends.lldb import launcher as lldb
from gdbext.backends.programs import Program
from gdbext.engine import launch

ROOT = Path(__file__).parents[2]
NAMES = ("gdb", "lldb")


class InsideError(Exception):
    """The function raised, or the debugger gave no answer; the message has the traceback or the
    debugger's last words.
    """


def run_in_debugger(
    name: str,
    function: str,
    *arguments: Any,
    executable: Path | None = None,
    core: Path | None = None,
    pid: int | None = None,
    command: tuple[str, ...] = (),
    program: str | None = None,
    timeout: float = 120.0,
) -> Any:
    """What ``function`` (``module:name``) returns for a debugger's adapter and the ``arguments``.

    The target is a core with its executable, a live process to attach to (it goes on afterwards),
    or a ``command`` that is started and runs until it stops by itself; none of them leaves the
    debugger empty.  ``program`` is another debugger binary than that of this environment.
    """
    debugger = Program(name, [program], {}) if program else launch.find(name)
    with tempfile.TemporaryDirectory(prefix="gdbext-host-") as folder:
        answer = Path(folder) / "answer.json"
        request = {
            "debugger": name,
            "function": function,
            "arguments": arguments,
            "executable": executable and str(executable),
            "core": core and str(core),
            "pid": pid,
            "command": command,
            "answer": str(answer),
        }
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("PYTHON") and key != "DEBUGINFOD_URLS"
        }
        try:
            done = subprocess.run(
                command_line(debugger),
                env={
                    **kept,
                    **debugger.environment,
                    "GDBEXT_HOST": json.dumps(request),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired as error:
            raise InsideError(f"{name} gave no answer in {timeout:g} s") from error
        if not answer.exists():
            raise InsideError(
                f"{name} ended with {done.returncode} and no answer: "
                f"{(done.stdout + done.stderr)[-1500:]}"
            )
        result = json.loads(answer.read_text())
    if "error" in result:
        raise InsideError(result["error"])
    return result["value"]


def command_line(debugger: Program, module: str = "hosts.inside") -> list[str]:
    """The debugger, without its user's settings, running that module's ``main``."""
    # Not by PYTHONPATH: the program that a debugger starts would get it too.
    code = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]; "
        f"import {module} as inside; inside.main()"
    )
    if not debugger.command:
        return [sys.executable, "-c", code]
    if debugger.name == "gdb":
        settings = [word for setting in gdb.SETTINGS for word in ("-iex", setting)]
        return [*debugger.command, "-nx", "-batch", *settings, "-ex", f"python {code}"]
    settings = [word for setting in lldb.SETTINGS for word in ("-O", setting)]
    return [*debugger.command, "--no-lldbinit", "--batch", *settings, "-o", f"script {code}"]
