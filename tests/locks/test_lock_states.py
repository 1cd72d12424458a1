"""Lock states with known truth, in real cores of release and debug builds, seen through each
debugger.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from hosts.run import run_in_debugger
from lab import builds
from lab.crash import CrashRun, crash
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


def ask(run: CrashRun, host: str) -> Told:
    """What gdbext says of the locks in a core."""
    objects = {name: int(address, 16) for name, address in run.truth["objects"].items()}
    answers = run_in_debugger(
        host, "locks.answers:answers", objects, executable=run.executable, core=run.core
    )
    return Told(answers, run.truth)


@pytest.fixture(scope="module", params=BUILDS)
def build(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=STATES.values(), ids=list(STATES))
def state(request: pytest.FixtureRequest) -> Script:
    found = request.param
    assert isinstance(found, Script)
    return found


@pytest.fixture(scope="module")
def run(build: str, state: Script, tmp_path_factory: pytest.TempPathFactory) -> CrashRun:
    folder = tmp_path_factory.mktemp(f"{state.name}-{build}")
    return crash(
        builds.python(build),
        state.path,
        folder=folder,
        timeout=30,
        env=state.expect.get("env"),
    )


@pytest.mark.parametrize("host", DEBUGGERS)
def test_a_lock_state_is_told_right(run: CrashRun, state: Script, host: str) -> None:
    expect, told = state.expect, ask(run, host)
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
