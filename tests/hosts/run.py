"""Run a Python function inside a debugger process of its own, over a core or a process, and bring
its result back as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

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
    return _answer(
        name,
        {
            "function": function,
            "arguments": arguments,
            "executable": executable and str(executable),
            "core": core and str(core),
            "pid": pid,
            "command": command,
        },
        program,
        timeout,
    )


class Case(NamedTuple):
    """A core, and what the function is to be given beside it."""

    executable: Path
    core: Path
    arguments: Sequence[Any] = ()


def run_over_cores(
    name: str, function: str, cases: Sequence[Case], *, timeout: float = 300.0
) -> list[dict[str, Any]]:
    """The same for several cores, which one debugger opens one after the other, each as it comes
    to it: what it knew of those before must be forgotten.

    Each answer is for :func:`value_of`.
    """
    cores = [(str(each.executable), str(each.core), each.arguments) for each in cases]
    answers: list[dict[str, Any]] = _answer(
        name, {"function": function, "cores": cores}, None, timeout
    )
    return answers


def value_of(answer: dict[str, Any]) -> Any:
    """What the function returned of a core.

    Raises:
        InsideError: where it raised.
    """
    if "error" in answer:
        raise InsideError(answer["error"])
    return answer["value"]


def _answer(name: str, request: dict[str, Any], program: str | None, timeout: float) -> Any:
    debugger = Program(name, [program], {}) if program else launch.find(name)
    with tempfile.TemporaryDirectory(prefix="gdbext-host-") as folder:
        answer = Path(folder) / "answer.json"
        request = {"debugger": name, "cores": [], **request, "answer": str(answer)}
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
        return value_of(json.loads(answer.read_text()))


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
