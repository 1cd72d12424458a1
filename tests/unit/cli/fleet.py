"""A debugger of a few lines, for tests of what comes of a core that is not kind to it.

It is a program that gdbext takes for gdb.  What it does is in the core's name: ``fine``,
``kill-debugger``, ``kill-worker``, ``kill-dask`` (the process that started the worker), ``hang``;
``unreadable`` (it says so); ``wait`` (until there is a file ``go``); with ``-once`` it does so the
first time only.

Each start is a line in ``starts`` beside the core: the core's name, and the process that started
the worker.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gdbext.cli.cores import CoreFile, identify
from gdbext.cli.one_core import Task

ROOT = Path(__file__).parents[3]
DEBUGGER = """\
#!{python} -I
import json, os, signal, time
request = json.loads(os.environ["GDBEXT_REQUEST"])
name = os.path.basename(request["core"])
starts = os.path.join(os.path.dirname(request["core"]), "starts")
before = open(starts).read().split() if os.path.exists(starts) else []
parent = os.getppid()
stat = open("/proc/%d/stat" % parent).read()
grandparent = int(stat.rpartition(")")[2].split()[1])
with open(starts, "a") as stream:
    stream.write("%s %d\\n" % (name, grandparent))
deed = name.split(".")[0]
if deed.endswith("-once"):
    deed = "fine" if name in before else deed.removesuffix("-once")
if deed == "kill-debugger":
    os.kill(os.getpid(), signal.SIGSEGV)
if deed == "kill-worker":
    os.kill(parent, signal.SIGKILL)
if deed == "kill-dask":
    os.kill(grandparent, signal.SIGKILL)
while deed == "wait" and not os.path.exists(os.path.join(os.path.dirname(starts), "go")):
    time.sleep(0.02)
if deed == "hang":
    time.sleep(600)
if deed == "unreadable":
    os.write(request["stderr"], b"gdbext: it is unreadable\\n")
    os._exit(3)
report = {{"schema": "gdbext.triage/1", "findings": [], "known_issues": [], "target": {{}},
          "signature": {{"id": name}}}}
for _, path in request["outputs"]:
    with open(path, "w") as stream:
        json.dump(report, stream)
"""


def debugger(folder: Path) -> str:
    """Its path."""
    path = folder / "debugger"
    path.write_text(DEBUGGER.format(python=sys.executable))
    path.chmod(0o755)
    return str(path)


def core(folder: Path, name: str) -> CoreFile:
    """A file that only this debugger takes for a core."""
    (folder / name).write_bytes(b"\x7fELF" + b"\0" * 12 + b"\x04\x00")
    return identify(str(folder / name))


def task(folder: Path, name: str, timeout: float = 60.0) -> Task:
    return Task(core=core(folder, name), debugger="gdb", timeout=timeout)


def starts(folder: Path, name: str) -> int:
    """How often the debugger was started for a core."""
    return len(starters(folder, name))


def starters(folder: Path, name: str) -> list[int]:
    """The processes whose workers were given a core, in the order in which they were."""
    path = folder / "starts"
    lines = path.read_text().splitlines() if os.path.exists(path) else []
    return [int(line.split()[1]) for line in lines if line.split()[0] == name]
