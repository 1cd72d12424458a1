"""Run inside a debugger: print all that gdbext's locks room says of the target, as one line of JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from gdbext.debuggers.base import Debugger
from gdbext.locks.locks import Locks
from gdbext.session import current

MARK = "LOCKS "


def dump(debugger: Debugger, objects: dict[str, int]) -> dict[str, Any]:
    """``objects`` are the addresses to ask about, by name."""
    session = current(debugger)
    threads = debugger.threads()
    locks = Locks(
        session.memory,
        session.layout,
        session.runtime,
        session.objects,
        threads,
        debugger.symbol,
        debugger.regions,
        debugger.registers,
        session.python_stack,
    )
    of_threads = {t.lwp: locks.of_thread(t.lwp) for t in threads}
    return {
        "holds": {lwp: list(found.holds) for lwp, found in of_threads.items()},
        "waits": {lwp: [found.wait.lock.kind.value, found.waits_for] if found.wait else None for lwp, found in of_threads.items()},
        "sections": {lwp: [section.state for section in found.critical_sections] for lwp, found in of_threads.items()},
        "holders": {name: [hold.lwp for hold in locks.holders(address)] for name, address in objects.items()},
        "waiters": {name: [wait.lwp for wait in locks.waiters(address)] for name, address in objects.items()},
        "blockers": {lwp: [edge.hold.lwp for edge in locks.graph.from_thread(lwp)] for lwp in locks.graph.waits},
        "circles": [[edge.wait.lwp for edge in cycle] for cycle in locks.graph.cycles],
        "problems": [[p.rule, p.confidence.value, list(p.threads), p.detail] for p in locks.problems],
        "hang": locks.hang().kind,
    }


def main(debugger: Debugger) -> None:
    truth = json.loads(Path("truth.json").read_text())
    answers = dump(debugger, {name: int(address, 16) for name, address in truth["objects"].items()})
    print(MARK + json.dumps(answers), flush=True)


try:
    import gdb as _host
except ImportError:
    from gdbext.debuggers.lldb import LldbDebugger as _Adapter
else:
    from gdbext.debuggers.gdb import GdbDebugger as _Adapter

    assert _host

if __name__ == "__main__":
    main(_Adapter())
