"""Runs inside the debugger, on the core of script.py: every recorded address is judged and compared
with the truth.
"""

from __future__ import annotations

import array
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gdbext.cpython.allocator.heap import Heap
from gdbext.session import Session
from gdbext.target.protocol import Debugger
from gdbext.wording import sentence

DEAD, ALIVE, DEAD_ARRAY, ALIVE_ARRAY = range(4)
LIVING = frozenset({"live", "immortal"})
MAX_WRONG = 20
SAMPLES = 200
SEED = 20251124


class Truth:
    """What the script wrote: names, and four columns."""

    def __init__(self, folder: Path) -> None:
        self.names = json.loads((folder / "truth.json").read_text())
        self.addresses, self.types, self.groups, self.states = (
            array.array(code) for code in "QHHB"
        )
        with (folder / "truth.bin").open("rb") as file:
            for column in (self.addresses, self.types, self.groups, self.states):
                column.fromfile(file, self.names["rows"])

    def rows(self) -> Iterator[tuple[int, str, str, bool, bool]]:
        """(address, type, group, whether it is alive, whether it is an array) of all that memory
        can tell.
        """
        living = {
            a: kind
            for a, kind, state in zip(self.addresses, self.types, self.states)
            if state == ALIVE
        }
        for address, kind, group, state in zip(
            self.addresses, self.types, self.groups, self.states
        ):
            # Where another recorded object of the type lives now, nothing in memory tells the two
            # apart.
            if state != DEAD or living.get(address) != kind:
                names = self.names["types"][kind], self.names["groups"][group]
                yield (
                    address,
                    *names,
                    state in (ALIVE, ALIVE_ARRAY),
                    state in (ALIVE_ARRAY, DEAD_ARRAY),
                )


def check(debugger: Debugger, folder: str) -> dict[str, Any]:
    """Verdicts counted by group, truth, verdict and confidence; what is wrong in words; and how
    long it took.
    """
    session = Session(debugger)
    truth = Truth(Path(folder))
    counts: Counter[tuple[str, str, str, str]] = Counter()
    wrong: list[str] = []
    started = time.monotonic()
    for address, kind, group, alive, is_array in truth.rows():
        judged = (
            session.heap.judge_block(address) if is_array else session.heap.judge(address, kind)
        )
        counts[
            group, "alive" if alive else "dead", str(judged.verdict), str(judged.confidence)
        ] += 1
        if judged.verdict.is_dead if alive else not judged.verdict.is_dead:
            wrong.append(
                f"{'alive' if alive else 'dead'} {kind} ({group}) {address:#x}: {judged.verdict}: "
                f"{sentence(judged.reason)}"
            )
    alone = time.monotonic() - started
    started = time.monotonic()
    at_once = session.heap.judge_many(truth.addresses)
    together = time.monotonic() - started
    places = list(_places(session, truth))
    return {
        "rows": [[*key, count] for key, count in sorted(counts.items())],
        "wrong": sorted(wrong)[:MAX_WRONG],
        "alive_called_dead_at_once": sum(
            s == ALIVE and v.is_dead for s, v in zip(truth.states, at_once)
        ),
        "places": [
            [what, verdict, count]
            for (what, verdict), count in sorted(Counter((w, v) for w, _, v in places).items())
        ],
        "misplaced": [
            f"{what} {address:#x}: {verdict}"
            for what, address, verdict in places
            if verdict not in ALLOWED[what]
        ][:MAX_WRONG],
        "seconds": round(alone, 2),
        "seconds_at_once": round(together, 3),
    }


# Addresses that are no object's, and the words that are right for them.
ALLOWED = {
    "NULL": {"null"},
    "one byte past an object": {"misaligned"},
    "inside an object": {"interior"},
    "inside an array": {"interior"},
    "a static type": {"immortal"},
    "a function of the binary": {"foreign"},
    "a stack": {"foreign"},
    "glibc's heap": {"foreign"},
    "a segment's header": {"foreign"},
    "a page's unused end": {"never-allocated", "freed"},
    "random, mapped nowhere": {"unmapped"},
    "random, in mimalloc's reserve": {"never-allocated", "freed"},
}


def _places(session: Session, truth: Truth) -> Iterator[tuple[str, int, str]]:
    """(what, address, verdict) for addresses of every other kind."""
    chance = random.Random(SEED)
    for what, address in _other_addresses(session, truth, chance):
        yield what, address, str(session.heap.judge(address).verdict)


def _other_addresses(
    session: Session, truth: Truth, chance: random.Random
) -> Iterator[tuple[str, int]]:
    heap: Heap = session.heap
    yield "NULL", 0
    alive = [a for a, state in zip(truth.addresses, truth.states) if state == ALIVE]
    arrays = [a for a, state in zip(truth.addresses, truth.states) if state == ALIVE_ARRAY]
    for address in chance.sample(alive, SAMPLES):
        yield "one byte past an object", address + 1
        yield "inside an object", address + 8
    for address in chance.sample(arrays, min(SAMPLES, len(arrays))):
        yield "inside an array", address + 16
    for name, what in (
        ("PyList_Type", "a static type"),
        ("PyObject_Repr", "a function of the binary"),
    ):
        symbol = session.debugger.symbol(name)
        assert symbol
        yield what, symbol.address & ~15
    for thread in session.debugger.threads():
        for frame in session.debugger.frames(thread.lwp, 8):
            yield "a stack", frame.sp & ~15
    for state in session.runtime.threads[1:]:
        yield "glibc's heap", state.address
    pages = list(heap.pages())
    for page in chance.sample(pages, min(SAMPLES, len(pages))):
        yield "a segment's header", page.address
        if page.capacity < page.reserved:
            yield "a page's unused end", page.block(page.capacity)
    regions = session.debugger.regions()
    segments = heap.records.mimalloc.segments
    for _ in range(SAMPLES):
        address = chance.randrange(1 << 47) & ~15
        if not any(region.start <= address < region.end for region in regions):
            yield "random, mapped nowhere", address
    for region in regions:
        if any(region.start <= segment.address < region.end for segment in segments):
            for _ in range(SAMPLES):
                address = chance.randrange(region.start, region.end) & ~15
                if heap.records.mimalloc.segment_of(address) is None:
                    yield "random, in mimalloc's reserve", address
