"""Searches for orphans where it is known how many there are: none in the fixed build and in a
healthy program.

>>> print(search("release-unfixed", "double_init.py"))
release-unfixed double_init.py in gdb: 1,204 of 1,204 orphans found, 1,204 tied to their unions; …
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosts.run import run_in_debugger
from lab import builds
from lab.crash import crash

FOLDER = Path(__file__).parent
ONE_BATCH = ("1",)
# Build, script and the script's arguments: the race's leftovers, then places where there are none.
RACED = tuple((f"{build}-unfixed", "double_init.py", ()) for build in ("release", "debug"))
SOUND = (
    *((build, "double_init.py", ONE_BATCH) for build in ("release", "debug")),
    *((build, "healthy.py", ()) for build in ("release", "debug")),
)


@dataclass(frozen=True)
class Search:
    """One search.  ``made`` is how many orphans the script says there are; ``kinds`` what was
    found, as (type, refcount, items, unions); ``tied`` how many are tied to a union that has their
    type variables; ``is_sound`` what `ft scan` says.
    """

    title: str
    made: int
    kinds: tuple[tuple[str, int, int, int], ...]
    tied: int
    searched: int
    unread: int
    is_sound: bool

    @property
    def found(self) -> int:
        return len(self.kinds)

    def __str__(self) -> str:
        return (
            f"{self.title}: {self.found:,} of {self.made:,} orphans found, "
            f"{self.tied:,} tied to their unions; {self.searched:,} objects searched"
        )


def search(
    build: str, script: str, arguments: tuple[str, ...] = (), debugger: str = "gdb"
) -> Search:
    """Run the script on that build until it aborts, and search what it left in that debugger."""
    python = builds.python(build)
    with tempfile.TemporaryDirectory(prefix="gdbext-orphans-") as folder:
        died = crash(
            python, FOLDER / script, folder=Path(folder) / "run", timeout=120, arguments=arguments
        )
        found: dict[str, Any] = run_in_debugger(
            debugger,
            "ground_truth.orphan_checker:check",
            executable=python,
            core=died.core,
            timeout=300,
        )
    return Search(
        f"{build} {script} in {debugger}",
        died.truth.get("orphans", 0),
        tuple(
            (kind, refcount, items, unions) for kind, refcount, items, unions in found["orphans"]
        ),
        found["tied"],
        found["searched"],
        found["unread"],
        found["is_sound"],
    )
