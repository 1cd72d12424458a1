"""The measurements behind ``scripts/bench``: each is a ratio of two things timed in turn, in this
run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
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

GDBEXT_RUN = [str(BIN / "gdbext"), "run", "--"]

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


def timed(command: list[str], environment: dict[str, str] | None = None) -> float:
    """Wall seconds of one run of a command, its output thrown away."""
    started = time.perf_counter()
    subprocess.run(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    return time.perf_counter() - started


def ratio(first: list[str], second: list[str], runs: int) -> tuple[float, float, float]:
    """(median of first's time over second's, pair by pair; both medians in seconds)."""
    timed(first), timed(second)
    pairs = [(timed(first), timed(second)) for _ in range(runs)]
    return (
        statistics.median(a / b for a, b in pairs),
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
    )


def row(what: str, value: str, wanted: str, holds: bool) -> None:
    print(f"{what:<72} {value:>22}   wanted {wanted:<10} {'✓' if holds else '✗'}", flush=True)


def bench_triage(folder: Path, runs: int) -> None:
    script = ROOT / "tests" / "corpus" / "list_union_freed.py"
    run = crash(interpreters.executable("release-unfixed"), script, folder=folder / "founding")
    backtrace = [*GDB, "-ex", "bt", str(run.executable), str(run.core)]
    triage = [str(BIN / "gdbext"), "triage", str(run.core), "--debugger", "gdb"]
    quotient, ours, theirs = ratio(triage, backtrace, runs)
    row(
        f"gdbext triage ({ours:.2f} s) / gdb -batch -ex bt ({theirs:.2f} s)",
        f"{quotient:.2f} x",
        "<= 1.5 x",
        quotient <= 1.5,
    )


def list_core(folder: Path, count: int) -> tuple[CrashRun, str]:
    script = folder / f"list_{count}.py"
    script.write_text(LIST_SCRIPT)
    run = crash(
        interpreters.executable("release"),
        script,
        folder=folder / str(count),
        arguments=(str(count),),
    )
    found = re.search(r"LIST (0x[0-9a-f]+)", run.stderr)
    assert found, run.stderr
    return run, found[1]


def inside(run: CrashRun, address: str) -> dict[str, float]:
    done = subprocess.run(
        [*GDB, "-ex", f"source {ROOT}/scripts/bench_inside.py", str(run.executable), str(run.core)],
        capture_output=True,
        text=True,
        env={**os.environ, "GDBEXT_ROOT": str(ROOT), "BENCH_LIST": address},
    )
    found = re.search(r"^BENCH (.*)$", done.stdout, re.M)
    assert found, done.stdout + done.stderr
    result: dict[str, float] = json.loads(found[1])
    return result


def bench_list(folder: Path, runs: int) -> None:
    run, address = list_core(folder, 1_000_000)
    results = [inside(run, address) for _ in range(runs)]
    rate = statistics.median(r["items"] / r["judging"] for r in results)
    factor = statistics.median(r["reading_each"] * r["items"] / r["judging"] for r in results)
    row(
        "judging every item of a list of 1,000,000, items a second",
        f"{rate:,.0f}",
        ">= 1,000,000",
        rate >= 1_000_000,
    )
    row(
        "the same, against a loop over gdb.Value that reads each ob_type",
        f"{factor:.1f} x faster",
        ">= 6 x",
        factor >= 6,
    )


def bench_growth(folder: Path, runs: int) -> None:
    small, large = (list_core(folder, count) for count in (200_000, 2_000_000))
    few = [inside(*small) for _ in range(runs)]
    many = [inside(*large) for _ in range(runs)]
    growth = statistics.median(b["judging"] / a["judging"] for a, b in zip(few, many))
    memory = statistics.median(b["peak_kib"] for b in many) / statistics.median(
        a["peak_kib"] for a in few
    )
    row("judging, heap and list 10 x as large: time", f"{growth:.1f} x", "<= 11 x", growth <= 11)
    row("the same: peak memory of the debugger", f"{memory:.1f} x", "", True)
    commands = [
        [str(BIN / "gdbext"), "triage", str(run.core), "--debugger", "gdb"]
        for run, _ in (large, small)
    ]
    quotient, ours, theirs = ratio(commands[0], commands[1], runs)
    row(
        f"gdbext triage, heap 10 x as large ({ours:.2f} s / {theirs:.2f} s)",
        f"{quotient:.2f} x",
        "<= 11 x",
        quotient <= 11,
    )


def no_core() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def dies(wrapper: list[str], command: list[str], folder: Path, seconds: float) -> float | None:
    """Seconds until the command died of a fault or an abort; None if it lived to its time."""
    started = time.perf_counter()
    # timeout dies of the signal that its child died of; gdbext turns that into a status.
    words = [*wrapper, "timeout", "-s", "KILL", f"{seconds:.3f}", *command]
    quiet = {
        **os.environ,
        "GDBEXT_GDB": "/bin/false",
    }  # that it dies is counted; why need not be found out
    done = subprocess.run(
        words,
        cwd=folder,
        env=quiet,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=no_core,
    )
    took = time.perf_counter() - started
    return (
        took
        if abs(done.returncode) % 128 in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)
        else None
    )


def bench_crash_rate(folder: Path, runs: int) -> None:
    """Crashes of a race in a time in which about half of the bare runs die, bare and under ``gdbext
    run`` in turn.
    """
    script = ROOT / "tests" / "corpus" / "race_cell.py"
    command = [str(interpreters.executable("release-unfixed")), str(script)]
    seconds = statistics.median(dies([], command, folder, 20) or 20.0 for _ in range(9))
    # gdbext's own start is not the race's time.
    nothing = [command[0], "-c", "pass"]
    _, with_start, without = ratio([*GDBEXT_RUN, *nothing], nothing, 9)
    start = max(with_start - without, 0.0)
    bare = traced = 0
    for _ in range(runs):
        bare += dies([], command, folder, seconds) is not None
        traced += dies(GDBEXT_RUN, command, folder, seconds + start) is not None
    quotient = traced / bare if bare else 0.0
    what = (
        f"a race's crashes in {seconds:.2f} s, gdbext run ({traced}) / bare ({bare}), "
        f"n = {runs} each"
    )
    row(what, f"{quotient:.2f}", ">= 0.8", quotient >= 0.8)


def bench_run_speed(folder: Path, runs: int) -> None:
    script = folder / "busy.py"
    script.write_text(BUSY)
    command = [str(interpreters.executable("release")), str(script)]
    quotient, ours, bare = ratio([*GDBEXT_RUN, *command], command, runs)
    what = f"busy threads under gdbext run ({ours:.2f} s) / bare ({bare:.2f} s), n = {runs}"
    row(what, f"{quotient:.2f} x", "<= 1.1 x", quotient <= 1.1)


SECTIONS = {
    "triage": bench_triage,
    "list": bench_list,
    "growth": lambda folder, runs: bench_growth(folder, max(runs // 2, 1)),
    "run-speed": bench_run_speed,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Measure gdbext against plain gdb and bare runs, in one run."
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
        "--only",
        choices=(*SECTIONS, "crash-rate"),
        action="append",
        help="this section alone; may be repeated",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gdbext-bench-") as name:
        for section in arguments.only or (*SECTIONS, "crash-rate"):
            folder = Path(name, section)
            folder.mkdir()
            if section == "crash-rate":
                bench_crash_rate(folder, arguments.crash_runs)
            else:
                SECTIONS[section](folder, arguments.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
