"""The ground truth as a table: what is called what, and how often that is right.

>>> print(run(builds.python("release")))
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosts.run import run_in_debugger
from lab import builds
from lab.crash import crash

SCRIPT = Path(__file__).with_name("script.py")
DEAD = frozenset(
    {"freed", "pending-free", "cached", "reused", "poisoned", "never-allocated", "unmapped"}
)
LIVING = frozenset({"live", "immortal"})
LEAST = 100_000
# Build and environment, by name.
CONFIGURATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "release": ("release", {}),
    "debug": ("debug", {}),
    "release-hooks": ("release", {"PYTHONMALLOC": "debug"}),
}


def configurations() -> dict[str, tuple[str, dict[str, str]]]:
    """Those of them that the lab runs on, with the builds' names there."""
    return {
        name: (build, env)
        for name, (like, env) in CONFIGURATIONS.items()
        for build in builds.chosen((like,))
    }


@dataclass(frozen=True)
class Table:
    """``rows`` are (group, truth, verdict, confidence, count); ``places`` (what, verdict, count)
    for addresses of other kinds.
    """

    title: str
    rows: tuple[tuple[str, str, str, str, int], ...]
    wrong: tuple[str, ...]
    places: tuple[tuple[str, str, int], ...]
    misplaced: tuple[str, ...]
    alive_called_dead_at_once: int
    seconds: float
    """How long judging one by one took, and all at once."""
    seconds_at_once: float

    def count(
        self, truth: str, verdicts: frozenset[str] | None = None, confidence: str | None = None
    ) -> int:
        """Addresses of that truth, as far as they got one of the verdicts (with that
        confidence).
        """
        return sum(
            n
            for _, t, verdict, sure, n in self.rows
            if t == truth
            and (verdicts is None or verdict in verdicts)
            and confidence in (None, sure)
        )

    @property
    def alive(self) -> int:
        return self.count("alive")

    @property
    def dead(self) -> int:
        return self.count("dead")

    @property
    def alive_called_dead(self) -> int:
        return self.count("alive", DEAD) + self.alive_called_dead_at_once

    @property
    def dead_called_dead(self) -> int:
        return self.count("dead", DEAD)

    @property
    def proven_wrongly(self) -> int:
        return self.count("alive", DEAD, "proven") + self.count("dead", LIVING, "proven")

    def __str__(self) -> str:
        share = 100 * self.dead_called_dead / max(self.dead, 1)
        lines = [
            f"{self.title}: {self.alive:,} alive, {self.dead:,} dead, "
            f"judged in {self.seconds:g} s; all at once in {self.seconds_at_once:g} s",
            (
                f"  alive called dead {self.alive_called_dead}   dead called dead or reused "
                f"{share:.2f} %   proven wrongly {self.proven_wrongly}   other addresses with a "
                f"wrong word {len(self.misplaced)}"
            ),
        ]
        groups: dict[tuple[str, str], Counter[str]] = {}
        for group, truth, verdict, _, number in self.rows:
            groups.setdefault((truth, group), Counter())[verdict] += number
        for (truth, group), verdicts in groups.items():
            lines.append(
                f"  {truth:<6}{group:<46}"
                + ", ".join(f"{number:,} {word}" for word, number in verdicts.most_common())
            )
        places: dict[str, Counter[str]] = {}
        for what, verdict, number in self.places:
            places.setdefault(what, Counter())[verdict] += number
        for what, verdicts in places.items():
            lines.append(
                f"  other {what:<46}"
                + ", ".join(f"{number:,} {word}" for word, number in verdicts.most_common())
            )
        return "\n".join([*lines, *(f"  ✗ {text}" for text in (*self.wrong, *self.misplaced))])


def run(
    python: Path,
    debugger: str = "gdb",
    env: Mapping[str, str] | None = None,
    timeout: float = 300.0,
) -> Table:
    """Run the script with that interpreter, and judge what it left in that debugger."""
    with tempfile.TemporaryDirectory(prefix="gdbext-truth-") as folder:
        died = crash(python, SCRIPT, folder=Path(folder) / "run", env=env, timeout=timeout)
        found: dict[str, Any] = run_in_debugger(
            debugger,
            "ground_truth.checker:check",
            str(died.core.parent),
            executable=python,
            core=died.core,
            timeout=timeout,
        )
    said = " ".join(f"{key}={value}" for key, value in (env or {}).items())
    return Table(
        f"{python.parent.name} {said}".strip() + f" in {debugger}",
        tuple(tuple(row) for row in found["rows"]),
        tuple(found["wrong"]),
        tuple(tuple(row) for row in found["places"]),
        tuple(found["misplaced"]),
        found["alive_called_dead_at_once"],
        found["seconds"],
        found["seconds_at_once"],
    )
