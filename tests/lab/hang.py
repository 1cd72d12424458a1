"""Programs that go on running: for live attach, hangs and health."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

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
    """
    tasks = Path(f"/proc/{process.pid}/task")
    ends = time.monotonic() + timeout
    asleep = 0
    while asleep < looks:
        states = [
            re.findall(r"^State:\s+(\w)", (task / "status").read_text(), re.M)
            for task in tasks.iterdir()
        ]
        asleep = asleep + 1 if states == [["S"]] * threads else 0
        if time.monotonic() > ends:
            raise NotReady(f"process {process.pid} has not come to rest in {timeout:g} s: {states}")
        time.sleep(0.05)


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
