"""How robust is gdbext?  (scripts/robustness)

Cores of every shape and build at hand are damaged (words, bits and pages of heap, stacks and thread
states; files cut short or overwritten; notes, debug information and build ids that lie) and each is
triaged in each debugger.  Counted are exceptions, hangs (10 s of CPU), output over 1 MB, memory
over 1 GB, debuggers that died, and findings called proven though only unrelated memory was damaged.
Then healthy, busy programs are attached to: each finding is one too many, and they have to live on.

Each result is written down at once; the next run goes on where this one ended, and the table is of
all that were written.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import interpreters
from gdbext import user_cache
from gdbext.backends import registry
from gdbext.engine import launch
from lab import builds
from lab.crash import NoCrash
from lab.hang import NotReady
from lab.script import Script, corpus
from lab.session import Lab
from lab.shapes import DEADLOCK
from robustness import driver, results
from robustness.driver import ATTACH

SHARES = {
    "words": 30,
    "bits": 15,
    "swapped": 10,
    "unrelated": 20,
    "truncated": 4,
    "overwritten": 4,
    "headers": 4,
    "notes": 5,
    "debug information": 4,
    "build id": 3,
    "other program": 1,
}
"""Percent of the mutations that are of each kind."""
CRASHES = (
    "list_union_freed",
    "list_union_reused",
    "classmethod_init",
    "array_setitem_clear",
    "heap_overrun",
    "double_dealloc",
    "union_parameters_raced",
    "ob_type_overwritten",
    "detached_call",
    "stack_overflow",
    "race_instance_dict",
    "healthy_locked_heap",
    "ctypes_null",
)
"""A crash of each kind that rules tell apart; each is made on every build where it happens."""
BATCH = 25
"""Seeds done in one debugger."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """Seeds of one kind, for one core (or healthy program) in one debugger."""

    debugger: str
    build: str
    script: Script
    kind: str
    seeds: range

    @property
    def target(self) -> dict[str, str]:
        """What a result says of it."""
        return {
            "debugger": self.debugger,
            "build": self.build,
            "script": self.script.name,
            "kind": self.kind,
        }


class Record:
    """The results so far: a file with one JSON object a line.

    A seed of a kind is done once in a debugger, on whichever core: a build that comes to hand while
    the rest is done gets its share of the rest.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        if path.exists():
            self.rows = [json.loads(line) for line in path.read_text().splitlines()]
        self._done = {self._key(row) for row in self.rows}

    @staticmethod
    def _key(row: dict[str, Any]) -> tuple[str, str, int]:
        return row["debugger"], row["kind"], row["seed"]

    def left(self, work: Work) -> range:
        """The seeds that are not done: the first of them, up to one that is."""
        start, stop = work.seeds.start, work.seeds.stop
        while start < stop and self._has(work, start):
            start += 1
        return range(start, next((n for n in range(start, stop) if self._has(work, n)), stop))

    def _has(self, work: Work, seed: int) -> bool:
        return (work.debugger, work.kind, seed) in self._done

    def forget_problems(self) -> None:
        """Those results have to be made again."""
        self.rows = [row for row in self.rows if not row["problem"]]
        self._done = {self._key(row) for row in self.rows}
        self.path.write_text("".join(json.dumps(row) + "\n" for row in self.rows))

    def add(self, work: Work, result: results.Result) -> None:
        """Write it down, now."""
        row = {**result.plain(), **work.target}
        self.rows.append(row)
        self._done.add(self._key(row))
        with self.path.open("a") as stream:
            stream.write(json.dumps(row) + "\n")


def crashes() -> list[tuple[str, Script]]:
    """(build, script) for every core that there can be with the interpreters at hand."""
    scripts = [corpus()[name] for name in CRASHES] + [Script(DEADLOCK)]
    own = builds.given()
    at_hand = (
        [own.name]
        if own
        else [n for n in interpreters.ALL if (interpreters.tree(n) / ".complete").exists()]
    )
    return [
        (build, script)
        for script in scripts
        for build in at_hand
        if script.path == DEADLOCK or (script.dies_on(build) and not script.is_healthy)
    ]


