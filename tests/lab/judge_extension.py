"""Compare what a person is told of an extension's crash with what is true of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lab.judge import Check, Report, known, name_of, no_errors, words
from lab.triage import DIAGNOSED, PARTIAL, TriageFailed

ENDINGS = {"json": "json", "text": "txt", "github": "github"}
ENOUGH = ("proven", "likely")


class Expecting(Protocol):
    """A crash that says what is true of it."""

    @property
    def expect(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Told:
    """One triage: the report as JSON, as text for a terminal, and as annotations of a CI job."""

    report: Report
    text: str
    annotations: str

    @property
    def headline(self) -> str:
        """The first finding's title."""
        return str(self.report["findings"][0]["title"]) if self.report["findings"] else ""


def triage(core: Path, folder: Path, debugger: str = "gdb", timeout: float = 280.0) -> Told:
    """What is told of a core.  ``folder`` is where the reports go.  Raises TriageFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"report.{ending}" for name, ending in ENDINGS.items()}
    outputs = [word for name, path in paths.items() for word in ("--format", name, "-o", str(path))]
    command = [sys.executable, "-m", "gdbext", "triage", str(core), "--debugger", debugger]
    done = subprocess.run([*command, *outputs], capture_output=True, text=True, timeout=timeout)
    if done.returncode not in (DIAGNOSED, PARTIAL):
        raise TriageFailed(f"{core}: exit status {done.returncode}: {done.stderr[-800:]}")
    return Told(
        json.loads(paths["json"].read_text()),
        " ".join(paths["text"].read_text().split()),
        paths["github"].read_text(),
    )


def judge(crash: Expecting, signal: str, told: Told) -> list[Check]:
    """Everything that is to be said, and not to be said, of the crash
    (``tests/extensions/README.md``).
    """
    return list(_checks(crash.expect, signal, told))


def surprises(crash: Expecting, checks: list[Check]) -> list[str]:
    """What is wrong and not known to be (``fails``), and what is right and was said to fail."""
    fails = crash.expect.get("fails", {})
    wrong = {check.what for check in checks if not check.right}
    new = [str(check) for check in checks if not check.right and check.what not in fails]
    return new + [
        f"{what}: is right now; take it out of `fails`" for what in fails if what not in wrong
    ]


def _checks(expect: dict[str, Any], signal: str, told: Told) -> Iterator[Check]:
    report = told.report
    first = report["findings"][0] if report["findings"] else {}
    subject = first.get("subject") or {}
    yield _any_of("signal", expect.get("signal", "SIGQUIT"), signal)
    if expect.get("rule"):
        yield _any_of("rule", expect["rule"], first.get("rule"))
    if "confidence" in expect:
        yield _any_of("confidence", expect["confidence"], first.get("confidence"))
    if "type" in expect:
        yield _any_of("type", expect["type"], subject.get("type") or subject.get("expected_type"))
    if "threads" in expect:
        names = [name_of(report, lwp) or "" for lwp in first.get("threads", ())]
        missing = [each for each in expect["threads"] if each not in names]
        yield Check("threads", words(expect["threads"]), " ".join(names), not missing)
    if "victim" in expect:
        yield _any_of("victim", expect["victim"], (report["crash"] or {}).get("victim"))
    yield known(expect.get("known"), report)
    if "race" in expect:
        yield _race(expect["race"], report)
    yield _says("headline", expect.get("headline", ()), told.headline)
    yield _says("shows", expect.get("shows", ()), told.text)
    yield _says("advice", expect.get("advice", ()), str(first.get("advice", "")))
    yield _says_not("never", expect.get("never", ()), told.text)
    if "annotation" in expect:
        yield _says("annotation", (f"{expect['annotation']},line=",), told.annotations)
    yield no_errors(report)


def _race(expected: dict[str, Any] | None, report: Report) -> Check:
    """The race in first place; one that is merely ``possible`` does no harm where there is none."""
    race = report["race"]
    if race is None or (expected is None and race["confidence"] not in ENOUGH):
        return Check(
            "race", "none" if expected is None else str(expected), "none", expected is None
        )
    told = [str(thread["operation"]) for thread in race["threads"][:2]]
    found = f"{race['object']['type']} {' and '.join(told)} ({race['confidence']})"
    if expected is None:
        return Check("race", "none", found, False)
    right = race["object"]["type"] == expected["type"] and all(
        any(name in each for name in expected["operations"]) for each in told
    )
    if "confidence" in expected:
        right = right and race["confidence"] == expected["confidence"]
    return Check("race", str(expected), found, right)


def _says(what: str, expected: tuple[str, ...], text: str) -> Check:
    missing = [each for each in expected if each.lower() not in text.lower()]
    return Check(what, words(expected), f"nothing of {', '.join(missing)}", not missing)


def _says_not(what: str, forbidden: tuple[str, ...], text: str) -> Check:
    said = [each for each in forbidden if each.lower() in text.lower()]
    return Check(what, f"nothing of {', '.join(forbidden)}", ", ".join(said), not said)


def _any_of(what: str, expected: Any, found: Any) -> Check:
    allowed = expected if isinstance(expected, tuple) else (expected,)
    return Check(what, words(expected), str(found), found in allowed)
