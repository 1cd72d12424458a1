"""Asked inside a debugger: the report on a core, as `gdbext triage --format json` has it."""

from __future__ import annotations

from typing import Any

from gdbext.engine.inside import triage
from gdbext.reports.contract import to_json
from gdbext.session import Session
from gdbext.target.protocol import Debugger


def report(debugger: Debugger, core: str) -> Any:
    """``core`` is its name for people."""
    return to_json(triage(Session(debugger), {"core": core, "shown": core}, []))
