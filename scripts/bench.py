"""The measurements behind ``scripts/bench``: whole processes, each timed in turn with another."""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import interpreters
from lab.crash import CrashRun, crash

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"

GDB = [
    str(BIN / "gdb"),
    "-nx",
    "-batch",
    "-iex",
    "set debuginfod enabled off",
    "-iex",
    "set auto-load no",
]
PYTHON = [str(BIN / "python")]
GDBEXT = [*PYTHON, "-m", "gdbext"]
GDBEXT_RUN = [*GDBEXT, "run", "--"]
CORPUS = ROOT / "tests" / "corpus"
WRITES = {"PYTHONDONTWRITEBYTECODE": ""}
MANY = 1_000_000
LARGEST = "10^7 objects"

BUSY = """
import threading
def work():
    total = 0
    for n in range(6_000_000):
        total += n % 7
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

LIST_SCRIPT = """
import os, sys
count = int(sys.argv[1])
kept = [[n] for n in range(count)]
sys.stderr.write(f"LIST {id(kept):#x}\\n")
sys.stderr.flush()
os.abort()
"""

THREADS_SCRIPT = """
import os, threading, time
lock = threading.Lock()
lock.acquire()
def wait(depth):
    return lock.acquire() if depth == 0 else wait(depth - 1)
threads = [threading.Thread(target=wait, args=(n % 20,), daemon=True) for n in range(39)]
for thread in threads: thread.start()
time.sleep(1)
os.abort()
"""


class Sizes:
    """What the command line makes smaller for a quick look; the limits are meant for 10^7."""

    large = 10_000_000
    """Objects of the large heap."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a process and those that it started took: seconds of CPU and of the clock, and the
    largest one's memory.
    """

    cpu: float
    wall: float
    megabytes: float


def measure(command: Sequence[str], environment: dict[str, str] | None = None) -> Cost:
    """One run of a command, its output thrown away."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # What is measured is the second start, with compiled modules at hand.
        env={**os.environ, **WRITES, "PYTHONPATH": str(ROOT), **(environment or {})},
    )
    _, _, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    return Cost(cpu=used.ru_utime + used.ru_stime, wall=wall, megabytes=used.ru_maxrss / 1024)


def in_turn(commands: Sequence[Sequence[str]], runs: int) -> list[tuple[Cost, ...]]:
    """A row for each run, with the cost of each command; each is run once before, uncounted."""
    for command in commands:
        measure(command)
    return [tuple(measure(command) for command in commands) for _ in range(runs)]


def ratio(rows: Sequence[tuple[Cost, ...]], of: Callable[[Cost], float], other: int = 1) -> float:
    """The median of the first command's figure over another's, run by run."""
    return statistics.median(of(row[0]) / of(row[other]) for row in rows)


def median(rows: Sequence[tuple[Cost, ...]], of: Callable[[Cost], float], which: int = 0) -> float:
    return statistics.median(of(row[which]) for row in rows)


def cpu(cost: Cost) -> float:
    return cost.cpu


def wall(cost: Cost) -> float:
    return cost.wall


def megabytes(cost: Cost) -> float:
    return cost.megabytes


def show(what: str, value: str, wanted: str = "", holds: bool | None = None) -> None:
    """A line of the table; ``holds`` says whether what is wanted was reached."""
    reached = "" if holds is None else "reached ✓" if holds else "missed ✗"
    print(f"{what:<76} {value:>18}  {wanted:<14} {reached}", flush=True)


def at_most(what: str, value: float, limit: float, unit: str) -> None:
    shown = f"{value:,.2f} {unit}" if limit < 100 else f"{value:,.0f} {unit}"
    show(what, shown, f"<= {limit:g} {unit}", value <= limit)


def at_least(what: str, value: float, limit: float, unit: str) -> None:
    shown = f"{value:,.1f} {unit}" if limit < 100 else f"{value:,.0f} {unit}"
    show(what, shown, f">= {limit:,g} {unit}", value >= limit)


# --- triage of whole cores -----------------------------------------------------------------------


