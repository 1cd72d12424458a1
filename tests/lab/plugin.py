"""pytest's part of the lab: the fixture ``lab`` gives cores that all workers of the session share."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.session import Lab

ROOT = pytest.StashKey[Path]()


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
