"""What is counted as the crashed thread left out of a race."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.crash import CrashRun
from lab.judge import judge_race
from lab.script import Script

SOURCE = """\
EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "object_type": "list",
    "known": None,
}
shared.append(1)  # op: append
shared.clear()  # op: clear
other()
"""
APPEND, CLEAR, OTHER = 7, 8, 9


@pytest.mark.parametrize(
    ("line", "named", "left_out"),
    [
        (APPEND, (1, 2), False),
        (APPEND, (2, 3), True),
        (OTHER, (2, 3), False),
        (APPEND, None, False),
    ],
)
def test_the_crashed_thread_is_left_out(
    line: int, named: tuple[int, int] | None, left_out: bool, tmp_path: Path
) -> None:
    path = tmp_path / "race_list.py"
    path.write_text(SOURCE)
    script = Script(path)
    report = _report(str(path), line, named)
    run = CrashRun(
        core=tmp_path / "core",
        signal="SIGSEGV",
        stderr="",
        executable=tmp_path / "python",
        script=path,
        truth={"object": "0x10"},
        seconds=0.0,
    )
    assert judge_race(script, "release", run, report).left_out is left_out


def _report(file: str, line: int, named: tuple[int, int] | None) -> dict[str, Any]:
    """Thread 1 has crashed at that line; those named are said to race."""
    threads = [
        {
            "lwp": lwp,
            "crashed": lwp == 1,
            "python": [
                {"file": "/lib/threading.py", "line": 3},
                {"file": file, "line": line if lwp == 1 else CLEAR},
                {"file": file, "line": CLEAR},
            ],
        }
        for lwp in (1, 2, 3)
    ]
    race = named and {
        "object": {"address": "0x10", "type": "list"},
        "confidence": "likely",
        "threads": [
            {"lwp": lwp, "operation": "clear", "file": file, "line": CLEAR} for lwp in named
        ],
    }
    return {
        "threads": threads,
        "race": race,
        "suspects": [],
        "known_issues": [],
        "errors": [],
        "signature": None,
    }
