"""``gdbext`` alone, at a terminal: what to do next."""

from __future__ import annotations

import os
import shlex

import gdbext
from gdbext.cli import compressed

MOST_FILES = 2000
"""A folder with more is not searched for cores."""
NEXT = """\
gdbext {version} explains crashes of free-threaded CPython.

{cores}\
  a core is here                gdbext triage {core}
  … in the debugger             gdbext gdb {core}     (or gdbext lldb)
  a command crashes or hangs    gdbext run -- python3.14t -m pytest
  … only now and then           gdbext hunt -- python3.14t stress.py
  a process hangs               gdbext attach PID
  a report names a rule         gdbext explain FT101
  does it work on this machine  gdbext doctor

gdbext --help lists all commands.
"""


def text() -> str:
    """What a person may want to do, with the newest core of this folder in it."""
    newest = cores_here(os.curdir)
    found = f"In this folder: {', '.join(newest[:3])}\n\n" if newest else ""
    core = shlex.quote(newest[0]) if newest else "CORE"
    return NEXT.format(version=gdbext.__version__, cores=found, core=core)


def cores_here(folder: str) -> list[str]:
    """Names of the folder's files that are cores, the newest first."""
    from gdbext.reports.sanitize import visible

    try:
        with os.scandir(folder) as entries:
            files = [entry for _, entry in zip(range(MOST_FILES), entries) if entry.is_file()]
        named = [f for f in files if "core" in f.name and visible(f.name) == f.name]
        named.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
    except OSError:
        return []
    return [entry.name for entry in named if compressed.is_core(entry.path)]
