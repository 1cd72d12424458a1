"""The heap's part of scripts/accuracy: verdicts on addresses whose truth is known, and what races
leave behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ground_truth import orphans, table
from hosts.run import InsideError
from lab import builds
from lab.crash import NoCrash

# What "found" may miss: a few orphans still stand in a register's old home or in memory that is not
# given back yet.
ENOUGH_ORPHANS = 0.98


@dataclass(frozen=True)
class HeapRows:
    """What was measured; ``problems`` are the runs that gave no answer."""

    tables: Sequence[table.Table] = ()
    raced: Sequence[orphans.Search] = ()
    sound: Sequence[orphans.Search] = ()
    problems: Sequence[str] = ()

    def lines(self) -> Iterator[tuple[str, int, int, float]]:
        """Title, how many are right, of how many, and the share that is wanted."""
        alive, dead = sum(t.alive for t in self.tables), sum(t.dead for t in self.tables)
        places = sum(number for t in self.tables for _, _, number in t.places)
        yield (
            "known-alive addresses not called dead",
            alive - sum(t.alive_called_dead for t in self.tables),
            alive,
            1.0,
        )
        yield (
            "known-dead addresses called dead or reused",
            sum(t.dead_called_dead for t in self.tables),
            dead,
            0.99,
        )
        yield (
            "nothing wrong said to be proven, heap",
            alive + dead - sum(t.proven_wrongly for t in self.tables),
            alive + dead,
            1.0,
        )
        yield (
            "other addresses given the right word",
            places - sum(len(t.misplaced) for t in self.tables),
            places,
            1.0,
        )
        made, tied = sum(s.made for s in self.raced), sum(min(s.tied, s.made) for s in self.raced)
        yield (
            "orphans of the raced parameters found and tied to their unions",
            tied,
            made,
            ENOUGH_ORPHANS,
        )
        yield (
            "no orphan where there is none: fixed build, healthy program",
            sum(not s.found for s in self.sound),
            len(self.sound),
            1.0,
        )
        answers = len(self.tables) + len(self.raced) + len(self.sound)
        yield "heap runs that gave an answer", answers, answers + len(self.problems), 1.0


def measure(wanted: Callable[[str], bool], debuggers: Collection[str]) -> HeapRows:
    """Run all of it on the wanted builds, in each debugger, and print each answer as it comes."""
    tables: list[table.Table] = []
    raced: list[orphans.Search] = []
    sound: list[orphans.Search] = []
    problems: list[str] = []
    print("\nheap", flush=True)
    for debugger in debuggers:
        for name, (build, env) in table.configurations().items():
            if wanted(build):
                with _told(problems, f"{name} in {debugger}"):
                    tables.append(table.run(builds.python(build), debugger, env))
                    print(tables[-1], flush=True)
        for group, results in ((orphans.RACED, raced), (orphans.SOUND, sound)):
            for like, script, arguments in group:
                build = next(filter(wanted, builds.chosen((like,))), None)
                if build is None:
                    continue
                with _told(problems, f"{build} {script} in {debugger}"):
                    results.append(orphans.search(build, script, arguments, debugger))
                    print(results[-1], flush=True)
    return HeapRows(tables, raced, sound, problems)


@contextlib.contextmanager
def _told(problems: list[str], what: str) -> Iterator[None]:
    """A run that gives no answer is told, and the next one goes on."""
    try:
        yield
    except (NoCrash, InsideError) as error:
        problems.append(f"{what}: {str(error)[-400:]}")
        print(f"  ✗ {problems[-1]}", flush=True)
