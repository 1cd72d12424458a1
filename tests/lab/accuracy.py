"""How right is gdbext?  Runs the corpus, compares each report with the truth, prints it as tables
(scripts/accuracy).
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import interpreters
from lab import builds, issues, packages, shapes
from lab.crash import CrashRun, Lives, NoCrash, copy_sparse
from lab.hang import hang
from lab.heap import HeapRows, measure
from lab.hunts import HuntRow, hunts
from lab.judge import Check, RaceScore, alarms, comparable, judge, judge_race, signature, words
from lab.script import Script, corpus
from lab.session import Lab
from lab.triage import TriageFailed, attach_json, triage_json

RIGHT, WRONG = "✓", "✗"
DEBUGGERS = ("gdb", "lldb")
# What counts as the headline: the rule, and the object that it is about.
HEADLINE = {"rule", "subject", "container address", "index"}


@dataclass(frozen=True)
class Options:
    lab: Lab
    debuggers: tuple[str, ...]
    builds: tuple[str, ...] | None
    runs: int
    stops: int
    keep: Path | None
    reuse: bool

    def wanted(self, build: str) -> bool:
        return self.builds is None or build in self.builds


@dataclass(frozen=True)
class Row:
    """One deterministic crash in one debugger."""

    script: Script
    build: str
    debugger: str
    checks: tuple[Check, ...]
    report: dict[str, Any] | None = None
    problem: str | None = None
    lives: bool = False
    """It did not die on the interpreter that the user gave, which may have the defect fixed."""

    @property
    def wrong(self) -> list[Check]:
        return [check for check in self.checks if not check.right]

    @property
    def headline_right(self) -> bool:
        return self.problem is None and not any(check.what in HEADLINE for check in self.wrong)


def deterministic(options: Options, scripts: Iterable[Script]) -> list[Row]:
    """Every deterministic crash on each of its builds, in each debugger."""
    rows = []
    print(
        f"{'script':<26} {'build':<16} {'in':<5} {'expected':<18} {'found':<44} right", flush=True
    )
    for script in scripts:
        for build in filter(options.wanted, script.builds):
            for debugger in options.debuggers:
                row = _deterministic(options, script, build, debugger)
                rows.append(row)
                mark = "lives" if row.lives else WRONG if row.wrong or row.problem else RIGHT
                print(
                    f"{script.name:<26} {build:<16} {debugger:<5} "
                    f"{words(script.on(build)['rule']):<18} {_found(row):<44} {mark}"
                )
                for line in [str(check) for check in row.wrong] + (
                    [row.problem] if row.problem else []
                ):
                    print(f"    {line}", flush=True)
    return rows


def _deterministic(options: Options, script: Script, build: str, debugger: str) -> Row:
    try:
        run = options.lab.crash(build, script.name)
        report = triage_json(run.core, debugger)
    except Lives:
        return Row(script, build, debugger, (), lives=True)
    except (NoCrash, TriageFailed) as error:
        return Row(script, build, debugger, (), problem=str(error)[-600:])
    row = Row(script, build, debugger, tuple(judge(script, build, run, report)), report)
    if row.wrong:
        _keep(options, run, build, 0)
    return row


def _found(row: Row) -> str:
    if not row.report or not row.report["findings"]:
        return "-"
    first = row.report["findings"][0]
    subject, container = first.get("subject") or {}, first.get("container") or {}
    place = f"{container['type']}[{container['index']}]" if container else ""
    return (
        f"{first['rule']} {first['confidence']} "
        f"{subject.get('expected_type') or subject.get('type') or ''} {place}"
    )[:44]


@dataclass(frozen=True)
class RaceRow:
    """One race script on one build in one debugger."""

    script: Script
    build: str
    debugger: str
    scores: tuple[RaceScore, ...]
    seconds: tuple[float, ...]
    problems: tuple[str, ...]

    def rate(self, what: str) -> tuple[int, int]:
        return sum(bool(getattr(score, what)) for score in self.scores), len(self.scores) + len(
            self.problems
        )


COLUMNS = {
    "object_first": "object",
    "object_in_three": "in 3",
    "operations": "ops",
    "lines": "lines",
    "known_first": "issue",
    "known_in_three": "in 3",
    "wrong_proven": "wrong proven",
    "left_out": "left out",
    "unknown": "unknown",
}


def races(options: Options, scripts: Iterable[Script]) -> list[RaceRow]:
    """Every race, ``options.runs`` times on each of its builds."""
    rows = []
    print(
        f"\n{'race':<26} {'build':<8} {'in':<5} {'died':>7} {'after':>7}  "
        + " ".join(f"{title:>8}" for title in COLUMNS.values()),
        flush=True,
    )
    for script in scripts:
        for build in filter(options.wanted, script.builds):
            for row in _race(options, script, build):
                rows.append(row)
                counts = " ".join(f"{row.rate(what)[0]:>8}" for what in COLUMNS)
                after = sorted(row.seconds)[len(row.seconds) // 2] if row.seconds else 0.0
                died = f"{len(row.seconds)}/{options.runs}"
                print(
                    f"{script.name:<26} {build:<8} {row.debugger:<5} {died:>7} {after:>5.2f} s  "
                    f"{counts}"
                )
                missed = [
                    score.found
                    for score in row.scores
                    if not (score.operations and score.known_first)
                ] + list(row.problems)
                for text in list(dict.fromkeys(missed))[:3]:
                    print(f"    {text}")
                sys.stdout.flush()
    return rows


def _race(options: Options, script: Script, build: str) -> list[RaceRow]:
    scores: dict[str, list[RaceScore]] = {debugger: [] for debugger in options.debuggers}
    problems: dict[str, list[str]] = {debugger: [] for debugger in options.debuggers}
    seconds: list[float] = []
    for number in range(options.runs):
        try:
            run = options.lab.crash(build, script.name, number)
        except NoCrash:
            if builds.given() and not seconds:
                break  # all attempts of the first run: the race is mended there
            continue
        seconds.append(run.seconds)
        for debugger in options.debuggers:
            try:
                score = judge_race(script, build, run, triage_json(run.core, debugger))
            except TriageFailed as error:
                problems[debugger].append(str(error)[-400:])
                _keep(options, run, build, number)
                continue
            scores[debugger].append(score)
            if not score.object_first or score.wrong_proven:
                _keep(options, run, build, number)
        if not options.reuse:
            options.lab.forget(build, script.name, number)
    return [
        RaceRow(
            script,
            build,
            debugger,
            tuple(scores[debugger]),
            tuple(seconds),
            tuple(problems[debugger]),
        )
        for debugger in options.debuggers
    ]


@dataclass(frozen=True)
class HealthRow:
    script: Script
    build: str
    debugger: str
    stops: int
    alarms: tuple[str, ...]


def healthy(options: Options, scripts: Sequence[Script]) -> list[HealthRow]:
    """Healthy programs, attached to at random moments: whatever is found is a false alarm."""
    rows = []
    print(
        f"\n{'healthy program':<26} {'build':<16} {'in':<5} {'stops':>5}  false alarms", flush=True
    )
    for script in scripts:
        for build in filter(options.wanted, script.builds):
            for debugger in options.debuggers:
                said: list[str] = []
                with (
                    tempfile.TemporaryDirectory() as folder,
                    hang(builds.python(build), script.path, folder=Path(folder)) as process,
                ):
                    for _ in range(options.stops):
                        time.sleep(random.uniform(0, 0.3))
                        try:
                            said += alarms(attach_json(process.pid, debugger), beyond=None)
                        except TriageFailed as error:
                            said.append(str(error)[-300:])
                    if process.poll() is not None:
                        said.append(f"the program died of it: {process.returncode}")
                row = HealthRow(script, build, debugger, options.stops, tuple(said))
                rows.append(row)
                print(
                    (
                        f"{script.name:<26} {build:<16} {debugger:<5} {row.stops:>5}  {len(said)} "
                        f"{'; '.join(dict.fromkeys(said))}"
                    ),
                    flush=True,
                )
    return rows


def hunt_totals(rows: Sequence[HuntRow]) -> bool:
    """The consensus of hunts; True when DESIGN section 5 is reached."""
    died = [row for row in rows if row.deaths]
    print(f"\nconsensus of {len(died)} hunts, {len(rows) - len(died)} without a death")
    reached = []
    for what, title, wanted in (
        ("object", "object right", 1.0),
        ("lines", "both lines right", 0.98),
        ("operations", "both operations right", 0.92),
        ("issue", "known issue right in first place", 0.93),
    ):
        right = sum(bool(getattr(row, what)) for row in died)
        reached.append(right >= wanted * len(died))
        share = 100 * right / max(len(died), 1)
        mark = RIGHT if reached[-1] else WRONG
        print(
            f"  {title:<40} {right:>4}/{len(died):<4} {share:6.2f} %   {100 * wanted:g} %   {mark}"
        )
    return all(reached)


def _keep(options: Options, run: CrashRun, build: str, number: int) -> None:
    """Copy the core of a report that was wrong to where a person can look at it."""
    if options.keep:
        folder = options.keep / f"{build}-{run.script.stem}-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        copy_sparse(run.core, folder / "core")
        run.save(folder / "run.json")


def totals(
    rows: Sequence[Row],
    race_rows: Sequence[RaceRow],
    health_rows: Sequence[HealthRow],
    heap: HeapRows,
) -> bool:
    """The rows of DESIGN section 5 that are decided here.  True when all are reached."""
    rows = [row for row in rows if not row.lives]
    print(
        "\n"
        "in all                                                                        reached     "
        "   wanted"
    )
    reached = []

    def line(what: str, right: int, of: int, wanted: float) -> None:
        if of:
            reached.append(right >= wanted * of)
            mark = RIGHT if reached[-1] else WRONG
            print(
                f"  {what:<70} {right:>7}/{of:<7} {100 * right / of:6.2f} %   {100 * wanted:g} %   "
                f"{mark}"
            )

    line(
        "headline rule and subject right, deterministic corpus",
        sum(row.headline_right for row in rows),
        len(rows),
        1.0,
    )
    line(
        "everything expected right, deterministic corpus",
        sum(not row.wrong and not row.problem for row in rows),
        len(rows),
        1.0,
    )
    for what, title, wanted in (
        ("object_first", "culprit object right in first place, races", 0.97),
        ("object_in_three", "culprit object among the first three", 0.97),
        ("lines", "both Python lines right", 0.95),
        ("operations", "both operations right", 0.92),
        ("known_first", "known issue right in first place", 0.93),
        ("known_in_three", "known issue among the first three", 0.93),
    ):
        rates = [row.rate(what) for row in race_rows]
        line(title, sum(right for right, _ in rates), sum(of for _, of in rates), wanted)
    scores = [score for row in race_rows for score in row.scores]
    line(
        "nothing wrong said to be proven, races",
        sum(not score.wrong_proven for score in scores),
        len(scores),
        1.0,
    )
    line(
        "crashed thread named, where it stands at one of the object's lines",
        sum(not score.left_out for score in scores),
        len(scores),
        1.0,
    )
    if scores:
        print(
            f"  {'neither race nor issue named, races':<70} "
            f"{sum(score.unknown for score in scores):>7}/{len(scores)}"
        )
    stops = sum(row.stops for row in health_rows)
    alarmed = sum(len(row.alarms) for row in health_rows)
    line(
        "healthy processes, stopped at a random moment, without any finding",
        stops - alarmed,
        stops,
        1.0,
    )
    for heap_line in heap.lines():
        line(*heap_line)
    _signatures(
        [(row.script.defect, signature(row.report)) for row in rows if row.report]
        + [(row.script.defect, score.signature) for row in race_rows for score in row.scores]
    )
    pairs = _pairs(rows)
    line(
        "gdb's and lldb's reports equal but for the tool",
        sum(_same(*pair) for pair in pairs),
        len(pairs),
        1.0,
    )
    return all(reached)


def _signatures(marked: Sequence[tuple[str, str | None]]) -> None:
    """How the reports' signatures group their defects.

    Purity: the share of reports whose group is mostly of their defect.  Completeness: the share in
    their defect's largest group.
    """
    if not marked:
        return
    counts = Counter(marked)
    purest: dict[str | None, int] = {}
    fullest: dict[str, int] = {}
    for (defect, mark), count in counts.items():
        purest[mark] = max(purest.get(mark, 0), count)
        fullest[defect] = max(fullest.get(defect, 0), count)
    title = f"{len(purest)} signatures of {len(fullest)} defects: purity and completeness"
    purity, completeness = (
        100 * sum(largest.values()) / len(marked) for largest in (purest, fullest)
    )
    print(f"  {title:<70} {purity:5.1f} % {completeness:5.1f} %")


def _pairs(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    by_core: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_core.setdefault((row.script.name, row.build), []).append(row)
    return [(pair[0], pair[1]) for pair in by_core.values() if len(pair) == 2]


def _same(one: Row, other: Row) -> bool:
    return (
        one.report is not None
        and other.report is not None
        and comparable(one.report) == comparable(other.report)
    )


def _packages(parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    """The crashes of public packages; 0 where all that is said of them is true."""
    known = packages.packages()
    if unknown := set(given.scripts) - known.keys():
        parser.error(f"no such script: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = [known[name] for name in given.scripts or known]
    build = own.name if (own := builds.given()) else (given.build or [packages.BUILD])[0]
    with contextlib.nullcontext(Lab(given.cores)) if given.cores else Lab.temporary() as lab:
        rows = packages.measure(lab, chosen, build, 1 if given.quick else given.runs)
    right = [row for row in rows.died if row.is_right]
    print(
        f"\n{len(right)} of {len(rows.died)} deaths right, of {len(rows.packages)} packages; "
        f"{len(rows.rows) - len(rows.died)} did not die"
    )
    return 0 if len(right) == len(rows.died) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/accuracy",
        description="Run the crash corpus and compare each report with the truth.",
    )
    parser.add_argument(
        "scripts",
        nargs="*",
        metavar="SCRIPT",
        help="scripts of tests/corpus (with --packages of tests/packages), by name; all by default",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="each race twice, three stops of each healthy program, gdb only",
    )
    parser.add_argument(
        "--runs", type=int, default=10, metavar="N", help="deaths of each race (10)"
    )
    parser.add_argument(
        "--stops", type=int, default=12, metavar="N", help="stops of each healthy program (12)"
    )
    parser.add_argument(
        "--only", choices=("deterministic", "races", "healthy", "heap"), help="one part"
    )
    parser.add_argument(
        "--hunt",
        type=int,
        metavar="N",
        help="only what `gdbext hunt` concludes over N deaths of each race",
    )
    parser.add_argument(
        "--packages",
        action="store_true",
        help="only crashes in wheels of public packages, which are installed for it",
    )
    parser.add_argument(
        "--issues",
        action="store_true",
        help="only which known issues are said to be likely, and are not, of all in the catalogue",
    )
    parser.add_argument(
        "--debugger", choices=DEBUGGERS, action="append", help="one debugger; both by default"
    )
    parser.add_argument(
        "--build", choices=interpreters.ALL, action="append", help="one build; all by default"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="copy the cores of wrong reports there"
    )
    parser.add_argument(
        "--cores",
        type=Path,
        metavar="FOLDER",
        help="leave all cores there, and use those that are there already",
    )
    parser.add_argument(
        "--python",
        metavar="PATH",
        help="run on that free-threaded interpreter of 3.13 or later instead of the lab's builds",
    )
    parser.add_argument(
        "--shapes",
        action="store_true",
        help="only print what is said of a few crashes, or SCRIPT, on each shape of build",
    )
    given = parser.parse_args(arguments)
    if given.python:
        try:
            own = builds.use(given.python)
        except builds.NotFreeThreaded as error:
            parser.error(str(error))
        print(f"all of it on {own}\n")
    if given.shapes:
        with contextlib.nullcontext(Lab(given.cores)) if given.cores else Lab.temporary() as lab:
            what: dict[str, Any] = {
                "shapes": given.build or shapes.SHAPES,
                "crashes": given.scripts or shapes.CRASHES,
            }
            return 0 if shapes.compare(lab, given.debugger or DEBUGGERS[:1], **what) else 1
    if given.packages:
        return _packages(parser, given)
    scripts = corpus()
    if unknown := set(given.scripts) - scripts.keys():
        parser.error(
            f"no such script: {', '.join(sorted(unknown))}; tests/corpus has {', '.join(scripts)}"
        )
    chosen = [scripts[name] for name in given.scripts or scripts]
    if given.hunt:
        wanted = given.build or ["release"]
        races_only = [script for script in chosen if script.is_race]
        return (
            0 if hunt_totals(hunts(races_only, wanted.__contains__, given.hunt, given.cores)) else 1
        )
    with contextlib.nullcontext(Lab(given.cores)) if given.cores else Lab.temporary() as lab:
        if given.issues:
            return 1 if issues.measure(issues.deaths(lab, chosen)) else 0
        options = Options(
            lab,
            tuple(given.debugger or (DEBUGGERS[:1] if given.quick else DEBUGGERS)),
            tuple(given.build) if given.build else None,
            2 if given.quick else given.runs,
            3 if given.quick else given.stops,
            given.keep,
            reuse=given.cores is not None,
        )
        part = given.only
        rows = (
            deterministic(options, [s for s in chosen if not s.is_race and not s.is_healthy])
            if part in (None, "deterministic")
            else []
        )
        race_rows = (
            races(options, [s for s in chosen if s.is_race]) if part in (None, "races") else []
        )
        health_rows = (
            healthy(options, [s for s in chosen if s.is_healthy])
            if part in (None, "healthy")
            else []
        )
        # The heap's scripts are not of the corpus: who names a script of the corpus does not ask
        # for them.
        whole = part is None and not given.scripts
        heap_rows = (
            measure(options.wanted, options.debuggers) if whole or part == "heap" else HeapRows()
        )
    return 0 if totals(rows, race_rows, health_rows, heap_rows) else 1


if __name__ == "__main__":
    sys.exit(main())
