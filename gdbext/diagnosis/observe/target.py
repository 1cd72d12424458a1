"""Reads what the target is: its kind, its files, its interpreter."""

from __future__ import annotations

import os

from gdbext.model import ModuleInfo, TargetInfo
from gdbext.session import Session


def read_modules(session: Session) -> tuple[ModuleInfo, ...]:
    """The files that the process had mapped as code, in the order of their addresses."""
    modules = sorted(session.modules, key=lambda m: m.base)
    return tuple(ModuleInfo(path=m.path, base=m.base, build_id=m.build_id) for m in modules)


def read_target(session: Session) -> TargetInfo:
    """The report's ``target``."""
    debugger, choice = session.debugger, session.layout_choice
    offsets = choice.layout.offsets
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
        python_version=offsets.python_version if offsets else None,
        free_threaded=offsets.free_threaded if offsets else None,
        debug_build=session.is_debug_build,
        gil_enabled=gil,
        layout_source=str(choice.source) if choice.is_complete else None,
        layout_table=choice.table,
        pid=debugger.pid if debugger.kind == "live" else None,
    )
