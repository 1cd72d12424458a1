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
    command = [sys.executable, "-m", "gdbext", "triage", str(core), "--debugger", debugger, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if done.returncode not in (DIAGNOSED, PARTIAL):
        raise TriageFailed(f"`{' '.join(command)}` ended with {done.returncode}: {(done.stderr or done.stdout)[-800:]}")
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report
