"""``gdbext batch --executor dask://…``: a real scheduler and two workers, one killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gdbext.cli import executors
from gdbext.cli.main import main
from gdbext.store.database import Store
from integration.commandline import GDBEXT, environment, gdbext
from integration.dask_cluster import Cluster
from lab import Lab
from unit.cli import fleet


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("dask")
    made = Cluster(folder, GDBEXT_GDB=fleet.debugger(folder))
    try:
        made.start()
        yield made
    finally:
        made.close()


def entries(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a batch's output, so far."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def until(is_so: Any, batch: subprocess.Popen[str]) -> None:
    while not is_so():
        assert batch.poll() is None, batch.communicate()
        time.sleep(0.05)


def test_one_of_two_workers_is_killed_and_nothing_is_lost(cluster: Cluster, tmp_path: Path) -> None:
    folder, output, store = tmp_path / "cores", tmp_path / "out.jsonl", tmp_path / "crashes.db"
    folder.mkdir()
    names = [f"fine.{n}" for n in range(6)] + ["wait.1", "wait.2"]
    for name in names:
        fleet.core(folder, name)
    words = ["batch", str(folder), "--debugger", "gdb", "--executor", cluster.executor]
    words += ["-o", str(output), "--store", str(store)]
    batch = subprocess.Popen(
        [*GDBEXT, *words],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Both workers are in the middle of a core; all others have come back already.
    until(lambda: len(entries(output)) == 6, batch)
    until(lambda: fleet.starts(folder, "wait.1") and fleet.starts(folder, "wait.2"), batch)
    one, other = (fleet.starters(folder, name)[0] for name in ("wait.1", "wait.2"))
    assert one != other
    os.kill(one, signal.SIGKILL)
    until(lambda: fleet.starts(folder, "wait.1") == 2, batch)
    (folder / "go").touch()
    said, complaint = batch.communicate(timeout=120)
    assert batch.returncode == 0, complaint
    assert said.startswith("8 crashes, 8 groups\n")
    done = entries(output)
    assert sorted(Path(e["core"]).name for e in done) == names
    assert all(e["error"] is None for e in done)
    assert {name: fleet.starts(folder, name) for name in names} == {
        name: 2 if name == "wait.1" else 1 for name in names
    }
    with Store.open(str(store)) as opened:
        assert opened.size == 8

    # It goes on where it ended: nothing is left to do, then one core more.
    fleet.core(folder, "fine.new")
    again = gdbext(*words)
    assert "8 of 9 cores" in again.stderr
    assert again.stdout.startswith("9 crashes, 9 groups\n")
    assert fleet.starts(folder, "fine.0") == 1


def test_a_core_that_kills_dask_workers_costs_one_retry(cluster: Cluster, tmp_path: Path) -> None:
    names = ["fine.1", "fine.2", "kill-dask", "kill-worker"]
    for name in names:
        fleet.core(tmp_path, name)
    done = gdbext(
        "batch",
        *(tmp_path / name for name in names),
        "--debugger",
        "gdb",
        "--executor",
        cluster.executor,
        "-o",
        tmp_path / "out.jsonl",
    )
    assert done.returncode == 0, done.stderr
    errors = {Path(e["core"]).name: e["error"] for e in entries(tmp_path / "out.jsonl")}
    assert errors["fine.1"] is errors["fine.2"] is None
    assert errors["kill-dask"] == "the Dask worker that had it was lost; tried 2 times"
    assert "its worker was killed by signal 9; tried 2 times" in errors["kill-worker"]
    assert fleet.starts(tmp_path, "kill-dask") == 2
    assert fleet.starts(tmp_path, "kill-worker") == 2


def test_real_cores_by_url_are_diagnosed_as_here(
    cluster: Cluster, lab: Lab, tmp_path: Path
) -> None:
    core = lab.crash("release", "os_abort").core
    here, there = tmp_path / "here.json", tmp_path / "there.jsonl"
    words = ("--debugger", "drgn")
    assert gdbext("triage", core, *words, "-o", here).returncode == 0
    done = gdbext("batch", f"file://{core}", *words, "-o", there, "--executor", cluster.executor)
    assert done.returncode == 0, done.stderr
    (entry,) = entries(there)
    report, expected = entry["report"], json.loads(here.read_text())
    assert report["target"].pop("path") == f"file://{core}"
    assert expected["target"].pop("path") == str(core)
    assert report == expected


def test_a_warm_worker_says_what_a_new_process_says(lab: Lab, tmp_path: Path) -> None:
    cores = [lab.crash("release", name).core for name in ("ctypes_null", "os_abort")]
    output = tmp_path / "out.jsonl"
    words = ("--debugger", "drgn", "--jobs", "1", "-o", output)
    assert gdbext("batch", *cores, *words).returncode == 0
    for core, entry in zip(cores, entries(output)):
        assert gdbext("triage", core, *words[:2], "-o", tmp_path / "one.json").returncode == 0
        assert entry["report"] == json.loads((tmp_path / "one.json").read_text())


def test_a_scheduler_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(executors, "CONNECT_SECONDS", 1)
    core = fleet.core(tmp_path, "fine")
    assert main(["batch", core.name, "--executor", "dask://127.0.0.1:9"]) == 3
    assert "no Dask scheduler answers at dask://127.0.0.1:9" in capsys.readouterr().err
