"""pytest's part of the lab: the fixture ``lab`` gives cores that all workers of the session share;
``--python`` names an interpreter of the user's, which then takes the place of the lab's.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from lab import builds
from lab.crash import Lives
from lab.session import Lab

ROOT = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--python",
        metavar="PATH",
        help=(
            "run that free-threaded interpreter instead of the lab's: for corpus, hosts, locks and "
            "ground truth"
        ),
    )


def pytest_configure(config: pytest.Config) -> None:
    if python := config.getoption("--python"):
        try:
            builds.use(python)
        except builds.NotFreeThreaded as error:
            raise pytest.UsageError(str(error)) from None


def pytest_report_header() -> list[str]:
    own = builds.given()
    return [f"interpreter: {own}"] if own else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Which interpreter all that was said is about: the header is far away, or was not shown."""
    if own := builds.given():
        terminalreporter.section("interpreter")
        terminalreporter.line(f"all of it ran on {own}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    yield from _lives()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    yield from _lives()


def _lives() -> Generator[None]:
    """What the user's interpreter does not die of is reported as skipped."""
    try:
        yield
    except Lives as error:
        pytest.skip(f"lives: {error}")


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One lab per session; with pytest-xdist one for all workers, in the folder above theirs."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base
    return Lab(shared / "lab")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The cores go when the session ends, after its last worker."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is not None and not hasattr(session.config, "workerinput"):
        Lab(factory.getbasetemp() / "lab").close()
