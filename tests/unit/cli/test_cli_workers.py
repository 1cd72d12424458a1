"""Warm workers: used again, lost with a core that kills them, ended when they do not answer."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gdbext.cli import executors, one_core, workers
from gdbext.cli.cores import CoreFile, identify
from gdbext.cli.executors import Entry
from gdbext.cli.one_core import Task
from gdbext.engine.outcome import Failure
from unit.cli import fleet


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[workers.Workers]:
    monkeypatch.setenv("GDBEXT_GDB", fleet.debugger(tmp_path))
    made = workers.Workers()
    yield made
    made.end()


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_is_used_again(tmp_path: Path, pool: workers.Workers) -> None:
    with pool.borrowed() as first:
        pass
    for name in ("fine.1", "fine.2"):
        entry = one_core.diagnose(fleet.task(tmp_path, name), pool)
        assert entry["error"] is None
        assert entry["report"]["signature"]["id"] == name
        assert (entry["core"], entry["size"]) == (str(tmp_path / name), 18)
    with pool.borrowed() as last:
        assert last is first


def test_each_core_has_its_own_reason(tmp_path: Path, pool: workers.Workers) -> None:
    first = one_core.diagnose(fleet.task(tmp_path, "unreadable"), pool)
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(b"a core")[:-4])
    second = one_core.diagnose(Task(core=identify(str(cut)), debugger="gdb"), pool)
    assert first["error"] == "it is unreadable"
    assert "cut.gz is damaged gzip data" in second["error"]


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("kill-debugger", "was killed by signal 11; tried 2 times"),
        ("kill-worker", "its worker was killed by signal 9; tried 2 times"),
    ],
)
def test_a_core_that_kills_costs_one_retry(
    tmp_path: Path, pool: workers.Workers, deed: str, reason: str
) -> None:
    entry = one_core.diagnose(fleet.task(tmp_path, deed), pool)
    assert entry["report"] is None
    assert reason in entry["error"]
    assert fleet.starts(tmp_path, deed) == 2
    assert one_core.diagnose(fleet.task(tmp_path, "fine"), pool)["error"] is None


@pytest.mark.parametrize("deed", ["kill-debugger-once", "kill-worker-once"])
def test_what_dies_once_is_diagnosed_the_second_time(
    tmp_path: Path, pool: workers.Workers, deed: str
) -> None:
    entry = one_core.diagnose(fleet.task(tmp_path, deed), pool)
    assert entry["error"] is None
    assert fleet.starts(tmp_path, deed) == 2


def test_what_hangs_is_ended_and_not_tried_again(tmp_path: Path, pool: workers.Workers) -> None:
    entry = one_core.diagnose(fleet.task(tmp_path, "hang", timeout=2.0), pool)
    assert entry["error"].startswith("not done within 2 s")
    assert fleet.starts(tmp_path, "hang") <= 1


def test_a_debugger_that_is_not_there_is_a_reason(tmp_path: Path) -> None:
    pool = workers.Workers()
    try:
        task = Task(core=fleet.core(tmp_path, "fine"), debugger="gdb")
        os.environ["GDBEXT_GDB"] = str(tmp_path / "nothing")
        entry = one_core.diagnose(task, pool)
    finally:
        del os.environ["GDBEXT_GDB"]
        pool.end()
    assert entry["status"] == 3
    assert "cannot start" in entry["error"]


def test_a_worker_that_has_grown_makes_place(
    tmp_path: Path, pool: workers.Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pool.borrowed() as first:
        first.is_spent = True
    with pool.borrowed() as second:
        assert second is not first
    assert not os.path.exists(first.folder)


def test_a_worker_that_nobody_has_any_more_ends_and_leaves_nothing() -> None:
    code = (
        "import time; from gdbext.cli.workers import Worker\n"
        "worker = Worker(); print(worker.folder, worker.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=fleet.ROOT
    ) as asking:
        assert asking.stdout is not None
        folder, pid = asking.stdout.readline().split()
        assert os.path.exists(folder)
        asking.kill()
    while os.path.exists(folder) or is_alive(int(pid)):
        time.sleep(0.02)


def test_ending_ends_what_is_busy(tmp_path: Path, pool: workers.Workers) -> None:
    started = threading.Event()
    pids = []

    def work() -> dict[str, Any]:
        with pool.borrowed() as worker:
            pids.append(worker.pid)
            started.set()
            worker.ask({"core": str(tmp_path / "hang"), "debugger": "gdb", "attempt": 0}, 600)
        raise AssertionError("it cannot come to this")

    fleet.core(tmp_path, "hang")
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(work)
        started.wait()
        while not fleet.starts(tmp_path, "hang"):
            time.sleep(0.01)
        pool.end()
        with pytest.raises(workers.WorkerDied):
            future.result(60)
    assert not is_alive(pids[0])
    with pytest.raises(RuntimeError, match="ended"), pool.borrowed():
        pass


# --- streaming ------------------------------------------------------------------------------------


class Engine:
    """Futures that are done as the test says: a name in ``fails`` fails that many times."""

    def __init__(self, fails: dict[str, int], width: int = 3) -> None:
        self.fails = dict(fails)
        self.width = width
        self.most = self.running = 0
        self.is_lost = False

    def submit(self, task: Task) -> Future[Entry]:
        future: Future[Entry] = Future()
        self.running += 1
        self.most = max(self.most, self.running)

        def finish() -> None:
            self.running -= 1
            if self.fails.get(task.core.name, 0) > 0:
                self.fails[task.core.name] -= 1
                future.set_exception(OSError("connection lost"))
            else:
                future.set_result(one_core.failure(task, "fine"))

        threading.Timer(0.01, finish).start()
        return future

    def window(self) -> int:
        return self.width

    def check(self) -> None:
        if self.is_lost:
            raise Failure("the engine is gone")

    def notice(self) -> str | None:
        return None


def tasks(*names: str) -> list[Task]:
    return [Task(core=CoreFile(name, 1, 1)) for name in names]


def test_each_task_is_answered_once() -> None:
    engine = Engine({"b": 1, "c": 2})
    names = [f"t{n}" for n in range(20)]
    entries = list(executors.stream(tasks("a", "b", "c", *names), engine))
    assert sorted(e["core"] for e in entries) == sorted(["a", "b", "c", *names])
    failed = {e["core"]: e["error"] for e in entries if e["error"] != "fine"}
    assert failed == {"c": "OSError: connection lost; tried 2 times"}
    assert engine.most == engine.width


def test_a_lost_engine_stops_it() -> None:
    engine = Engine({"a": 1})
    engine.is_lost = True
    with pytest.raises(Failure, match="the engine is gone"):
        list(executors.stream(tasks("a"), engine))


def test_executors_that_there_are_not() -> None:
    for name in ("dask://", "spark://x", "dask"):
        with pytest.raises(Failure, match="there is no executor"), executors.opened(name, 1):
            pass
