"""gdb's way in: ``source …/gdbext/gdbinit.py`` (or a line so in ~/.gdbinit) makes the command
``ft``.

Nothing in this file is newer than Python 3.8, so that an older gdb can say what it lacks.
"""

from __future__ import annotations

import os
import sys

import gdb


def _start(here: str) -> str | None:
    oldest = (3, 10)
    if sys.version_info < oldest:
        return "gdbext needs a gdb with Python 3.10 or later; this one has {}.{}".format(
            *sys.version_info
        )
    if not hasattr(gdb, "with_parameter"):
        return "gdbext needs gdb 12 or later; this is " + str(gdb.VERSION)
    folder = os.path.dirname(here)
    loaded = sys.modules.get("gdbext")
    if (
        loaded is not None
        and (other := os.path.realpath(os.path.dirname(loaded.__file__ or ""))) != folder
    ):
        return f"gdbext is already loaded from {other}; start another gdb for this one"
    parent = os.path.dirname(folder)
    if parent not in sys.path:
        sys.path.insert(0, parent)

    from gdbext import startup
    from gdbext.backends.gdb.adapter import GdbDebugger
    from gdbext.backends.gdb.host import GdbHost, unset_wheel_environment

    host, debugger = GdbHost(), GdbDebugger()
    startup.install(host, debugger)
    host.register_mi("-ft-triage", lambda: startup.report(debugger))
    unset_wheel_environment()
    return None


_problem = _start(os.path.realpath(_start.__code__.co_filename))
if _problem:
    sys.stderr.write(_problem + "\n")
