"""Run inside a debugger: print all that gdbext's locks room says of the target, as one line of
JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from gdbext.session import current
from gdbext.target.protocol import Debugger
from gdbext.wording import sentence

MARK = "LOCKS "


def dump(debugger: Debugger, objects: dict[str, int]) -> dict[str, Any]:
    """``objects`` are the addresses to ask about, by name."""
    locks = current(debugger).locks
    threads = debugger.threads()
    of_threads = {t.lwp: locks.of_thread(t.lwp) for t in threads}
    return {
        "holds": {lwp: list(found.holds) for lwp, found in of_threads.items()},
        "waits": {
            lwp: [found.wait.lock.kind.value, found.waits_for] if found.wait else None
            for lwp, found in of_threads.items()
        },
        "sections": {
            lwp: [section.state for section in found.critical_sections]
            for lwp, found in of_threads.items()
        },
        "holders": {
            name: [hold.lwp for hold in locks.holders(address)] for name, address in objects.items()
        },
        "waiters": {
            name: [wait.lwp for wait in locks.waiters(address)] for name, address in objects.items()
        },
        "blockers": {
            lwp: [edge.hold.lwp for edge in locks.graph.from_thread(lwp)]
            for lwp in locks.graph.waits
        },
        "circles": [[edge.wait.lwp for edge in cycle] for cycle in locks.graph.cycles],
        "problems": [
            [p.rule, p.confidence.value, list(p.threads), sentence(p.detail)]
            for p in locks.problems
        ],
        "hang": locks.hang().kind,
    }


def main(debugger: Debugger) -> None:
    truth = json.loads(Path("truth.json").read_text())
    answers = dump(debugger, {name: int(address, 16) for name, address in truth["objects"].items()})
    print(MARK + json.dumps(answers), flush=True)


def __lldb_init_module(debugger: Any, _: object) -> None:
    """lldb: ``command script import`` calls this."""
    from gdbext.backends.lldb.adapter import LldbDebugger

    main(LldbDebugger(debugger))


if __name__ == "__main__":
    # gdb: ``source`` runs the file.
    from gdbext.backends.gdb.adapter import GdbDebugger

    main(GdbDebugger())
