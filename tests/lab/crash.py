"""Run a script until it dies, and keep its core."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORE_PATTERN = Path("/proc/sys/kernel/core_pattern")
BLOCK = 1 << 16


@dataclass(frozen=True)
class CrashRun:
    """A process that died: its core, and what is known about its death.

    ``truth`` is what the script told about itself before it died (``corpus/_truth.py``),
    ``seconds`` how long it lived.
    """

    core: Path
    signal: str
    stderr: str
    executable: Path
    script: Path
    truth: dict[str, Any]
    seconds: float

    def save(self, path: Path) -> None:
        fields = {
            "core": str(self.core),
            "executable": str(self.executable),
            "script": str(self.script),
        }
        path.write_text(json.dumps(self.__dict__ | fields))

    @classmethod
    def load(cls, path: Path) -> CrashRun:
        fields = json.loads(path.read_text())
        paths = {key: Path(fields[key]) for key in ("core", "executable", "script")}
        return cls(**(fields | paths))


class NoCrash(Exception):
    """The script lived, or died without a core; the message has its last words."""


class Lives(NoCrash):
    """A script of the corpus does not die on the user's interpreter: what it is about is mended
    there.
    """


UNABLE = re.compile(r"^(?:ModuleNotFound|Import|Syntax|Name)Error\b", re.MULTILINE)


def could_not_run(said: str) -> bool:
    """Whether a script ended because something was missing, as its last words say: then it tells
    nothing of what it is about.
    """
    return UNABLE.search(said) is not None


def crash(
    python: Path,
    script: Path,
    *,
    folder: Path,
    timeout: float = 60.0,
    env: Mapping[str, str] | None = None,
    attempts: int = 1,
    arguments: tuple[str, ...] = (),
) -> CrashRun:
    """Run ``python script`` in ``folder`` until it dies with a core, up to ``attempts`` times.

    The folder must be new.  Raises NoCrash when the script ends by itself or outlives ``timeout``
    each time.
    """
    last = ""
    for attempt in range(attempts):
        workplace = folder / str(attempt)
        workplace.mkdir(parents=True)
        try:
            return _attempt(python, script, workplace, timeout, environment(env), arguments)
        except NoCrash as error:
            last = str(error)
            shutil.rmtree(workplace)
    raise NoCrash(f"{script.name} on {python}: {last} ({attempts} attempts)")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would change the interpreter under test, or name a
    test that it is not in.
    """
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "PYTEST_", "VIRTUAL_ENV"))
    }
    return inherited | {"PYTHONDONTWRITEBYTECODE": "1"} | dict(extra or {})


def kernel_writes_cores() -> bool:
    """Whether a crash leaves a core in the working directory.

    A pattern that is a pipe or another folder does not.
    """
    if os.environ.get("GDBEXT_LAB_CORES") == "debugger":
        return False
    pattern = CORE_PATTERN.read_text().strip() if CORE_PATTERN.exists() else "|"
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    return not pattern.startswith("|") and "/" not in pattern and hard == resource.RLIM_INFINITY


def _attempt(
    python: Path,
    script: Path,
    folder: Path,
    timeout: float,
    env: dict[str, str],
    arguments: tuple[str, ...],
) -> CrashRun:
    command = [str(python), str(script), *arguments]
    started = time.monotonic()
    if kernel_writes_cores():
        died, stderr, core = _natively(command, folder, timeout, env)
    else:
        died, stderr, core = _under_debugger(command, folder, timeout, env)
    seconds = time.monotonic() - started
    truth_file = folder / "truth.json"
    truth = json.loads(truth_file.read_text()) if truth_file.exists() else {}
    return CrashRun(core, died, stderr, python, script, truth, seconds)


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a core without the gigabyte of holes that it has."""
    subprocess.run(["cp", "--sparse=always", str(source), str(target)], check=True)


def unlimited_core() -> None:
    """In the child: let the kernel write a core, however large."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _natively(
    command: list[str], folder: Path, timeout: float, env: dict[str, str]
) -> tuple[str, str, Path]:
    with (folder / "stderr").open("w+b") as stderr:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            preexec_fn=unlimited_core,
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise NoCrash(f"still alive after {timeout:g} s") from None
        stderr.seek(0)
        text = stderr.read().decode(errors="replace")
    if code >= 0:
        raise NoCrash(f"exit status {code}: {text[-400:]}")
    cores = sorted(folder.glob("core*"))
    if not cores:
        raise NoCrash(f"{signal.Signals(-code).name}, but no core appeared: {text[-400:]}")
    return signal.Signals(-code).name, text, cores[0]


def _under_debugger(
    command: list[str], folder: Path, timeout: float, env: dict[str, str]
) -> tuple[str, str, Path]:
    """Where the kernel hands cores to somebody else: run under gdb, and let it write the core at
    the fault.
    """
    core, log = folder / "core", folder / "gdb.log"
    quoted = " ".join(f"'{word}'" for word in command[1:])
    steps = [
        "set debuginfod enabled off",
        "set pagination off",
        # gdb from a wheel sets these for the Python inside it; the program must not inherit them.
        *(f"unset environment {name}" for name in ("PYTHONHOME", "PYTHONPATH", "PYTHONNOUSERSITE")),
        "handle SIGUSR1 SIGUSR2 SIGPIPE nostop noprint",
        f"run {quoted} < /dev/null > stderr 2>&1",
        "python import gdb; print('LAB-SIGNAL', gdb.parse_and_eval('$_siginfo.si_signo'))",
        f"generate-core-file {core}",
        "kill",
    ]
    gdb = [
        debugger("gdb"),
        "-nx",
        "-batch",
        *(word for step in steps for word in ("-ex", step)),
        command[0],
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            gdb,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            process.wait(timeout + 60)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise NoCrash(f"still alive after {timeout:g} s") from None
    said = log.read_text(errors="replace")
    text = (folder / "stderr").read_text(errors="replace") if (folder / "stderr").exists() else ""
    numbers = [int(line.split()[1]) for line in said.splitlines() if line.startswith("LAB-SIGNAL")]
    if not numbers or not core.exists():
        raise NoCrash(f"no core from gdb: {said[-400:]} {text[-400:]}")
    punch_holes(core)
    return signal.Signals(numbers[-1]).name, text, core


def debugger(name: str) -> str:
    """The debugger of this environment, else the one on PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        raise FileNotFoundError(f"no {name} in {beside.parent} nor on PATH; run scripts/setup")
    return found


def punch_holes(path: Path) -> None:
    """Rewrite a file sparsely: gdb writes the gigabyte of zeros that mimalloc has reserved for
    real.
    """
    sparse, zeros = path.with_suffix(".sparse"), bytes(BLOCK)
    with path.open("rb") as source, sparse.open("wb") as target:
        while block := source.read(BLOCK):
            if block == zeros:
                target.seek(len(block), os.SEEK_CUR)
            else:
                target.write(block)
        target.truncate()
    sparse.replace(path)
