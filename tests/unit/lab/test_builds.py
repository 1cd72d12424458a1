"""An interpreter of the user's takes the place of every build of the lab's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab import Lab, NoCrash, builds, session
from lab.crash import Lives
from lab.script import CORPUS, Script

MINE = builds.Given(name="3.15.0", python=Path("/opt/python"), is_debug=False, about="CPython")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> builds.Given:
    monkeypatch.setattr(builds, "_given", [MINE])
    return MINE


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often each script may be tried; none of them dies."""
    attempts: list[int] = []

    def crash(*_: Any, **how: Any) -> None:
        attempts.append(how["attempts"])
        raise NoCrash("exit status 0")

    monkeypatch.setattr(session, "crash", crash)
    return attempts


@pytest.mark.parametrize("build", ["release", "debug-unfixed", "stripped", "3.15.0"])
def test_no_other_interpreter_runs_behind_the_users_back(given: builds.Given, build: str) -> None:
    assert builds.python(build) == given.python


def test_it_stands_for_the_builds_that_it_is_like(given: builds.Given) -> None:
    assert builds.chosen(("debug", "release-unfixed")) == (given.name,)
    assert builds.chosen(("debug",)) == ()


@pytest.mark.parametrize(("name", "attempts"), [("os_abort", 3), ("race_heapq", 1)])
def test_a_script_of_the_corpus_lives_where_it_is_mended(
    given: builds.Given, tried: list[int], tmp_path: Path, name: str, attempts: int
) -> None:
    lab = Lab(tmp_path)
    for _ in range(2):
        with pytest.raises(Lives):
            lab.crash(given.name, name)
    assert tried == [attempts]


@pytest.mark.parametrize(
    ("said", "lives"),
    [
        ("exit status 1: …\nRuntimeError: deque mutated during iteration", True),
        ("exit status 1: …\nModuleNotFoundError: No module named '_json'", False),
        ("exit status 1: …\nNameError: name 'fill' is not defined", False),
    ],
)
def test_what_could_not_run_does_not_live(
    given: builds.Given,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    lives: bool,
) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise NoCrash(said)

    monkeypatch.setattr(session, "crash", crash)
    with pytest.raises(NoCrash) as refused:
        Lab(tmp_path).crash(given.name, "os_abort")
    assert isinstance(refused.value, Lives) is lives


@pytest.mark.usefixtures("given", "tried")
def test_what_dies_in_any_case_must_die(tmp_path: Path) -> None:
    script = tmp_path / "state.py"
    script.write_text("EXPECT = {}\n")
    with pytest.raises(NoCrash) as refused:
        Lab(tmp_path / "lab").crash_of(Script(script), MINE.name)
    assert not isinstance(refused.value, Lives)


@pytest.mark.usefixtures("tried")
def test_on_the_labs_own_builds_everything_must_die(tmp_path: Path) -> None:
    with pytest.raises(NoCrash) as refused:
        Lab(tmp_path / "lab").crash_of(Script(CORPUS / "os_abort.py"), "release")
    assert not isinstance(refused.value, Lives)
