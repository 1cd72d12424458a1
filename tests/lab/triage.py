"""Ask gdbext, as a person would on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

# Exit statuses of `gdbext triage` that come with a report: diagnosed, and diagnosed in part.
DIAGNOSED, PARTIAL = 0, 4


class TriageFailed(Exception):
    """gdbext gave no report; the message has its exit status and its last words."""


def triage_json(core: Path, debugger: str = "gdb", *, timeout: float = 120.0) -> dict[str, Any]:
    """The report on a core.  The executable is found from the core itself."""
    return _report(["triage", str(core)], debugger, timeout)


def attach_json(pid: int, debugger: str = "gdb", *, timeout: float = 120.0) -> dict[str, Any]:
    """The report on a live process, which goes on afterwards."""
    return _report(["attach", str(pid)], debugger, timeout)


def _report(command: list[str], debugger: str, timeout: float) -> dict[str, Any]:
    gdbext = [sys.executable, "-m", "gdbext", *command, "--debugger", debugger, "--format", "json"]
    try:
        done = subprocess.run(gdbext, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise TriageFailed(f"`{' '.join(gdbext)}` took over {timeout:g} s") from None
    if done.returncode not in (DIAGNOSED, PARTIAL):
        raise TriageFailed(
            f"`{' '.join(gdbext)}` ended with {done.returncode}: "
            f"{(done.stderr or done.stdout)[-800:]}"
        )
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report
