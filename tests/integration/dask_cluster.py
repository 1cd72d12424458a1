"""A Dask cluster of real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from integration.commandline import ROOT, environment

START = 120.0
PARTS = "from distributed.cli.dask_{0} import main; main()"


class Cluster:
    """A scheduler and workers on the loopback, each of one thread, started again when they die.

    ``variables`` are in the environment of all.
    """

    def __init__(self, folder: Path, **variables: str) -> None:
        self._folder = folder
        self._variables = variables
        self._file = folder / "scheduler.json"
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        scheduler = self._start("scheduler", "--port", "0", "--no-dashboard", "--no-show")
        self._processes.append(scheduler)
        self._await(lambda: self._file.exists() and self._file.read_text().endswith("}"))
        self.address = json.loads(self._file.read_text())["address"].removeprefix("tcp://")
        options = ("--nworkers", "2", "--nthreads", "1", "--no-dashboard")
        self._processes.append(
            self._start("worker", *options, "--local-directory", str(self._folder / "scratch"))
        )

    @property
    def executor(self) -> str:
        """As gdbext is told."""
        return f"dask://{self.address}"

    def _start(self, part: str, *options: str) -> subprocess.Popen[bytes]:
        with open(self._folder / f"{part}.log", "wb") as log:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    PARTS.format(part),
                    "--scheduler-file",
                    str(self._file),
                    "--host",
                    "127.0.0.1",
                    *options,
                ],
                env=environment(PYTHONPATH=str(ROOT), **self._variables),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _await(self, is_so: Any) -> None:
        deadline = time.monotonic() + START
        while not is_so():
            assert time.monotonic() < deadline, [
                log.read_text()[-2000:] for log in self._folder.glob("*.log")
            ]
            time.sleep(0.05)

    def close(self) -> None:
        for process in reversed(self._processes):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
