"""Does the same crash say the same on every shape of build?  (``scripts/accuracy --shapes``)

A few deaths that are the same on every shape: the founding crashes, a race, a deadlock.  What a
shape does not let gdbext know may make a word weaker; it may never make it wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import interpreters
from lab.crash import CrashRun, NoCrash
from lab.judge import Check, judge, judge_race
from lab.script import Script, corpus
from lab.session import Lab
from lab.triage import TriageFailed, triage_json

SHAPES = ("release-unfixed", *interpreters.SHAPES)
"""The plain build first: what the others are compared with."""
FOUNDING = (
    "list_union_freed",
    "list_union_reused",
    "classmethod_init",
    "classmethod_init_reused",
    "namespace_union",
)
RACE = "race_instance_dict"
DEADLOCK = Path(__file__).parent.parent / "locks" / "states" / "lock_cycle.py"
CRASHES = (*FOUNDING, RACE, DEADLOCK.stem)
# What the headline is about: none of it may be otherwise.
HEADLINE = frozenset({"rule", "subject", "container address", "index", "signal"})
NOT_KNOWN = "None"


class Verdict(Enum):
    """What was said of a crash, against what is true of it."""

    RIGHT = "✓"
    WEAKER = "weaker"
    WRONG = "✗"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was said of one crash on one shape; ``wrong`` and ``missing`` are for people."""

    shape: str
    crash: str
    report: dict[str, Any] | None
    wrong: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        if self.wrong or self.report is None:
            return Verdict.WRONG
        return Verdict.WEAKER if self.missing else Verdict.RIGHT

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Rule and confidence; subject; race; issue."""
        if self.report is None:
            return "-", "-", "-", "-"
        findings, race = self.report["findings"], self.report["race"]
        first = findings[0] if findings else {}
        subject, container = first.get("subject") or {}, first.get("container")
        what = subject.get("expected_type") or subject.get("type") or "-"
        place = f" of {container['type']}[{container['index']}]" if container else ""
        issues = self.report["known_issues"]
        return (
            f"{first['rule']} {first['confidence']}" if first else "-",
            f"{what}{place}",
            _race_words(race) if race else "-",
            f"{issues[0]['id']} {issues[0]['match']}" if issues else "-",
        )


def answer(lab: Lab, shape: str, crash: str, debugger: str = "gdb") -> Answer:
    """Let the crash happen on that shape, and judge what is said of it."""
    script = Script(DEADLOCK) if crash == DEADLOCK.stem else corpus()[crash]
    try:
        run = lab.crash_of(script, shape)
        report = triage_json(run.core, debugger)
    except (NoCrash, TriageFailed) as error:
        return Answer(shape=shape, crash=crash, report=None, wrong=(str(error)[-400:],))
    if crash == DEADLOCK.stem:
        checks = list(_deadlock(script, run, report))
    elif script.is_race:
        checks = list(_race(script, shape, run, report))
    else:
        checks = judge(script, shape, run, report)
    off = [check for check in checks if not check.right]
    wrong = [
        str(check)
        for check in off
        if (check.what in HEADLINE and check.found != NOT_KNOWN) or _is_overstated(check)
    ]
    missing = [str(check) for check in off if str(check) not in wrong]
    return Answer(
        shape=shape, crash=crash, report=report, wrong=tuple(wrong), missing=tuple(missing)
    )


def _is_overstated(check: Check) -> bool:
    """Whether something else was said than is true, not only less of it."""
    if check.what == "known issue":
        return not (check.found == "none" or "(possible)" in check.found)
    if check.what == "confidence":
        return check.found == "proven"
    if check.what == "sections that failed":
        return True
    return check.what in ("expected_type", "type", "container") and check.found != "none"


def _race(script: Script, shape: str, run: CrashRun, report: dict[str, Any]) -> Iterator[Check]:
    score = judge_race(script, shape, run, report)
    said = "none" if report["race"] is None else score.found
    truth = f"a race on {script.expect['object_type']}"
    right = score.object_first
    yield Check("rule" if score.wrong_proven or said != "none" else "race", truth, said, right)
    yield Check("known issue", str(script.expect["known"]), score.found, score.known_first)


def _deadlock(script: Script, run: CrashRun, report: dict[str, Any]) -> Iterator[Check]:
    (rule, confidence), *_ = script.expect["problems"]
    first: dict[str, Any] = next(iter(report["findings"]), {})
    yield Check("rule", rule, str(first.get("rule")), first.get("rule") == rule)
    said = str(first.get("confidence"))
    yield Check("confidence", confidence, said, said == confidence)
    lwps = {run.truth["threads"][name] for name in script.expect["cycles"][0]}
    yield Check("subject", str(lwps), str(first.get("threads")), lwps <= set(first["threads"]))


def _race_words(race: dict[str, Any]) -> str:
    threads = " and ".join(
        f"{thread['operation']}:{thread.get('suspect_line') or thread.get('line')}"
        for thread in race["threads"][:2]
    )
    return f"{race['object']['type']} {threads}"


def compare(
    lab: Lab,
    debuggers: Sequence[str] = ("gdb",),
    shapes: Sequence[str] = SHAPES,
    crashes: Sequence[str] = CRASHES,
) -> bool:
    """Print the table; true when nothing wrong was said."""
    rows = [("shape", "crash", "rule", "subject", "race", "issue", "")]
    widths = (20, 24, 16, 46, 46, 20, 0)
    answers = []
    scripts = corpus()

    def line(cells: Sequence[str]) -> None:
        print(" ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths)).rstrip())

    line(rows[0])
    for debugger in debuggers:
        for shape in shapes:
            for crash in crashes:
                if crash in scripts and not scripts[crash].dies_on(shape):
                    continue
                said = answer(lab, shape, crash, debugger)
                answers.append(said)
                line((shape, crash, *said.cells, said.verdict.value))
                for text in (*said.wrong, *said.missing):
                    print(f"    {text}")
    counts = {v: sum(said.verdict is v for said in answers) for v in Verdict}
    print(
        f"\n{len(answers)} crashes: {counts[Verdict.RIGHT]} as on the plain build, "
        f"{counts[Verdict.WEAKER]} weaker, {counts[Verdict.WRONG]} wrong"
    )
    return not counts[Verdict.WRONG]
