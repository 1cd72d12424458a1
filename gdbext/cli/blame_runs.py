"""The runs of ``gdbext hunt --blame``: each under gdb, which records who frees what."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any

from gdbext.backends import registry
from gdbext.diagnosis.registry import traits
from gdbext.engine import launch
from gdbext.model import Blame, Freeing, Operation, OperationKind, Report

MAX_RUNS = 6
QUIET_DEATHS = 2
"""After so many in which nothing was called it is not for want of luck."""
GRACE_SECONDS = 120.0
"""Beyond a run's own time, what the diagnosis may take."""
STOPS = "each breakpoint stops the whole process, which changes its timing"
NOTES = "the process noted the calls itself, which takes some nanoseconds each"
NOTHING_TO_RECORD = Blame(
    type="",
    breakpoints=(),
    runs=0,
    deaths=0,
    events=0,
    freeings=(),
    note="nothing was recorded: the type of the object that the crash is about is not known",
)
SEEN_IN_THE_CRASH = "nothing had to be recorded: the thread that died was freeing it"
MOST_FUNCTIONS = 6
CODE = (
    "import sys; sys.path.insert(0, {root!r}); "
    "from gdbext.engine import blame_inside; blame_inside.main()"
)


def types_of(report: Report) -> list[str]:
    """The types to record: of what was lost, of what held it, and of what the threads share."""
    names: list[str | None] = [report.consensus.object_type if report.consensus else None]
    for finding in report.findings[:1]:
        if finding.subject is not None:
            names.append(finding.subject.expected_type or finding.subject.type)
        names.append(finding.container.type if finding.container else None)
    names.append(report.race.object.type if report.race else None)
    return list(dict.fromkeys(name for name in names if name))


def functions_of(report: Report) -> list[str]:
    """The names of what the racing threads call, which may be functions of a module."""
    if report.consensus is None:
        return []
    operations = [line.operation for line in report.consensus.lines]
    return [
        each.name
        for each in operations
        if isinstance(each, Operation) and each.kind is OperationKind.CALL and each.name
    ]


def freed_at_death(report: Report) -> Blame | None:
    """The freeing that the process died in; None where it died of something else."""
    headline = report.findings[0] if report.findings else None
    thread = next((each for each in report.threads if each.crashed), None)
    if headline is None or thread is None or not traits(headline.rule).is_freeing:
        return None
    subject, python = headline.subject, thread.python[0] if thread.python else None
    if subject is None:
        return None
    called = takewhile(lambda frame: frame.python is None, thread.native)
    functions = [frame.function for frame in called if frame.function]
    one = Freeing(
        address=subject.address,
        type=subject.expected_type or subject.type or "memory",
        name=thread.name,
        lwp=thread.lwp,
        file=python.file if python else None,
        line=python.line if python else None,
        function=python.function if python else None,
        source=python.source if python else None,
        native=tuple(functions[-MOST_FUNCTIONS:]),
        how="the subject",
    )
    return dataclasses.replace(NOTHING_TO_RECORD, freeings=(one,), note=SEEN_IN_THE_CRASH)


def record(
    command: Sequence[str],
    types: Sequence[str],
    functions: Sequence[str],
    seconds: float,
    folder: str,
    runs: int = MAX_RUNS,
    told: Callable[[str], None] = lambda text: None,
) -> Blame:
    """Run the command under gdb, again and again, until a death has been joined with a freeing.

    ``told`` is given a sentence before each run.
    """
    found: list[dict[str, Any]] = []
    problems: list[str] = []
    for number in range(runs):
        # Freed memory that is filled at once kills who uses it: in turn, as breakpoints make
        # everything rare.
        hooks = {"PYTHONMALLOC": "debug"} if number % 2 == 0 else {}
        so_far = f"; {_so_far(found)}" if number else ""
        told(f"run {number + 1} of at most {runs} under gdb, up to {seconds:g} s{so_far}")
        request = {"types": list(types), "functions": list(functions), "seconds": seconds}
        answer = _run(command, request, os.path.join(folder, f"blame-{number}.json"), hooks)
        if problem := answer.get("problem"):
            problems.append(problem)
            continue
        found.append(answer)
        if answer["freeings"] or _is_quiet(found):
            break
    deaths = sum(answer["died"] for answer in found)
    freeings = tuple(_freeing(data) for answer in found for data in answer["freeings"])
    return Blame(
        type=" or ".join(types),
        breakpoints=tuple(sorted({name for answer in found for name in answer["breakpoints"]})),
        runs=len(found) + len(problems),
        deaths=deaths,
        events=sum(answer["events"] for answer in found),
        freeings=freeings,
        note=_note(found, freeings, problems),
    )


def _so_far(found: Sequence[Mapping[str, Any]]) -> str:
    deaths, calls = sum(run["died"] for run in found), sum(run["events"] for run in found)
    return f"{deaths} died so far, {calls} calls seen"


def _is_quiet(found: Sequence[Mapping[str, Any]]) -> bool:
    """Whether it dies of something else than what the recorded functions do."""
    return sum(run["died"] for run in found) >= QUIET_DEATHS and not any(
        run["events"] for run in found
    )


def _note(
    found: Sequence[Mapping[str, Any]], freeings: Sequence[Freeing], problems: Sequence[str]
) -> str:
    timing = STOPS if any(run["stops"] for run in found) else NOTES
    if freeings:
        return timing
    if _is_quiet(found):
        return f"it died before any of these functions was called: they did not free it; {timing}"
    if any(run["died"] for run in found):
        return f"no recorded call was for an object that the crash is about; {timing}"
    if problems:
        return problems[-1]
    return f"it does not die any more under the debugger: {timing}"


def _freeing(data: dict[str, Any]) -> Freeing:
    return Freeing(**{**data, "native": tuple(data["native"])})


def _run(
    command: Sequence[str], request: Mapping[str, Any], answer: str, environment: Mapping[str, str]
) -> dict[str, Any]:
    program = shutil.which(command[0])
    if program is None:
        return {"problem": f"there is no {command[0]}"}
    try:
        debugger = launch.find("gdb")
    except launch.LaunchError as error:
        return {"problem": str(error)}
    seconds = request["seconds"]
    whole = {
        **request,
        "command": [program, *command[1:]],
        "answer": answer,
        # What gdb's own Python must not see is meant for the command's.
        "environment": {
            **{k: v for k, v in os.environ.items() if k.startswith("PYTHON")},
            **environment,
        },
    }
    code = CODE.format(root=launch.ROOT)
    words = registry.launcher("gdb").command_line(debugger, code)
    try:
        subprocess.run(
            words,
            env=launch.environment(debugger, whole),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds + GRACE_SECONDS,
            start_new_session=True,
            check=False,
        )
        with open(answer, encoding="utf-8") as file:
            return dict(json.load(file))
    except subprocess.TimeoutExpired:
        return {"problem": "gdb did not come to an end"}
    except (OSError, ValueError) as error:
        return {"problem": f"gdb gave no answer: {error}"}
