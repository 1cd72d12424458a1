"""The deterministic corpus: what gdbext must say of each crash, on each build that dies of it, in
each debugger.
"""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gdbext.reports.json_report import schema
from hosts.run import Case, run_over_cores, value_of
from lab import Lab, NoCrash, builds, corpus, end, hang, triage_json
from lab.judge import alarms, comparable, judge, no_errors

JUDGED = ("gdb", "drgn")
"""LLDB's reports are equal to gdb's, which is a test of its own."""
# A crash's tests run in one worker, which asks each debugger once; LLDB is one for a whole build.
CRASHES = [
    pytest.param(script, build, id=f"{name}-{build}", marks=pytest.mark.xdist_group(build))
    for name, script in corpus().items()
    if not script.is_race and not script.is_healthy
    for build in script.builds
]
HEALTHY = [
    pytest.param(script, build, id=f"{name}-{build}")
    for name, script in corpus().items()
    if script.is_healthy
    for build in script.builds
]


@functools.cache
def report_on(core: Path, debugger: str) -> dict[str, Any]:
    """One triage of a core serves all tests of it."""
    return validated(triage_json(core, debugger))


@functools.cache
def lldb_reports(lab: Lab, build: str) -> dict[Path, dict[str, Any]]:
    """What one LLDB says of all cores of a build, each opened after the other: what starts it for a
    core is the business of other tests.
    """
    names = [script.name for script, of, *_ in (each.values for each in CRASHES) if of == build]
    runs = []
    for name in names:
        with contextlib.suppress(NoCrash):
            runs.append(lab.crash(build, name))
    cases = [Case(run.executable, run.core, [str(run.core)]) for run in runs]
    answers = run_over_cores("lldb", "hosts.reports:report", cases)
    return {run.core: answer for run, answer in zip(runs, answers)}


def validated(report: dict[str, Any]) -> dict[str, Any]:
    jsonschema.validate(report, schema())
    return report


@pytest.mark.parametrize("debugger", JUDGED)
@pytest.mark.parametrize(("script", "build"), CRASHES)
def test_crash(lab: Lab, script: Any, build: str, debugger: str) -> None:
    run = lab.crash(build, script.name)
    report = report_on(run.core, debugger)
    wrong = [str(check) for check in judge(script, build, run, report) if not check.right]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("script", "build"), CRASHES)
def test_debuggers_agree(lab: Lab, script: Any, build: str) -> None:
    """The reports are equal but for the ``tool`` part; native frames are compared by their
    functions' names.
    """
    run = lab.crash(build, script.name)
    gdb = comparable(report_on(run.core, "gdb"))
    for debugger in JUDGED[1:]:
        assert comparable(report_on(run.core, debugger)) == gdb
    assert comparable(validated(value_of(lldb_reports(lab, build)[run.core]))) == gdb


@pytest.mark.parametrize("debugger", JUDGED)
@pytest.mark.parametrize(("script", "build"), HEALTHY)
def test_healthy(script: Any, build: str, debugger: str, tmp_path: Path) -> None:
    with hang(builds.python(build), script.path, folder=tmp_path) as process:
        core = end(process, tmp_path)
    report = validated(triage_json(core, debugger))
    assert not alarms(report)
    assert report["findings"][0]["rule"] == "FT000"
    assert no_errors(report).right, report["errors"]
