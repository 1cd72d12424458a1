"""Compare a report with what its script knows to be true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import builds
from lab.crash import CrashRun
from lab.script import Operation, Script

Report = dict[str, Any]


@dataclass(frozen=True)
class Check:
    """One thing that the report must say, and whether it does."""

    what: str
    expected: str
    found: str
    right: bool

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, found {self.found}"


ASSERTION = re.compile(r"Assertion `(.*)' failed")


def judge(script: Script, build: str, run: CrashRun, report: Report) -> list[Check]:
    """Everything that a report on a deterministic crash must say."""
    expect = script.on(build)
    if builds.given():
        # How the defect kills is known of the lab's builds; elsewhere the process itself says it.
        failed = ASSERTION.search(run.stderr)
        died = {"signal": run.signal, "assertion": failed and failed[1]}
        expect |= {key: value for key, value in died.items() if key in expect}
    return list(_checks(expect, run.truth, report))


def _checks(expect: dict[str, Any], truth: dict[str, Any], report: Report) -> Iterator[Check]:
    crash = report["crash"] or {}
    findings = report["findings"]
    first = findings[0] if findings else {}
    subject, container = first.get("subject") or {}, first.get("container")

    yield _one_of("rule", expect["rule"], first.get("rule"))
    if "also" in expect:
        about = truth.get("also_subject")
        others = [
            f["rule"]
            for f in findings
            if about is None or (f.get("subject") or {}).get("address") == about
        ]
        expected = words(expect["also"]) + (f" about {about}" if about else "")
        yield Check(
            "also", expected, " ".join(others), bool(set(others) & set(several(expect["also"])))
        )
    if "confidence" in expect:
        yield _one_of("confidence", expect["confidence"], first.get("confidence"))
    if "subject" in truth:
        yield _one_of("subject", truth["subject"], subject.get("address"))
    for key in ("expected_type", "type", "liveness"):
        if expect.get(key) is not None:
            yield _one_of(key, expect[key], subject.get(key))
    if "container" in expect:
        yield _one_of("container", expect["container"], container and container["type"])
        if container and "container" in truth:
            yield _one_of(
                "container address",
                (truth["container"], truth.get("dictionary")),
                container["address"],
            )
        if container and (place := truth.get("index", truth.get("key"))) is not None:
            yield Check(
                "index",
                str(place),
                str(container["index"]),
                str(container["index"]).strip("'\"") == str(place),
            )
    names = [name_of(report, lwp) for lwp in first.get("threads", ())]
    yield Check(
        "threads",
        " ".join(expect["threads"]),
        " ".join(map(str, names)),
        set(expect["threads"]) <= set(names),
    )
    yield known(expect["known"], report)
    yield _one_of("signal", expect["signal"], crash.get("signal"))
    for key in ("assertion", "victim"):
        if key in expect:
            yield _one_of(key, expect[key], crash.get(key))
    if "fatal_error" in expect:
        said = crash.get("fatal_error") or ""
        yield Check("fatal error", expect["fatal_error"], said, expect["fatal_error"] in said)
    yield no_errors(report)


def known(expected: str | tuple[str | None, ...] | None, report: Report) -> Check:
    """The CPython issue in first place; where none is expected, one that is only ``possible`` does
    no harm.
    """
    issues = report["known_issues"]
    first = issues[0] if issues else None
    certain = first["id"] if first and first["match"] != "possible" else None
    found = f"{first['id']} ({first['match']})" if first else "none"
    allowed = several(expected)
    return Check(
        "known issue",
        words(expected),
        found,
        certain in allowed or (first is not None and first["id"] in allowed),
    )


def no_errors(report: Report) -> Check:
    said = "; ".join(f"{error['section']}: {error['message']}" for error in report["errors"])
    return Check("sections that failed", "none", said or "none", not report["errors"])


def signature(report: Report) -> str | None:
    """The report's signature: equal for the same defect, different for different ones."""
    return report["signature"] and str(report["signature"]["id"])


def name_of(report: Report, lwp: int) -> str | None:
    """The name of a thread of the report."""
    names: Iterator[str | None] = (t["name"] for t in report["threads"] if t["lwp"] == lwp)
    return next(names, None)


@dataclass(frozen=True)
class RaceScore:
    """How much of one race the report got right."""

    object_first: bool
    object_in_three: bool
    operations: bool
    lines: bool
    known_first: bool
    known_in_three: bool
    wrong_proven: str | None
    """What was said to be proven and is not so."""
    left_out: bool
    """A race was named without the crashed thread, which is at a line that the script marks."""
    unknown: bool
    """Neither a race nor an issue was named."""
    found: str
    """The race and the first issue that were named, for people."""
    signature: str | None


