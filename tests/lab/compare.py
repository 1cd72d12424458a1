"""What did a change do to the reports?  Two checkouts triage the same cores
(scripts/compare_reports).

The verdicts of both must be equal: rules, objects, threads, issues, confidences, signatures, every
address, number and list.  Texts for people may differ as far as ``wording_changes.json`` declares
it: a list of ``{"was": PATTERN, "is": TEMPLATE, "why": TEXT}``, applied in their order to each text
of the old report.  Fields that only the new report has are additions, which the contract allows.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import interpreters
from lab.crash import NoCrash
from lab.script import Script, corpus
from lab.session import Lab

HERE = Path(__file__).resolve().parents[2]
WORDING = Path(__file__).with_name("wording_changes.json")
TEXTS = frozenset(
    "advice claim doing instruction message operand operation reason title value victim_reason"
    " why".split()
)
"""Fields whose strings are for people.  All others must be equal to the letter.

A ``value`` is either a number (``0x…``), which no rewording changes, or a text.
"""
LEFT_OUT = frozenset({"tool"})
MOST_SHOWN = 12
TIMEOUT = 180.0


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One place where two reports differ; ``path`` as in ``findings[0].confidence``."""

    path: str
    was: object
    now: object

    def __str__(self) -> str:
        return f"{self.path}\n      was {_shown(self.was)}\n      now {_shown(self.now)}"


@dataclass(frozen=True, kw_only=True)
class Rewording:
    """A declared change of wording: what matches ``was`` is written as ``now`` today."""

    was: re.Pattern[str]
    now: str

    def apply(self, text: str) -> str:
        return self.was.sub(self.now, text)


def declared(path: Path = WORDING) -> tuple[Rewording, ...]:
    """The rewordings that ``wording_changes.json`` declares."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    return tuple(Rewording(was=re.compile(entry["was"]), now=entry["is"]) for entry in entries)


def differences(
    was: object, now: object, wording: Sequence[Rewording], path: str = "", field: str = ""
) -> Iterator[Difference]:
    """Every place where ``now`` does not say what ``was`` said.

    >>> [str(d.path) for d in differences({"findings": [{"rule": "FT101"}]}, {"findings": []}, ())]
    ['findings']
    >>> list(differences({"a": 1}, {"a": 1, "added": 2}, ()))
    []
    """
    if isinstance(was, dict) and isinstance(now, dict):
        for key, value in was.items():
            below = f"{path}.{key}" if path else key
            if key not in now:
                yield Difference(path=below, was=value, now="(the field is gone)")
            elif path or key not in LEFT_OUT:
                yield from differences(value, now[key], wording, below, key)
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (one, other) in enumerate(zip(was, now)):
            yield from differences(one, other, wording, f"{path}[{number}]", field)
    elif isinstance(was, str) and isinstance(now, str) and field in TEXTS:
        expected = was
        for rewording in wording:
            expected = rewording.apply(expected)
        if expected != now:
            yield Difference(path=path, was=expected, now=now)
    elif was != now:
        yield Difference(path=path, was=was, now=now)


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 600 else f"{text[:600]}… ({len(text)} characters)"


def triaged(checkout: Path, core: Path, debugger: str) -> dict[str, Any]:
    """The report that a checkout's code gives on a core, or in what way it gave none."""
    command = ["triage", str(core), "--debugger", debugger, "--format", "json"]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "GDBEXT_RAISE": ""}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "gdbext", *command],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            cwd=checkout,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return {"no report": f"not finished after {TIMEOUT:g} s"}
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"no report": f"exit status {done.returncode}: {done.stderr[-600:]}"}
    return report


@dataclass(frozen=True, kw_only=True)
class Case:
    """One core, in one debugger."""

    script: Script
    build: str
    number: int
    debugger: str

    def __str__(self) -> str:
        return f"{self.script.name} {self.build} #{self.number} {self.debugger}"


def cases(given: argparse.Namespace) -> list[Case]:
    """Every core that was asked for, in every debugger that was."""
    scripts = corpus()
    chosen = [scripts[name] for name in given.scripts or scripts]
    return [
        Case(script=script, build=build, number=number, debugger=debugger)
        for script in chosen
        if not script.is_healthy
        for build in script.builds
        if not given.build or build in given.build
        for number in range(given.deaths if script.is_race else 1)
        for debugger in given.debugger or ("gdb", "lldb")
    ]


def compare(
    case: Case, lab: Lab, base: Path, wording: Sequence[Rewording]
) -> tuple[Case, list[Difference] | None]:
    """The differences of one core's reports; None where the script did not die."""
    try:
        core = lab.crash(case.build, case.script.name, case.number).core
    except NoCrash:
        return case, None
    kept = core.with_name(f"base-{case.debugger}.json")
    if not kept.exists():
        kept.write_text(json.dumps(triaged(base, core, case.debugger)))
    was = json.loads(kept.read_text())
    now = triaged(HERE, core, case.debugger)
    return case, list(differences(was, now, wording))


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="scripts/compare_reports",
        description="Triage the same cores with another checkout and with this one, and print "
        "every difference between the reports but declared changes of wording.",
    )
    made.add_argument("base", type=Path, help="the other checkout (a git worktree, say)")
    made.add_argument("scripts", nargs="*", metavar="SCRIPT", help="scripts of tests/corpus; all")
    made.add_argument("--deaths", type=int, default=1, metavar="N", help="deaths of each race (1)")
    made.add_argument("--build", action="append", choices=interpreters.VARIANTS)
    made.add_argument("--debugger", action="append", help="one debugger; gdb and lldb by default")
    made.add_argument("--jobs", type=int, default=2, metavar="N", help="cores at a time (2)")
    made.add_argument(
        "--cores",
        type=Path,
        metavar="FOLDER",
        help="keep the cores and the other checkout's reports there, and use what is there",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where no report differs, else 1."""
    given = parser().parse_args(arguments)
    base, wording, chosen = given.base.resolve(), declared(), cases(given)
    counts: Counter[str] = Counter()
    with contextlib.ExitStack() as stack:
        lab = Lab(given.cores) if given.cores else stack.enter_context(Lab.temporary())
        pool = stack.enter_context(ThreadPoolExecutor(given.jobs))
        results = pool.map(lambda case: compare(case, lab, base, wording), chosen)
        for position, (case, found) in enumerate(results, 1):
            if found is None:
                counts["did not die"] += 1
                continue
            counts["different" if found else "equal"] += 1
            for difference in found[:MOST_SHOWN]:
                print(f"  {case}: {difference}", flush=True)
            if len(found) > MOST_SHOWN:
                print(f"  {case}: … and {len(found) - MOST_SHOWN} more", flush=True)
            if sys.stderr.isatty() or position % 20 == 0:
                print(f"{position}/{len(chosen)} {case}", file=sys.stderr, flush=True)
    print(
        f"{counts['equal']} reports equal, {counts['different']} different, "
        f"{counts['did not die']} cores could not be made"
    )
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
