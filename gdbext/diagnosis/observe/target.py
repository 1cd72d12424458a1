"""Reads what the target is: its kind, its files, its interpreter."""

from __future__ import annotations

import os

from gdbext.model import TargetInfo
from gdbext.session import Session


def read_target(session: Session) -> TargetInfo:
    """The report's ``target``."""
    debugger = session.debugger
    executable = debugger.executable
    module = next(
        (
            m
            for m in session.modules
            if executable and os.path.realpath(m.path) == os.path.realpath(executable)
        ),
        None,
    )
    interpreters = session.runtime.interpreters
    gil = interpreters[0].gil_enabled if interpreters else None
    return TargetInfo(
        kind=debugger.kind,
        path=debugger.path,
        executable=executable,
        build_id=module.build_id if module else None,
        python_version=session.offsets.python_version,
        free_threaded=session.offsets.free_threaded,
        debug_build=session.is_debug_build,
        gil_enabled=gil if session.offsets.free_threaded else True,
        layout_source=str(session.layout_choice.source),
        pid=debugger.pid if debugger.kind == "live" else None,
    )
