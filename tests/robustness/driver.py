"""Starts a debugger on a damaged target, and says what became of it."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from gdbext.engine import launch
from hosts.run import ROOT, command_line
from lab.crash import CrashRun, environment
from lab.hang import hang
from lab.judge import alarms
from lab.triage import TriageFailed, attach_json
from robustness import files, mutations, results
from robustness.inside import MARK
from robustness.results import Result, judged

IN_ONE = frozenset(mutations.KINDS)
"""Kinds of damage that are done many times in one debugger: those to memory."""
ATTACH = "attach"
REPORTS = (0, 4)
"""Exit statuses that come with a report: diagnosed, diagnosed in part.  3 is a target that cannot
be opened, which is an answer as well.
"""
CANNOT_OPEN = 3


def damaged(debugger: str, run: CrashRun, kind: str, first: int, end: int) -> Iterator[Result]:
    """One result for each seed."""
    if kind in IN_ONE:
        yield from _memory(debugger, run, kind, first, end)
        return
    for seed in range(first, end):
        with tempfile.TemporaryDirectory(prefix="gdbext-robustness-") as folder:
            chance = random.Random(seed)
            made = files.KINDS[kind](chance, run.core, run.executable, Path(folder))
            yield _whole(debugger, kind, seed, made, Path(folder))


def _memory(debugger: str, run: CrashRun, kind: str, first: int, end: int) -> Iterator[Result]:
    """The damage is done to what the debugger reads; the file stays as it is."""
    seen = first
    request = {
        "debugger": debugger,
        "core": str(run.core),
        "executable": str(run.executable),
        "kind": kind,
        "seeds": [first, end],
    }
    found = launch.find(debugger)
    _forget_peak()
    process = subprocess.Popen(
        command_line(found, "robustness.inside"),
        env={**environment(found.environment), "MUTATE_REQUEST": json.dumps(request)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    silent = threading.Event()
    noise, over = "", False
    for line in _lines(process, silent):
        if not line.startswith(MARK):
            noise = (noise + line)[-3000:]
            continue
        result = Result(**json.loads(line.removeprefix(MARK)))
        seen = result.seed + 1
        yield result
        if over := result.peak > results.PEAK_BYTES:
            break  # Its peak would stay with the seeds that follow.
    if over:
        process.kill()
    assert process.stdout
    process.stdout.close()
    process.wait()
    if seen < end:
        if not over:
            problem = results.HANG if silent.is_set() else results.DIED
            detail = f"status {process.returncode}: {noise}"
            yield Result(kind=kind, seed=seen, problem=problem, detail=detail)
            seen += 1
        yield from _memory(debugger, run, kind, seen, end)


def _lines(process: subprocess.Popen[str], silent: threading.Event) -> Iterator[str]:
    """Its lines, until it ends; or is ended, because it said nothing for too long."""
    assert process.stdout

    def end() -> None:
        silent.set()
        process.kill()

    while True:
        watchdog = threading.Timer(results.WALL_SECONDS, end)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        if not line:
            return
        yield line


def _whole(debugger: str, kind: str, seed: int, made: files.Files, folder: Path) -> Result:
    """``gdbext triage`` as a person runs it."""
    words = [sys.executable, "-m", "gdbext", "triage", str(made.core), "--format", "json"]
    words += ["--debugger", debugger]
    if made.executable is not None:
        words += ["--exe", str(made.executable)]
    # What is learnt of a program that lies is not kept.
    variables = environment({"GDBEXT_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)})
    _forget_peak()
    with (folder / "out").open("w+b") as out, (folder / "err").open("w+b") as err:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=variables,
            start_new_session=True,
        )
        watchdog = threading.Timer(results.WALL_SECONDS, _end, [process.pid])
        watchdog.start()
        _, status, usage = os.wait4(process.pid, 0)
        watchdog.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        size = out.tell() + err.tell()
        out.seek(0)
        err.seek(0)
        text, errors = out.read(8 << 20), err.read(1 << 20).decode(errors="replace")
    problem, detail = _answer(process.returncode, text, errors)
    result = Result(
        kind=kind,
        seed=seed,
        problem=problem,
        detail=detail,
        seconds=usage.ru_utime + usage.ru_stime,
        peak=usage.ru_maxrss << 10,
    )
    return judged(result, size)


def _forget_peak() -> None:
    """A program that is started begins with the peak of who starts it (ru_maxrss outlives exec),
    and one of the tests before may have read a whole core: let the peak be what is used now.
    """
    Path("/proc/self/clear_refs").write_text("5")


def _end(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)


def _answer(status: int, text: bytes, errors: str) -> tuple[str | None, str]:
    """(problem, detail) of a whole run."""
    if status == -signal.SIGKILL:
        return results.HANG, errors[-2000:]
    if "Traceback" in errors or "internal error" in errors:
        return results.EXCEPTION, f"{status}: {errors[-3000:]}"
    if status == CANNOT_OPEN:
        return None, errors[-200:]
    if status not in REPORTS:
        return results.DIED, f"{status}: {errors[-2000:]}"
    for error in json.loads(text)["errors"]:
        kind = error["message"].split(":")[0]
        if kind.isidentifier() and kind.endswith(("Error", "Exception")):
            return results.EXCEPTION, f"{error['section']}: {error['message']}"
    return None, errors[-200:]


def attached(debugger: str, python: Path, script: Path, first: int, end: int) -> Iterator[Result]:
    """A healthy, busy program, attached to at random moments; each answer is one result.

    It has to be alive, and to go on working, after each.
    """
    with (
        tempfile.TemporaryDirectory(prefix="gdbext-robustness-") as folder,
        hang(python, script, folder=Path(folder)) as process,
    ):
        for seed in range(first, end):
            time.sleep(random.Random(seed).uniform(0, 0.3))
            problem, detail = None, ""
            try:
                if said := alarms(attach_json(process.pid, debugger), beyond=None):
                    problem, detail = results.FINDING, "; ".join(said)
            except TriageFailed as error:
                problem, detail = results.EXCEPTION, str(error)[-2000:]
            if process.poll() is not None:
                problem, detail = results.DIED, f"the program ended: {process.returncode} {detail}"
            yield Result(kind=ATTACH, seed=seed, problem=problem, detail=detail)
            if problem == results.DIED:
                return
