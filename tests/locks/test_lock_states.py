"""Lock states with known truth, in real cores of release and debug builds, seen through each
debugger.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from hosts.run import Case, InsideError, run_over_cores, value_of
from lab import builds
from lab.crash import CrashRun, NoCrash, crash
from lab.script import Script

HERE = Path(__file__).parent
STATES = {path.stem: Script(path) for path in sorted((HERE / "states").glob("[!_]*.py"))}
# The stripped build has neither DWARF nor the parking lot's symbol.
BUILDS = builds.chosen(("release", "debug", "stripped"))
DEBUGGERS = ("gdb", "lldb")


class Told:
    """What gdbext said, with the truth's names in place of numbers."""

    def __init__(self, answers: dict[str, Any], truth: dict[str, Any]) -> None:
        self._answers = answers
        self._threads: dict[int, str] = {lwp: name for name, lwp in truth["threads"].items()}
        self._objects: dict[int, str] = {
            int(address, 16): name for name, address in truth["objects"].items()
        }

    def _name(self, lwp: int | None) -> str | None:
        return None if lwp is None else self._threads.get(lwp, f"unknown LWP {lwp}")

    def _by_thread(self, key: str) -> dict[str | None, Any]:
        return {self._name(int(lwp)): value for lwp, value in self._answers[key].items()}

    @cached_property
    def holds(self) -> dict[str | None, list[str]]:
        return {
            name: sorted(self._objects.get(a, hex(a)) for a in held)
            for name, held in self._by_thread("holds").items()
        }

    @cached_property
    def waits(self) -> dict[str | None, str | None]:
        """The object's name, where the truth has one, else the kind of lock."""
        return {
            name: wait and self._objects.get(wait[1], wait[0])
            for name, wait in self._by_thread("waits").items()
        }

    @cached_property
    def sections(self) -> dict[str | None, list[str]]:
        return self._by_thread("sections")

    @cached_property
    def holders(self) -> dict[str, list[str | None]]:
        return {
            name: [self._name(lwp) for lwp in lwps]
            for name, lwps in self._answers["holders"].items()
        }

    @cached_property
    def waiters(self) -> dict[str, set[str | None]]:
        return {
            name: {self._name(lwp) for lwp in lwps}
            for name, lwps in self._answers["waiters"].items()
        }

    @cached_property
    def blockers(self) -> dict[str | None, list[str | None]]:
        return {
            name: [self._name(lwp) for lwp in lwps]
            for name, lwps in self._by_thread("blockers").items()
        }

    @cached_property
    def cycles(self) -> list[set[str | None]]:
        return [{self._name(lwp) for lwp in cycle} for cycle in self._answers["cycles"]]

    @cached_property
    def problems(self) -> list[tuple[str, str]]:
        return [(rule, confidence) for rule, confidence, _, _ in self._answers["problems"]]

    @cached_property
    def problem_threads(self) -> list[str | None]:
        return (
            [self._name(lwp) for lwp in self._answers["problems"][0][2]]
            if self._answers["problems"]
            else []
        )

    @property
    def hang(self) -> str:
        return str(self._answers["hang"])


class Answers:
    """What is said of all states on one build: each is made once, and one debugger looks at all.

    A test that is tried again gets a process and a debugger of its own.
    """

    def __init__(self, build: str, folder: Path) -> None:
        self._build = build
        self._folder = folder
        self._by_host: dict[str, dict[str, Told | Exception]] = {}

    @cached_property
    def _runs(self) -> dict[str, CrashRun | Exception]:
        # They wait more than they work.
        with ThreadPoolExecutor(2) as pool:
            return dict(zip(STATES, pool.map(self._crash, STATES)))

    def _crash(self, state: str, again: str = "") -> CrashRun | Exception:
        folder = self._folder / f"{state}{again}"
        folder.mkdir()
        script = STATES[state]
        try:
            return crash(
                builds.python(self._build),
                script.path,
                folder=folder,
                timeout=30,
                env=script.expect.get("env"),
            )
        except NoCrash as error:
            return error

    def told(self, state: str, host: str) -> Told:
        """What the debugger says of the state.

        Raises:
            NoCrash
            InsideError
        """
        if host not in self._by_host:
            self._by_host[host] = _told(host, self._runs)
        found = self._by_host[host].pop(state, None)
        if found is None:
            found = _told(host, {state: self._crash(state, f"-{host}")})[state]
        if isinstance(found, Exception):
            raise found
        return found


def _told(host: str, runs: Mapping[str, CrashRun | Exception]) -> dict[str, Told | Exception]:
    """What one debugger says of each of the cores."""
    cores = {name: run for name, run in runs.items() if isinstance(run, CrashRun)}
    objects = {
        name: {what: int(address, 16) for what, address in run.truth["objects"].items()}
        for name, run in cores.items()
    }
    cases = [Case(run.executable, run.core, [objects[name]]) for name, run in cores.items()]
    answers = run_over_cores(host, "locks.answers:answers", cases) if cases else []
    told: dict[str, Told | Exception] = {
        name: error for name, error in runs.items() if isinstance(error, Exception)
    }
    for (name, run), answer in zip(cores.items(), answers):
        try:
            told[name] = Told(value_of(answer), run.truth)
        except InsideError as error:
            told[name] = error
    return told


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(build, marks=pytest.mark.xdist_group(f"locks-{build}")) for build in BUILDS
    ],
)
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return Answers(request.param, tmp_path_factory.mktemp(f"locks-{request.param}"))


@pytest.mark.parametrize("host", DEBUGGERS)
@pytest.mark.parametrize("state", STATES)
def test_a_lock_state_is_told_right(answers: Answers, state: str, host: str) -> None:
    expect, told = STATES[state].expect, answers.told(state, host)
    assert {name: told.holds[name] for name in expect["holds"]} == {
        name: sorted(held) for name, held in expect["holds"].items()
    }
    assert {name: told.waits[name] for name in expect["waits"]} == expect["waits"]
    assert {name: told.holders[name] for name in expect.get("holders", {})} == expect.get(
        "holders", {}
    )
    assert {name: told.sections[name] for name in expect.get("sections", {})} == expect.get(
        "sections", {}
    )
    assert {name: told.blockers[name] for name in expect.get("blockers", {})} == expect.get(
        "blockers", {}
    )
    for name, waiters in told.waiters.items():
        assert waiters == {thread for thread, lock in expect["waits"].items() if lock == name}
    assert told.cycles == [set(cycle) for cycle in expect["cycles"]]
    assert told.problems == expect["problems"]
    assert told.problem_threads == expect.get("problem_threads", told.problem_threads)
    assert told.hang == expect["hang"]
