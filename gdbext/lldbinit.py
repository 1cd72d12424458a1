"""LLDB's way in: ``command script import …/gdbext/lldbinit.py`` (or a line so in ~/.lldbinit) makes
the command ``ft``.

Nothing in this file is newer than Python 3.8, so that an older LLDB can say what it lacks.
"""

from __future__ import annotations

import os
import sys

import lldb


def _start(debugger: lldb.SBDebugger, here: str) -> str | None:
    oldest = (3, 10)
    if sys.version_info < oldest:
        return "gdbext needs an LLDB with Python 3.10 or later; this one has {}.{}".format(
            *sys.version_info
        )
    folder = os.path.dirname(here)
    # LLDB has put this file's folder there: the package's insides are no modules of their own.
    sys.path[:] = [path for path in sys.path if os.path.realpath(path) != folder]
    loaded = sys.modules.get("gdbext")
    if (
        loaded is not None
        and (other := os.path.realpath(os.path.dirname(loaded.__file__ or ""))) != folder
    ):
        return f"gdbext is already loaded from {other}; start another LLDB for this one"
    parent = os.path.dirname(folder)
    if parent not in sys.path:
        sys.path.insert(0, parent)

    from gdbext import startup
    from gdbext.backends.lldb.adapter import LldbDebugger
    from gdbext.backends.lldb.host import LldbHost, unset_wheel_environment

    startup.install(LldbHost(debugger), LldbDebugger(debugger))
    unset_wheel_environment(debugger)
    return None


def __lldb_init_module(debugger: lldb.SBDebugger, session: dict[str, object]) -> None:
    problem = _start(debugger, os.path.realpath(__file__))
    if problem:
        sys.stderr.write(problem + "\n")