def mutations(debuggers: Sequence[str], count: int) -> Iterator[Work]:
    """``count`` for each debugger, spread over kinds and cores.

    A debugger's start is most of the time, so that one damages memory :data:`BATCH` times on one
    core; a damaged file is opened by one of its own.
    """
    cores = crashes()
    for debugger in debuggers:
        turn = 0
        for kind, share in SHARES.items():
            wanted = max(count * share // 100, 1)
            step = BATCH if kind in driver.IN_ONE else 1
            for start in range(0, wanted, step):
                build, script = cores[turn % len(cores)]
                turn += 1
                yield Work(
                    debugger=debugger,
                    build=build,
                    script=script,
                    kind=kind,
                    seeds=range(start, min(start + step, wanted)),
                )


def attaches(debuggers: Sequence[str], count: int) -> Iterator[Work]:
    """``count`` in all, spread over healthy programs, builds and debuggers."""
    programs = [
        (debugger, build, script)
        for script in corpus().values()
        if script.is_healthy
        for build in script.builds
        for debugger in debuggers
        if registry.launcher(debugger).ATTACHES
    ]
    for number, (debugger, build, script) in enumerate(programs):
        first, end = count * number // len(programs), count * (number + 1) // len(programs)
        if first < end:
            yield Work(
                debugger=debugger,
                build=build,
                script=script,
                kind=ATTACH,
                seeds=range(first, end),
            )


def do(work: Work, left: range, lab: Lab) -> Iterator[results.Result]:
    """The results of the seeds that are left."""
    if work.kind == ATTACH:
        python = builds.python(work.build)
        return driver.attached(work.debugger, python, work.script.path, left.start, left.stop)
    run = lab.crash_of(work.script, work.build)
    return driver.damaged(work.debugger, run, work.kind, left.start, left.stop)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """How many of each, and the worst of what is limited."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["debugger"], row["kind"]].append(row)
    titles = ("in", "what", "times", *results.PROBLEMS, "CPU s", "peak MB")
    widths = (5, 18, 6, *(max(len(p), 4) for p in results.PROBLEMS), 6, 8)
    kinds = [*SHARES, ATTACH]
    lines: list[tuple[str, ...]] = [titles]
    for debugger in sorted({row["debugger"] for row in rows}):
        for kind in kinds:
            if of := groups.get((debugger, kind)):
                lines.append(_line(debugger, kind, of))
    lines.append(_line("", "all", rows))
    return "\n".join(
        "  ".join(
            f"{cell:<{width}}" if number < 2 else f"{cell:>{width}}"
            for number, (cell, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in lines
    )


def _line(debugger: str, kind: str, rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    counts = Counter(row["problem"] for row in rows)
    cpu = max((row["seconds"] for row in rows), default=0.0)
    peak = max((row["peak"] for row in rows), default=0)
    return (
        debugger,
        kind,
        str(len(rows)),
        *(str(counts[problem]) for problem in results.PROBLEMS),
        f"{cpu:.1f}" if cpu else "",
        f"{peak / 1e6:.0f}" if peak else "",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """1 when there is a problem among the results."""
    parser = argparse.ArgumentParser(
        prog="scripts/robustness",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--count",
        type=int,
        default=2000,
        metavar="N",
        help="mutations in each debugger (%(default)s)",
    )
    parser.add_argument(
        "--attaches",
        type=int,
        default=300,
        metavar="N",
        help="attaches in all (%(default)s)",
    )
    parser.add_argument(
        "--debugger", choices=launch.NAMES, action="append", help="one debugger; all by default"
    )
    parser.add_argument(
        "--kind", choices=(*SHARES, ATTACH), action="append", help="one kind; all by default"
    )
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="end after so long; the next run goes on"
    )
    parser.add_argument(
        "--python",
        metavar="PATH",
        help="on that free-threaded interpreter of 3.13 or later instead of the lab's builds",
    )
    home = Path(user_cache.folder()) / "robustness"
    parser.add_argument(
        "--record",
        type=Path,
        default=home / "results.jsonl",
        metavar="FILE",
        help="where results are written, beside their cores (%(default)s); another one for "
        "another --python, or to begin anew",
    )
    parser.add_argument(
        "--again", action="store_true", help="first forget the results with a problem"
    )
    parser.add_argument(
        "--table", action="store_true", help="only print the table of what was written"
    )
    given = parser.parse_args(arguments)
    given.record.parent.mkdir(parents=True, exist_ok=True)
    record = Record(given.record)
    if given.again:
        record.forget_problems()
    if given.python:
        try:
            builds.use(given.python)
        except builds.NotFreeThreaded as error:
            parser.error(str(error))
    if not given.table:
        debuggers = given.debugger or launch.NAMES
        works = [
            work
            for work in (*mutations(debuggers, given.count), *attaches(debuggers, given.attaches))
            if given.kind is None or work.kind in given.kind
        ]
        # Mixed, so that a run that is cut short has some of all.
        random.Random(0).shuffle(works)
        ends = time.monotonic() + given.minutes * 60 if given.minutes else float("inf")
        campaign(works, record, Lab(given.record.with_suffix(".cores")), ends)
    print(table(record.rows))
    return int(any(row["problem"] for row in record.rows))


def campaign(works: Sequence[Work], record: Record, lab: Lab, ends: float) -> None:
    """Do what is left until the time is up; say each problem as it comes."""
    left = sum(len(record.left(work)) for work in works)
    print(f"{left} left to do", file=sys.stderr, flush=True)
    for work in works:
        if not (seeds := record.left(work)):
            continue
        if time.monotonic() > ends:
            print("time is up; run it again to go on", file=sys.stderr)
            return
        try:
            for result in do(work, seeds, lab):
                record.add(work, result)
                if result.problem:
                    print(*work.target.values(), result.seed, result.problem, file=sys.stderr)
                    print(result.detail, "", sep="\n", file=sys.stderr, flush=True)
        except (NoCrash, NotReady) as error:
            print(*work.target.values(), f"left out: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
