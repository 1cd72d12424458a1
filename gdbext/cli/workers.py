"""Warm workers: processes that have gdbext loaded and diagnose one core after another.

Where the debugger is a library, what it has read of programs and libraries serves the next core of
the same build as well.  A debugger that is a program of its own is started for each core.

A core may make its worker crash, hang or grow: then only the worker is lost.  Whoever asked starts
another.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gdbext.backends.programs import UNUSABLE, Program
from gdbext.engine import launch
from gdbext.engine.outcome import CANNOT_OPEN, DIAGNOSED, PARTIAL

LARGEST = 600 << 20
"""Bytes of memory at which a worker makes place for a new one."""
MOST_CORES = 500
"""So many cores, and a worker makes place for a new one: what has leaked is gone with it."""
ANSWERED = (DIAGNOSED, CANNOT_OPEN, PARTIAL)
"""What the work in the debugger ends with."""
NO_CLOCK = 0.0
"""For ``setitimer``: never."""
REPORT, SAID = "report.json", "said.txt"


class WorkerDied(Exception):
    """The worker, or the debugger that it had started, is gone; the message says how."""


class WorkerSlow(Exception):
    """The worker did not answer in time, and was ended."""


class Answer(NamedTuple):
    """What came of a core: exit status, what was said, the path of the report.

    ``news`` is what a person should know of the work, such as which file a symbol server sent.
    """

    status: int
    said: str
    report: str
    news: list[str]


class Worker:
    """One process.  Not to be shared by threads."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="gdbext-worker-")
        self.is_spent = False
        self._answer = b""
        code = (
            f"import sys; sys.path.insert(0, {launch.ROOT!r}); "
            f"from gdbext.cli import workers; workers.serve({self.folder!r})"
        )
        with open(os.path.join(self.folder, SAID), "a+b") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                env={**os.environ, "TMPDIR": self.folder},
                # Ctrl-C is for who asked; and what the worker has started ends with it.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the process, and of its process group."""
        return self._process.pid

    def ask(self, request: dict[str, Any], timeout: float) -> Answer:
        """Diagnose a core.

        Raises:
            WorkerDied
            WorkerSlow
        """
        report = os.path.join(self.folder, REPORT)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(report)
        try:
            self._write({**request, "outputs": [("json", report)]})
            answer = json.loads(self._line(time.monotonic() + timeout))
        except (BrokenPipeError, EOFError):
            status = self._process.wait()
            raise WorkerDied(f"its worker {ended(status)}{self._last_words()}") from None
        self.is_spent = answer["is_spent"]
        if answer["status"] not in ANSWERED:
            raise WorkerDied(f"{answer['debugger']} {ended(answer['status'])}{self._last_words()}")
        return Answer(answer["status"], self._said(), report, answer["news"])

    def _write(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()

    def _line(self, deadline: float) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._answer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise WorkerSlow
            piece = os.read(descriptor, 1 << 16)
            if not piece:
                raise EOFError
            self._answer += piece
        line, _, self._answer = self._answer.partition(b"\n")
        return line

    def _said(self) -> str:
        with open(os.path.join(self.folder, SAID), encoding="utf-8", errors="replace") as stream:
            return stream.read().strip()

    def _last_words(self) -> str:
        lines = self._said().splitlines()
        return f": {lines[-1]}" if lines else ""

    def kill(self) -> None:
        """Kill the process and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill it and tidy up."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Workers:
    """Workers that wait for something to do: as many as threads have borrowed at once."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._has_ended = False
        self._told: set[str] = set()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[Worker]:
        """A worker for one core.  One that fails is not used again.

        Raises:
            RuntimeError: after :meth:`end`.
        """
        with self._lock:
            if self._has_ended:
                raise RuntimeError("the workers have been ended")
            worker = self._idle.pop() if self._idle else Worker()
            self._busy.add(worker)
        is_good = False
        try:
            yield worker
            is_good = not worker.is_spent
        finally:
            with self._lock:
                self._busy.discard(worker)
                is_good = is_good and not self._has_ended
                if is_good:
                    self._idle.append(worker)
            if not is_good:
                worker.end()

    def tell(self, news: Iterable[str]) -> None:
        """Say what a person should know, on stderr, and nothing twice."""
        from gdbext.reports.sanitize import inert, visible

        with self._lock:
            new = [line for line in dict.fromkeys(news) if line not in self._told]
            self._told.update(new)
        for line in new:
            print(f"gdbext: {inert(visible(line))}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End all, and what they are at."""
        with self._lock:
            self._has_ended = True
            idle, self._idle = self._idle, []
            for worker in self._busy:
                worker.kill()
        for worker in idle:
            worker.end()


def ended(status: int) -> str:
    """How a process ended, by Python's return code.

    >>> ended(-11), ended(1)
    ('was killed by signal 11', 'ended with status 1')
    """
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"


# --- in the worker --------------------------------------------------------------------------------


def _peak() -> int:
    """The most bytes that this worker has had.

    ``ru_maxrss`` outlives exec: it begins with the peak of who started the worker.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) << 10 if found else 0


def serve(folder: str) -> None:
    """Answer requests, a line of JSON each, until stdin ends: then whoever asked is gone, and the
    worker's folder is of no more use.
    """
    from gdbext.engine import inside

    answers = os.fdopen(os.dup(1), "w")
    # What a library prints is not an answer.
    os.dup2(2, 1)
    inside.preload(["json"])
    try:
        for count, line in enumerate(sys.stdin, 1):
            answer = _work(json.loads(line))
            gc.collect()
            answer["is_spent"] = _peak() > LARGEST or count >= MOST_CORES
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _work(request: dict[str, Any]) -> dict[str, Any]:
    """Let the debuggers that there are try, the best first."""
    from gdbext.cli import compressed
    from gdbext.engine import debuginfod

    news: list[str] = []
    name = request["debugger"]
    os.ftruncate(2, 0)  # what was said of the core before is not this one's reason
    try:
        chosen = launch.candidates(name)
        # What made a worker die is not asked once more, where there is another.
        chosen = chosen[request["attempt"] :] or chosen[-1:]
        with compressed.unpacked(request["core"]) as core:
            request = debuginfod.with_folder({**request, "core": core}, news.append)
            for program in chosen:
                name = next(iter(program.command), program.name)
                status = _try(program, {**request, "debugger": program.name})
                if status in ANSWERED:
                    break
            else:
                status = CANNOT_OPEN if status == UNUSABLE else status
    except (launch.LaunchError, compressed.UnpackError) as error:
        os.write(2, f"{error}\n".encode(errors="replace"))
        status = CANNOT_OPEN
    return {"status": status, "debugger": name, "news": news}


def _try(program: Program, request: dict[str, Any]) -> int:
    from gdbext.engine import inside

    os.ftruncate(2, 0)
    if program.command:
        # Whoever asked has a clock; it ends this process and the debugger with it.
        result = launch.run(program, request, timeout=NO_CLOCK)
        if result.code not in ANSWERED:
            os.write(2, f"{result.noise}\n".encode(errors="replace"))
        return result.code
    with open(2, "w", encoding="utf-8", errors="replace", closefd=False) as said:
        return inside.attempt(request, io.StringIO(), said)