def founding(folder: Path) -> CrashRun:
    """Two threads, debug information in the program."""
    script = CORPUS / "list_union_freed.py"
    return crash(interpreters.build("release-unfixed"), script, folder=folder)


def damaged(folder: Path) -> CrashRun:
    """A race on five threads that leaves the heap damaged."""
    return crash(
        interpreters.build("release"), CORPUS / "race_bytesio.py", folder=folder, attempts=10
    )


def shared_lto(folder: Path) -> CrashRun:
    """The founding crash with a shared libpython by link-time optimisation, debug information
    apart.
    """
    script = CORPUS / "list_union_freed.py"
    return crash(interpreters.build("shared-lto"), script, folder=folder)


def many_threads(folder: Path) -> CrashRun:
    script = folder.with_suffix(".py")
    script.write_text(THREADS_SCRIPT)
    return crash(interpreters.build("release"), script, folder=folder)


def list_core(folder: Path, count: int) -> tuple[CrashRun, str]:
    """A process with so many objects, in one list; and the list's address."""
    script = folder.with_suffix(".py")
    script.write_text(LIST_SCRIPT)
    run = crash(
        interpreters.build("release"),
        script,
        folder=folder,
        arguments=(str(count),),
        timeout=600,
    )
    found = re.search(r"LIST (0x[0-9a-f]+)", run.stderr)
    assert found, run.stderr
    return run, found[1]


CORES: dict[str, Callable[[Path], CrashRun]] = {
    "founding crash": founding,
    "race, damaged heap": damaged,
    "shared LTO, split debug information": shared_lto,
    "40 threads": many_threads,
    LARGEST: lambda folder: list_core(folder, Sizes.large)[0],
}


def bench_triage(folder: Path, runs: int) -> None:
    for name, make in CORES.items():
        triage_row(name, make(folder / name.replace(" ", "-")), runs)


def triage_row(name: str, run: CrashRun, runs: int) -> None:
    """``gdbext triage`` beside bare gdb, and beside pystack."""
    triage = [*GDBEXT, "triage", str(run.core)]
    backtrace = [*GDB, "-ex", "bt", str(run.executable), str(run.core)]
    pystack = [str(BIN / "pystack"), "core", str(run.core), str(run.executable)]
    commands = [triage, backtrace, [*pystack, "--native", "--locals"]]
    rows = in_turn(commands, runs)
    ours, theirs = median(rows, cpu), median(rows, cpu, 1)
    at_most(f"{name}: triage {ours:.2f} s of CPU / gdb bt {theirs:.2f} s", ratio(rows, cpu), 1, "x")
    ours, theirs = median(rows, wall), median(rows, wall, 1)
    at_most(
        f"{name}: triage {ours:.2f} s of the clock / gdb bt {theirs:.2f} s",
        ratio(rows, wall),
        1,
        "x",
    )
    limit = 160 if name != LARGEST else 320
    at_most(f"{name}: memory", median(rows, megabytes), limit, "MB")
    at_most(
        f"{name}: CPU / pystack --native --locals {median(rows, cpu, 2):.2f} s",
        ratio(rows, cpu, 2),
        4,
        "x",
    )


def bench_start(folder: Path, runs: int) -> None:
    bare = [*PYTHON, "-c", "pass"]
    many = 4 * runs
    rows = in_turn([[*GDBEXT, "--version"], bare], many)
    at_most(
        f"gdbext --version {median(rows, cpu):.3f} s of CPU / python -c pass",
        ratio(rows, cpu),
        1.3,
        "x",
    )
    modules = "gdbext.cli.triage, gdbext.engine.inside, gdbext.diagnosis.diagnose"
    modules += ", gdbext.session, gdbext.reports.text, gdbext.backends.drgn.adapter"
    rows = in_turn([[*PYTHON, "-c", f"import {modules}"], bare], many)
    took = median(rows, cpu) - median(rows, cpu, 1)
    at_most("import of what a triage needs, beyond Python's own start", took, 0.12, "s")


# --- the heap ------------------------------------------------------------------------------------


