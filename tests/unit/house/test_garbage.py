"""Garbage collection is put off in a process that is somebody else's, and comes back."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gdbext.garbage import RARELY, Rarely

AT_THE_END = """
import atexit, gc
from gdbext import garbage
atexit.register(lambda: print(gc.get_freeze_count() > 0, len(gc.get_objects())))
garbage.not_at_the_end()
"""


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(("usual", "meanwhile"), [(700, RARELY), (0, 0), (2 * RARELY, 2 * RARELY)])
def test_it_is_rarer_but_never_more_frequent(usual: int, meanwhile: int) -> None:
    gc.set_threshold(usual, 11, 12)
    with Rarely():
        assert gc.get_threshold() == (meanwhile, 11, 12)
    assert gc.get_threshold() == (usual, 11, 12)


def test_the_setting_comes_back_after_a_failure() -> None:
    gc.set_threshold(700, 10, 10)
    with pytest.raises(KeyboardInterrupt), Rarely():
        raise KeyboardInterrupt
    assert gc.get_threshold() == (700, 10, 10)


def test_at_the_end_nothing_is_left_to_look_through() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END], capture_output=True, text=True, check=True
    )
    frozen, left = done.stdout.split()
    assert frozen == "True"
    assert int(left) < 100
