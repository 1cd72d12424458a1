"""What ``gdbext hunt`` concludes over many deaths of each race, compared with what its script knows
(scripts/accuracy --hunt).
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gdbext.hunt.consensus import conclude
from gdbext.hunt.deaths import Death
from gdbext.hunt.grouping import group
from gdbext.reports.json_report import from_data, render
from gdbext.reports.options import Options
from lab import builds
from lab.crash import environment
from lab.judge import several
from lab.script import Script
from lab.triage import TriageFailed, triage_json

SECONDS = 90.0
"""After these no run is started any more."""
GRACE = 400.0


@dataclass(frozen=True)
class HuntRow:
    """One race on one build."""

    script: Script
    build: str
    deaths: int
    """Of the first group: the consensus."""
    others: int
    object: bool
    lines: bool
    operations: bool
    issue: bool
    found: str

    @property
    def is_right(self) -> bool:
        return self.object and self.lines and self.operations and self.issue


def hunts(
    scripts: Iterable[Script],
    wanted: Callable[[str], bool],
    deaths: int,
    kept: Path | None = None,
) -> list[HuntRow]:
    """Hunt every race on each of its builds until it has died ``deaths`` times.

    In ``kept`` reports and cores stay, a folder a race and build; the deaths of one that an earlier
    hunt left there are concluded over again, by the rules of today.
    """
    rows = []
    print(
        f"\n{'race':<30} {'build':<8} {'deaths':>6} {'others':>6}  object lines ops issue",
        flush=True,
    )
    for script in scripts:
        for build in filter(wanted, script.builds):
            folder = kept / build / script.name if kept else None
            again = _cores(folder) if folder else []
            row = (
                _concluded(script, build, again) if again else _hunt(script, build, deaths, folder)
            )
            rows.append(row)
            marks = "  ".join(
                f"{'✓' if right else '✗':>4}"
                for right in (row.object, row.lines, row.operations, row.issue)
            )
            print(f"{script.name:<30} {build:<8} {row.deaths:>6} {row.others:>6}  {marks}")
            if not row.is_right:
                print(f"    {row.found}")
            sys.stdout.flush()
    return rows


def _cores(folder: Path) -> list[Path]:
    return sorted(folder.glob("run-*/core.*.gz"))


def _concluded(script: Script, build: str, cores: Iterable[Path]) -> HuntRow:
    """What a hunt concludes over cores that are there."""
    deaths = []
    for core in cores:
        with contextlib.suppress(TriageFailed):
            report = from_data(triage_json(core, "auto"))
            deaths.append(Death(report=report, files=(str(core),)))
    groups = group(deaths)
    if not groups:
        return HuntRow(script, build, 0, 0, False, False, False, False, "no report")
    others = len(deaths) - len(groups[0].deaths)
    agreed = conclude(groups[0], (), others)
    return judged(script, build, json.loads(render(agreed, Options())))


def _hunt(script: Script, build: str, deaths: int, kept: Path | None) -> HuntRow:
    with tempfile.TemporaryDirectory(prefix="gdbext-lab-") as folder:
        out = Path(folder) / "hunt.json"
        command = [sys.executable, "-m", "gdbext", "hunt", "--deaths", str(deaths), "--time"]
        command += [f"{SECONDS:g}", "--run-time", str(script.on(build).get("seconds", 30))]
        command += ["--jobs", "1", "-o", str(out)]
        command += ["--on-crash", str(kept), "--keep-core"] if kept else []
        command += ["--", str(builds.python(build))]
        try:
            done = subprocess.run(
                [*command, str(script.path)],
                cwd=folder,
                env=environment(script.on(build).get("env")) | _own_path(),
                capture_output=True,
                text=True,
                timeout=SECONDS + GRACE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return HuntRow(script, build, 0, 0, False, False, False, False, "took too long")
        if not out.exists():
            said = (done.stderr or done.stdout)[-200:].replace("\n", " ")
            return HuntRow(script, build, 0, 0, False, False, False, False, said)
        return judged(script, build, json.loads(out.read_text()))


def _own_path() -> dict[str, str]:
    """So that the tree that these tests are of is what hunts."""
    return {"PYTHONPATH": str(Path(__file__).parents[2])}


def judged(script: Script, build: str, report: dict[str, Any]) -> HuntRow:
    """The consensus: the object, the lines that most deaths name, what is done there, the issue."""
    agreed, expect = report["consensus"], script.on(build)
    types = {kind.rpartition(".")[2] for kind in several(expect["object_type"])}
    lines = agreed["lines"][:2]
    marks = [script.operation_at(str(each["file"]), each["line"] or 0) for each in lines]
    both = len(lines) > 0 and all(marks) and not all(mark and mark.reads for mark in marks)
    named = both and all(mark and mark.says(each["operation"]) for mark, each in zip(marks, lines))
    issues = [issue["id"] for issue in report["known_issues"]]
    certain = [issue for issue in report["known_issues"] if issue["match"] != "possible"]
    allowed = set(several(expect["known"]))
    found = " and ".join(f"{each['operation']}:{each['line']} ({each['deaths']})" for each in lines)
    return HuntRow(
        script,
        build,
        agreed["deaths"],
        agreed["others"],
        # A class that is made at run time has no module in its tp_name.
        (agreed["object_type"] or "").rpartition(".")[2] in types,
        both,
        named,
        bool(allowed & set(issues[:1])) or (None in allowed and not certain),
        f"{agreed['object_type']} {found}; {', '.join(issues[:1]) or 'no issue'}",
    )
