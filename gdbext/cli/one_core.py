"""One core of a batch, wherever it is diagnosed: in a thread here, or on another machine."""

from __future__ import annotations

import json
import time
from typing import Any

from gdbext.cli import remote
from gdbext.cli.cores import CoreFile
from gdbext.cli.workers import Answer, WorkerDied, Workers, WorkerSlow
from gdbext.engine.outcome import CANNOT_OPEN, DIAGNOSED, PARTIAL, Failure
from gdbext.frozen import dataclass
from gdbext.store.database import ENTRY_SCHEMA

ATTEMPTS = 2
"""A core that makes its worker die gets one more; then it is reported as a failure."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A core, and how to diagnose it: the options of ``gdbext batch``."""

    core: CoreFile
    executable: str | None = None
    sysroot: str | None = None
    debuginfod: str | None = None
    debugger: str = "auto"
    timeout: float = 120.0
    redact: bool = False


def diagnose(task: Task, workers: Workers) -> dict[str, Any]:
    """The entry of a core (``gdbext.batch/1``); never raises for what the core does."""
    started = time.monotonic()
    try:
        with remote.here(task.core.name) as core:
            made = _attempted(task, core, workers)
    except Failure as error:
        made = failure(task, str(error))
    return {**made, "seconds": round(time.monotonic() - started, 2)}


def _attempted(task: Task, core: str, workers: Workers) -> dict[str, Any]:
    died = ""
    for attempt in range(ATTEMPTS):
        try:
            with workers.borrowed() as worker:
                answer = worker.ask(_request(task, core, attempt), task.timeout)
                workers.tell(answer.news)
                return _entry(task, answer)
        except WorkerDied as death:
            died = str(death)
        except WorkerSlow:
            limit = f"{task.timeout:g} s"
            return failure(
                task, f"not done within {limit}, and stopped; a longer time: --timeout S"
            )
    return failure(task, f"{died}; tried {ATTEMPTS} times")


def failure(task: Task, reason: str, status: int = CANNOT_OPEN) -> dict[str, Any]:
    """The entry of a core that could not be diagnosed."""
    return {
        "schema": ENTRY_SCHEMA,
        **task.core.identity,
        "status": status,
        "seconds": 0.0,
        "error": reason,
        "report": None,
    }


def _request(task: Task, core: str, attempt: int) -> dict[str, Any]:
    return {
        "core": core,
        "attempt": attempt,
        "shown": task.core.name,
        "executable": task.executable,
        "sysroot": task.sysroot,
        "debuginfod": task.debuginfod,
        "debugger": task.debugger,
        "redact": task.redact,
    }


def _entry(task: Task, answer: Answer) -> dict[str, Any]:
    status = answer.status
    if status not in (DIAGNOSED, PARTIAL):
        lines = answer.said.splitlines() or [f"exit status {status}"]
        return failure(task, lines[0].removeprefix("gdbext: "), status)
    try:
        with open(answer.report, encoding="utf-8") as stream:
            content = json.load(stream)
    except (OSError, ValueError) as error:
        return failure(task, f"its report cannot be read: {error}")
    return {**failure(task, ""), "status": status, "error": None, "report": content}