def inside(run: CrashRun, address: str, debugger: str) -> dict[str, float]:
    """What ``bench_inside.py`` measures of a list, in gdb or in the engine."""
    script = f"{ROOT}/scripts/bench_inside.py"
    if debugger == "gdb":
        command = [*GDB, "-ex", f"source {script}"]
    else:
        command = [*PYTHON, script]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "BENCH": json.dumps([debugger, str(run.executable), str(run.core), address]),
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    found = re.search(r"^BENCH (.*)$", done.stdout, re.M)
    assert found, done.stdout + done.stderr
    result: dict[str, float] = json.loads(found[1])
    return result


def bench_list(folder: Path, runs: int) -> None:
    run, address = list_core(folder / "list", MANY)
    for debugger in ("drgn", "gdb"):
        results = [inside(run, address, debugger) for _ in range(runs)]
        rate = statistics.median(r["items"] / r["judging"] for r in results)
        at_least(f"judging every item of a list of {MANY:,}, in {debugger}", rate, 3e6, "items/s")


def bench_growth(folder: Path, runs: int) -> None:
    counts = (Sizes.large // 10, Sizes.large)
    small, large = (list_core(folder / f"list-{count}", count) for count in counts)
    rounds = max(runs // 2, 1)
    few = [inside(*small, "drgn") for _ in range(rounds)]
    many = [inside(*large, "drgn") for _ in range(rounds)]
    growth = statistics.median(b["judging"] / a["judging"] for a, b in zip(few, many))
    at_most("judging, heap and list 10 x as large: time", growth, 10.5, "x")
    used = statistics.median(b["peak_kib"] / a["peak_kib"] for a, b in zip(few, many))
    show("the same: peak memory", f"{used:.1f} x")
    triage = [[*GDBEXT, "triage", str(run.core)] for run, _ in (large, small)]
    at_most("triage, heap 10 x as large: CPU", ratio(in_turn(triage, rounds), cpu), 1.2, "x")
    growth = statistics.median(b["scan"] / a["scan"] for a, b in zip(few, many))
    at_most("scan, heap 10 x as large: time", growth, 10.5, "x")
    used = statistics.median(run["scan_peak_kib"] for run in many) / 1024
    show("the same: peak memory", f"{used:.0f} MB")
    scans = {"the engine": (many, 4), "gdb": ([inside(*large, "gdb")], 12)}
    for where, (results, limit) in scans.items():
        took = statistics.median(result["scan"] for result in results)
        at_most(f"scan of {LARGEST} in {where}, CPU", took, limit, "s")


# --- in gdb, and many cores ----------------------------------------------------------------------


def bench_inside_gdb(folder: Path, runs: int) -> None:
    run = founding(folder / "founding")
    opened = [str(run.executable), str(run.core)]
    load = ["-ex", f"source {ROOT}/gdbext/gdbinit.py"]
    rows = in_turn([[*GDB, *load, "-ex", "ft triage", *opened], [*GDB, "-ex", "bt", *opened]], runs)
    at_most("gdb: source gdbinit.py, ft triage / bt, CPU", ratio(rows, cpu), 1.3, "x")
    nothing = [*GDB, *opened]
    rows = in_turn([[*GDB, *load, "-ex", "ft help", *opened], nothing], runs)
    took = median(rows, cpu) - median(rows, cpu, 1)
    at_most("gdb: first command after source, CPU", took, 0.3, "s")


def bench_batch(folder: Path, runs: int) -> None:
    run = founding(folder / "founding")
    cores = folder / "cores"
    cores.mkdir()
    count = 8
    for number in range(count):
        copy = ["cp", "--sparse=always", str(run.core), str(cores / f"core.{number}")]
        subprocess.run(copy, check=True)
    command = [*GDBEXT, "batch", str(cores), "--jobs", "2"]
    rate = statistics.median(count / measure(command).wall for _ in range(max(runs // 2, 1)))
    at_least("batch on two CPUs, cores of one build", rate, 4, "cores/s")


# --- gdbext run ----------------------------------------------------------------------------------


def no_core() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def dies(wrapper: list[str], command: list[str], folder: Path, seconds: float) -> float | None:
    """Seconds until the command died of a fault or an abort; None if it lived to its time."""
    started = time.perf_counter()
    # timeout dies of the signal that its child died of; gdbext turns that into a status.
    words = [*wrapper, "timeout", "-s", "KILL", f"{seconds:.3f}", *command]
    # That it dies is counted; why need not be found out.
    quiet = {**os.environ, "PYTHONPATH": str(ROOT), "GDBEXT_GDB": "/bin/false"}
    done = subprocess.run(
        words,
        cwd=folder,
        env=quiet,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=no_core,
    )
    took = time.perf_counter() - started
    deadly = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
    return took if abs(done.returncode) % 128 in deadly else None


def bench_crash_rate(folder: Path, runs: int) -> None:
    """Crashes of a race in a time in which about half of the bare runs die, bare and under
    ``gdbext run`` in turn.
    """
    script = CORPUS / "race_cell.py"
    command = [str(interpreters.build("release-unfixed")), str(script)]
    seconds = statistics.median(dies([], command, folder, 20) or 20.0 for _ in range(9))
    # gdbext's own start is not the race's time.
    nothing = [command[0], "-c", "pass"]
    rows = in_turn([[*GDBEXT_RUN, *nothing], nothing], 9)
    start = max(median(rows, wall) - median(rows, wall, 1), 0.0)
    bare = traced = 0
    for _ in range(runs):
        bare += dies([], command, folder, seconds) is not None
        traced += dies(GDBEXT_RUN, command, folder, seconds + start) is not None
    what = f"crashes in {seconds:.2f} s, gdbext run ({traced}) / bare ({bare}), n = {runs} each"
    at_least(f"a race's {what}", traced / bare if bare else 0.0, 0.8, "x")


def bench_run_speed(folder: Path, runs: int) -> None:
    script = folder / "busy.py"
    script.write_text(BUSY)
    command = [str(interpreters.build("release")), str(script)]
    rows = in_turn([[*GDBEXT_RUN, *command], command], runs)
    ours, bare = median(rows, wall), median(rows, wall, 1)
    what = f"busy threads under gdbext run ({ours:.2f} s) / bare ({bare:.2f} s)"
    at_most(what, ratio(rows, wall), 1.1, "x")


SECTIONS: dict[str, Callable[[Path, int], None]] = {
    "triage": bench_triage,
    "start": bench_start,
    "list": bench_list,
    "growth": bench_growth,
    "inside-gdb": bench_inside_gdb,
    "batch": bench_batch,
    "run-speed": bench_run_speed,
    "crash-rate": bench_crash_rate,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Measure gdbext against plain gdb, pystack and bare runs, in one run."
    )
    parser.add_argument(
        "--runs", type=int, default=5, help="counted runs of each pair (median is shown)"
    )
    parser.add_argument(
        "--crash-runs",
        type=int,
        default=100,
        help="counted runs of the race, bare and under gdbext run each",
    )
    parser.add_argument(
        "--objects",
        type=int,
        default=Sizes.large,
        help="of the large heap (default: 10^7, a core of 1.4 GB)",
    )
    parser.add_argument(
        "--only", choices=SECTIONS, action="append", help="this section alone; may be repeated"
    )
    parser.add_argument(
        "--core", choices=CORES, action="append", help="of the section triage this core alone"
    )
    arguments = parser.parse_args()
    Sizes.large = arguments.objects
    for name in set(CORES) - set(arguments.core or CORES):
        del CORES[name]
    with tempfile.TemporaryDirectory(prefix="gdbext-bench-") as name:
        for section in arguments.only or SECTIONS:
            folder = Path(name, section)
            folder.mkdir()
            runs = arguments.crash_runs if section == "crash-rate" else arguments.runs
            SECTIONS[section](folder, runs)
            shutil.rmtree(folder)  # its cores are large
    return 0


if __name__ == "__main__":
    sys.exit(main())
