"""Programs that go on running: for live attach, hangs and health."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from lab.crash import debugger, environment, kernel_writes_cores, punch_holes, unlimited_core

READY = "READY"


class NotReady(Exception):
    """The program ended or said nothing in time; the message has its last words."""


@contextlib.contextmanager
def hang(
    python: Path,
    script: Path,
    *,
    folder: Path,
    timeout: float = 120.0,
    env: Mapping[str, str] | None = None,
    arguments: tuple[str, ...] = (),
) -> Iterator[subprocess.Popen[str]]:
    """Run ``python script`` until it prints a line ``READY``, hand over the live process, kill it
    at the end.

    >>> with hang(python, script, folder=tmp_path) as process: attach_to(process.pid)
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "stderr").open("w+") as stderr:
        process = subprocess.Popen(
            [str(python), "-u", str(script), *arguments],
            cwd=folder,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            preexec_fn=unlimited_core if kernel_writes_cores() else None,
        )
        assert process.stdout
        # A program that never speaks is killed, which ends the loop over its output.
        watchdog = threading.Timer(timeout, process.kill)
        watchdog.start()
        try:
            for line in process.stdout:
                if line.strip() == READY:
                    break
            else:
                stderr.seek(0)
                raise NotReady(
                    f"{script.name} ended or took over {timeout:g} s before it was ready: "
                    f"{stderr.read()[-400:]}"
                )
            watchdog.cancel()
            yield process
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
            process.stdout.close()


def settle(
    process: subprocess.Popen[str], threads: int, timeout: float = 30.0, looks: int = 3
) -> None:
    """Wait until that many threads all sleep: a program says that it is ready a little before it
    waits.  They must be found asleep ``looks`` times on end, 50 ms apart.

    Of ten looks or more some may find a thread awake that does next to nothing: who waits for all
    threads to stop asks again each millisecond.
    """
    ends = time.monotonic() + timeout
    seen: deque[_Look] = deque(maxlen=looks)
    while len(seen) < looks or not _rests(seen):
        look = _look(process.pid)
        if look.threads != threads:
            seen.clear()
        seen.append(look)
        if time.monotonic() > ends:
            raise NotReady(f"process {process.pid} has not come to rest in {timeout:g} s: {look}")
        time.sleep(0.05)


class _Look(NamedTuple):
    """How the threads of a process are at a moment."""

    threads: int
    is_asleep: bool
    ticks: int
    """Processor time that they have used."""
    time: float


def _look(pid: int) -> _Look:
    stats = [
        (task / "stat").read_text().rpartition(")")[2].split()
        for task in Path(f"/proc/{pid}/task").iterdir()
    ]
    return _Look(
        len(stats),
        all(stat[0] == "S" for stat in stats),
        sum(int(stat[11]) + int(stat[12]) for stat in stats),
        time.monotonic(),
    )


def _rests(seen: deque[_Look]) -> bool:
    if not seen[-1].is_asleep or seen[-1].threads != seen[0].threads:
        return False
    used = (seen[-1].ticks - seen[0].ticks) / os.sysconf("SC_CLK_TCK")
    is_idle = len(seen) >= 10 and used <= 0.05 * (seen[-1].time - seen[0].time)
    return is_idle or all(look.is_asleep for look in seen)


def snapshot(process: subprocess.Popen[str], core: Path) -> Path:
    """A core of the live process as it is at this moment, made by gdb; the process goes on."""
    gdb = [
        debugger("gdb"),
        "-nx",
        "-batch",
        "-iex",
        "set debuginfod enabled off",
        "-p",
        str(process.pid),
        "-ex",
        f"generate-core-file {core}",
    ]
    done = subprocess.run(gdb, capture_output=True, text=True, timeout=120)
    if not core.exists():
        raise NotReady(f"gdb made no core of process {process.pid}: {done.stderr[-400:]}")
    punch_holes(core)
    return core


def end(process: subprocess.Popen[str], folder: Path) -> Path:
    """End the program where it is, and give its core.  ``folder`` is where it runs.

    The kernel does it in no time (SIGQUIT); where it gives no core, gdb takes a snapshot, which can
    take some seconds.
    """
    if not kernel_writes_cores():
        return snapshot(process, folder / "core")
    process.send_signal(signal.SIGQUIT)
    process.wait()
    cores = sorted(folder.glob("core*"))
    if not cores:
        raise NotReady(f"process {process.pid} ended without a core, status {process.returncode}")
    return cores[0]
