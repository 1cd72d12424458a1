"""Runs inside the debugger, on the core of script.py: every recorded address is judged and compared with the truth.

Prints one line of JSON: for each group how many addresses got which verdict, and examples of what is wrong.
"""

from __future__ import annotations

import array
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

MARK = "GROUND-TRUTH "
ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

DEAD, ALIVE, DEAD_ARRAY, ALIVE_ARRAY = range(4)
EXAMPLES = 5
LIVING = frozenset({"live", "immortal"})


def load(folder: Path) -> tuple[dict[str, Any], array.array, array.array, array.array, array.array]:
    """What the script wrote: names, and the four columns."""
    names = json.loads((folder / "truth.json").read_text())
    columns = [array.array(code) for code in "QHHB"]
    with (folder / "truth.bin").open("rb") as file:
        for column in columns:
            column.fromfile(file, names["rows"])
    return names, *columns


def compare(heap: Any, folder: Path) -> dict[str, Any]:
    """Judge every row, and all of them at once too."""
    names, addresses, types, groups, states = load(folder)
    living = {address: kind for address, kind, state in zip(addresses, types, states) if state == ALIVE}
    counts: Counter[tuple[str, str, str, str]] = Counter()
    wrong: list[str] = []
    started = time.monotonic()
    for address, kind, group, state in zip(addresses, types, groups, states):
        if state == DEAD and living.get(address) == kind:
            # Another recorded object of the type lives there now: nothing in memory tells the two apart.
            continue
        is_array = state in (DEAD_ARRAY, ALIVE_ARRAY)
        expected = names["types"][kind]
        judged = heap.judge_block(address) if is_array else heap.judge(address, expected)
        truth = "alive" if state in (ALIVE, ALIVE_ARRAY) else "dead"
        counts[names["groups"][group], truth, str(judged.verdict), str(judged.confidence)] += 1
        bad = judged.verdict.is_dead if truth == "alive" else str(judged.verdict) in LIVING or not judged.verdict.is_dead
        if bad:
            wrong.append(
                f"{truth} {expected} ({names['groups'][group]}) at {address:#x}: "
                f"{judged.verdict} {judged.confidence}: {judged.reason}"
            )
    one_by_one = time.monotonic() - started
    started = time.monotonic()
    at_once = heap.judge_many(addresses)
    together = time.monotonic() - started
    differing = Counter()
    for address, state, verdict in zip(addresses, states, at_once):
        if state == ALIVE and verdict.is_dead:
            differing["alive called dead by judge_many"] += 1
        if state == DEAD and address not in living:
            differing["dead by judge_many" if verdict.is_dead else f"dead called {verdict} by judge_many"] += 1
    wrong.sort(key=lambda text: not text.startswith("alive"))
    return {
        "rows": [[*key, count] for key, count in sorted(counts.items())],
        "wrong": wrong[: 4 * EXAMPLES],
        "judge_many": dict(differing),
        "seconds": round(one_by_one, 2),
        "seconds_together": round(together, 3),
    }


def main() -> None:
    from gdbext.heap.heap import Heap
    from gdbext.session import current

    if "gdb" in sys.modules:
        from gdbext.debuggers.gdb import GdbDebugger as Debugger
    else:
        from gdbext.debuggers.lldb import LldbDebugger as Debugger
    session = current(Debugger())
    heap = Heap(session.memory, session.layout, session.runtime, regions=session.debugger.regions())
    print(MARK + json.dumps(compare(heap, Path(os.environ["GROUND_TRUTH"]))))


if __name__ == "__main__":
    main()
