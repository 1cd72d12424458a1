"""What ``gdbext hunt --blame`` runs inside gdb: start the command, record who frees what, wait for
its death, and answer in JSON.

The request comes in the environment (``GDBEXT_REQUEST``): ``command``, ``types``, ``functions``,
``seconds``, ``environment`` (variables of the command's) and ``answer``, the file for the answer.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
from typing import Any

from gdbext.target.protocol import DebuggerError

MAX_THREADS = 64
"""Threads that are started before the types must be there."""


def main() -> None:
    """Never returns."""
    request = json.loads(os.environ["GDBEXT_REQUEST"])
    try:
        answer = _recorded(request)
    except DebuggerError as error:
        answer = {"problem": str(error)}
    except Exception as error:
        answer = {"problem": f"{type(error).__name__}: {error}"}
    with open(request["answer"], "w", encoding="utf-8") as file:
        json.dump(answer, file)
    os._exit(0)


def _recorded(request: dict[str, Any]) -> dict[str, Any]:
    from gdbext.commands.blame import CallRecorder
    from gdbext.diagnosis.diagnose import diagnose
    from gdbext.session import Session

    running = importlib.import_module("gdbext.backends.gdb.running")
    adapter = importlib.import_module("gdbext.backends.gdb.adapter")
    debugger = adapter.GdbDebugger()
    try:
        alive = running.start(request["command"], request["environment"], request["seconds"])
        recorder = None
        for _ in range(MAX_THREADS):
            if not alive or debugger.signal() is not None:
                break
            recorder = CallRecorder(Session(debugger), request["types"], request["functions"])
            if recorder.places:
                break
            alive = running.go_on()
        if not alive:
            return {"problem": "the command ended before its threads had the type"}
        if recorder is None or not recorder.places:
            return {"problem": f"no type {' or '.join(request['types'])} in the process"}
        is_own = recorder.follow(debugger)
        died = is_own and bool(running.is_alive()) and debugger.signal() is not None
        freeings = []
        if died:
            session = Session(debugger)
            freeings = recorder.freeings(diagnose(session), session)
        return {
            "breakpoints": sorted({place.name for place in recorder.places.values()}),
            "events": recorder.seen,
            "stops": recorder.stops,
            "died": died,
            "freeings": [dataclasses.asdict(one) for one in freeings],
        }
    finally:
        running.end()
