"""Fixtures that every test may ask for."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

pytest_plugins = ["lab.plugin"]
UNIT = Path(__file__).parent / "unit"

# Where the run was started in the background of a shell or by nohup, these are ignored, and every
# program that a test interrupts or ends with them would inherit that and go on.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts processes on a busy machine is tried once more; the summary names it.  A unit
    test that fails has found something.
    """
    for item in items:
        if UNIT not in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))
            # A pipe that is closed late belongs to another test as a rule.
            item.add_marker(
                pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning")
            )
