"""What became of one damaged target, and the limits that it is held to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

CPU_SECONDS = 10.0
OUTPUT_BYTES = 1 << 20
PEAK_BYTES = 1 << 30
"""Peak resident memory of the debugger, its own share included."""
WALL_SECONDS = 300.0
"""After so long without an answer the debugger is ended: it waits for something."""

EXCEPTION, HANG, FLOOD, MEMORY, DIED, PROVEN, FINDING = (
    "exception",
    "hang",
    "flood",
    "memory",
    "died",
    "false proven",
    "finding",
)
PROBLEMS = (EXCEPTION, HANG, FLOOD, MEMORY, DIED, PROVEN, FINDING)
"""``died`` is a debugger that gave no answer, ``finding`` one on a healthy program."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One triage.

    ``problem`` is one of :data:`PROBLEMS` or None; ``seconds`` is CPU time, ``peak`` bytes of
    resident memory; ``detail`` says more, to people.
    """

    kind: str
    seed: int
    problem: str | None = None
    detail: str = ""
    seconds: float = 0.0
    peak: int = 0

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def judged(result: Result, size: int) -> Result:
    """The result with a limit that it broke as its problem, if it has none yet."""
    if result.problem is not None:
        return result
    broken = next(
        (
            problem
            for problem, is_broken in (
                (HANG, result.seconds > CPU_SECONDS),
                (FLOOD, size > OUTPUT_BYTES),
                (MEMORY, result.peak > PEAK_BYTES),
            )
            if is_broken
        ),
        None,
    )
    return Result(**(result.plain() | {"problem": broken}))