def judge_race(script: Script, build: str, run: CrashRun, report: Report) -> RaceScore:
    """The shared object, both operations, both lines, the issue."""
    expect, truth = script.on(build), run.truth
    culprits = {truth.get("object"), *truth.get("also", ())}
    types = () if "object" in truth else several(expect["object_type"])

    def at_fault(shared: dict[str, Any]) -> bool:
        return shared["address"] in culprits or shared["type"] in types

    race, suspects = (
        report["race"],
        report.get("suspects") or ([report["race"]] if report["race"] else []),
    )
    marked = [_marked(script, thread) for thread in race["threads"][:2]] if race else []
    both = len(marked) == 2 and all(marked) and not all(mark and mark.reads for mark in marked)
    named = both and all(
        mark and mark.says(thread["operation"]) for mark, thread in zip(marked, race["threads"])
    )
    issues = [issue["id"] for issue in report["known_issues"]]
    certain = [issue["id"] for issue in report["known_issues"] if issue["match"] != "possible"]
    allowed = set(several(expect["known"]))
    right = bool(race) and at_fault(race["object"])
    return RaceScore(
        object_first=right,
        object_in_three=any(at_fault(suspect["object"]) for suspect in suspects[:3]),
        operations=right and named,
        lines=right and both,
        known_first=bool(allowed & set(issues[:1])) or (None in allowed and not certain),
        known_in_three=bool(allowed & set(issues[:3])) or (None in allowed and not certain),
        wrong_proven=None
        if right or not race or race["confidence"] != "proven"
        else race["object"]["address"],
        left_out=_leaves_out(script, report),
        unknown=race is None and not issues,
        found=_named(report),
        signature=signature(report),
    )


def _leaves_out(script: Script, report: Report) -> bool:
    crashed = next((thread for thread in report["threads"] if thread["crashed"]), None)
    if report["race"] is None or crashed is None:
        return False
    if crashed["lwp"] in {thread["lwp"] for thread in report["race"]["threads"]}:
        return False
    own = (f for f in crashed["python"] if Path(f["file"] or "").name == script.path.name)
    innermost = next(own, None)
    return bool(innermost and script.operation_at(str(innermost["file"]), innermost["line"] or 0))


def _marked(script: Script, thread: dict[str, Any]) -> Operation | None:
    """The mark of the line that the report names for that thread: the line at fault, else the
    current one.
    """
    line = thread.get("suspect_line") or thread.get("line") or 0
    return script.operation_at(str(thread.get("file", "")), line)


def _named(report: Report) -> str:
    race, issues, failed = report["race"], report["known_issues"], no_errors(report)
    issue = f"{issues[0]['id']} ({issues[0]['match']})" if issues else "no issue"
    return "; ".join(
        [_race_text(race) if race else "no race", issue]
        + ([] if failed.right else [f"failed: {failed.found}"])
    )


def _race_text(race: dict[str, Any]) -> str:
    threads = " and ".join(
        f"{t['operation']}:{t.get('suspect_line') or t.get('line')}" for t in race["threads"][:2]
    )
    return f"{race['object']['type']} {threads} ({race['confidence']})"


def comparable(report: Report) -> Report:
    """What two debuggers' reports on one core must have in common: all but ``tool``; native frames
    by their functions' names.
    """
    found = {key: value for key, value in report.items() if key != "tool"}
    found["threads"] = [
        {**t, "native": [frame["function"] for frame in t["native"]]} for t in report["threads"]
    ]
    return found


def alarms(report: Report, beyond: str | None = "possible") -> list[str]:
    """What a report on a healthy process says beyond ``possible`` (beyond nothing at all with
    None): each is a false alarm.
    """
    said = [
        f"{f['rule']} {f['confidence']}"
        for f in report["findings"]
        if f["rule"] != "FT000" and f["confidence"] != beyond
    ]
    race = report["race"]
    return said + (
        [f"race on {race['object']['type']} {race['confidence']}"]
        if race and race["confidence"] != beyond
        else []
    )


def several(expected: Any) -> tuple[Any, ...]:
    """What a script expects, as a tuple: a tuple means any of these."""
    return expected if isinstance(expected, tuple) else (expected,)


def words(expected: Any) -> str:
    """What is expected, for people; a tuple means any of these."""
    return " or ".join("none" if value is None else str(value) for value in several(expected))


def _one_of(what: str, expected: Any, found: Any) -> Check:
    return Check(
        what, words(expected), "none" if found is None else str(found), found in several(expected)
    )
