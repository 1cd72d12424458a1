"""Do two debuggers say the same of a crash?  (``scripts/compare_debuggers``)

Each core of the corpus is triaged with both, and what a person acts on is compared: the findings'
rules and confidences, what they are about, the race, the known issues, the signature.  Frames and
their variables are not; ``test_debuggers.py`` compares those, on a few cores.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import interpreters
from lab.compare import HERE, triaged
from lab.crash import NoCrash
from lab.script import Script, corpus
from lab.session import Lab

BUILDS = ("release", "debug", "static-stripped")
DEBUGGERS = ("drgn", "gdb")
PARTS = ("report", "rule", "subject", "race", "issues", "signature")
DIED, AGREE = "died", "agree"


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """What two debuggers' reports on one core say of one part of it."""

    part: str
    said: tuple[object, object]

    def __str__(self) -> str:
        return f"{self.part}: {self.said[0]}  |  {self.said[1]}"


def verdict(report: Mapping[str, Any]) -> dict[str, object]:
    """What a report says of each of ``PARTS``.

    >>> verdict({"no report": "exit status 3"})["report"]
    'exit status 3'
    """
    findings, race = report.get("findings", ()), report.get("race")
    return {
        "report": report.get("no report") or [each["section"] for each in report["errors"]],
        "rule": [(each["rule"], each["confidence"]) for each in findings],
        "subject": [(_place(each["subject"]), _place(each["container"])) for each in findings],
        "race": race and (race["confidence"], _place(race["object"]), _users(race)),
        "issues": [(each["id"], each["match"]) for each in report.get("known_issues", ())],
        "signature": (report.get("signature") or {}).get("id"),
    }


def _place(thing: Mapping[str, Any] | None) -> object:
    return thing and tuple(
        thing.get(field) for field in ("address", "type", "expected_type", "liveness", "index")
    )


def _users(race: Mapping[str, Any]) -> list[object]:
    fields = ("lwp", "operation", "file", "line", "suspect_line", "changes")
    return [tuple(thread[field] for field in fields) for thread in race["threads"]]


def disagreements(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Disagreement]:
    """Where two reports on one core do not say the same."""
    said = verdict(one), verdict(other)
    for part in PARTS:
        if said[0][part] != said[1][part]:
            yield Disagreement(part=part, said=(said[0][part], said[1][part]))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A script on a build."""

    script: Script
    build: str

    def __str__(self) -> str:
        return f"{self.script.name} {self.build}"


def cases(names: Sequence[str], builds: Sequence[str]) -> list[Case]:
    """The scripts that die on each of the builds; all for no names."""
    scripts = corpus()
    chosen = [scripts[name] for name in names or scripts]
    return [
        Case(script=script, build=build)
        for build in builds
        for script in chosen
        if not script.is_healthy and script.dies_on(build)
    ]


def compare(
    case: Case, lab: Lab, debuggers: Sequence[str], is_kept: bool
) -> tuple[Case, list[Disagreement] | None]:
    """Where two debuggers disagree on one crash; None where the script did not die."""
    try:
        core = lab.crash_of(case.script, case.build).core
    except NoCrash:
        return case, None
    one, other = (triaged(HERE, core, debugger) for debugger in debuggers)
    if not is_kept:
        lab.forget(case.build, case.script.name)
    return case, list(disagreements(one, other))


def table(counts: Mapping[str, Counter[str]]) -> str:
    """A row a build: cores, how many had equal verdicts, and how many differed in which part."""
    columns = ("cores", "equal", *PARTS)
    lines = [" | ".join(("build".ljust(22), *columns))]
    for build, counted in counts.items():
        cells = (counted[DIED], counted[AGREE], *(counted[part] for part in PARTS))
        lines.append(
            " | ".join((build.ljust(22), *(f"{n:>{len(c)}}" for c, n in zip(columns, cells))))
        )
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="scripts/compare_debuggers",
        description="Triage the same cores with two debuggers, and print where their verdicts "
        "differ: rules, subjects, races, known issues, signatures.",
    )
    made.add_argument("scripts", nargs="*", metavar="SCRIPT", help="scripts of tests/corpus; all")
    made.add_argument(
        "--build",
        action="append",
        choices=interpreters.ALL,
        help=f"one build or shape; {', '.join(BUILDS)} by default",
    )
    made.add_argument(
        "--debugger", action="append", help=f"two of them; {' and '.join(DEBUGGERS)} by default"
    )
    made.add_argument("--jobs", type=int, default=2, metavar="N", help="cores at a time (2)")
    made.add_argument("--cores", type=Path, metavar="FOLDER", help="keep the cores there")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where no verdict differs, else 1."""
    made = parser()
    given = made.parse_args(arguments)
    debuggers = given.debugger or DEBUGGERS
    if len(debuggers) != 2:
        made.error("two debuggers are compared")
    counts: dict[str, Counter[str]] = {}
    with contextlib.ExitStack() as stack:
        lab = Lab(given.cores) if given.cores else stack.enter_context(Lab.temporary())
        pool = stack.enter_context(ThreadPoolExecutor(given.jobs))
        chosen = cases(given.scripts, given.build or BUILDS)
        results = pool.map(
            lambda case: compare(case, lab, debuggers, given.cores is not None), chosen
        )
        for position, (case, found) in enumerate(results, 1):
            counted = counts.setdefault(case.build, Counter())
            if found is not None:
                counted.update([DIED, *({each.part for each in found} or {AGREE})])
            for each in found or ():
                print(f"  {case}: {each}", flush=True)
            if sys.stderr.isatty() or position % 20 == 0:
                print(f"{position}/{len(chosen)} {case}", file=sys.stderr, flush=True)
    print(f"{debuggers[0]} | {debuggers[1]}\n{table(counts)}")
    return 1 if any(counted[DIED] != counted[AGREE] for counted in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
