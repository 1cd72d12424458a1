"""Runs gdbext as a person does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

GDBEXT = [sys.executable, "-m", "gdbext"]
ROOT = Path(__file__).parents[2]


def environment(**extra: str) -> dict[str, str]:
    """This environment, without what CI services set and what changes Pythons."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("PYTHON", "PYTEST_", "GITHUB_", "GDBEXT_GDB", "GDBEXT_LLDB"))
    }
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **extra}


def gdbext(
    *words: object, timeout: float = 180, env: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run ``gdbext words…`` to its end."""
    command = [*GDBEXT, *(str(word) for word in words)]
    options = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, **options}
    if "input" in options:
        del options["stdin"]
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, timeout=timeout, env=env or environment(), **options
    )
    return done


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Look again and again until it is so; never for good."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
