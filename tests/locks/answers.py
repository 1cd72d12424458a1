"""Asked inside a debugger: all that gdbext says of the target's locks, as JSON."""

from __future__ import annotations

from typing import Any

from gdbext.diagnosis.registry import rule_of
from gdbext.session import current
from gdbext.target.protocol import Debugger
from gdbext.wording import sentence


def answers(debugger: Debugger, objects: dict[str, int]) -> dict[str, Any]:
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
        "cycles": [[edge.wait.lwp for edge in cycle] for cycle in locks.graph.cycles],
        "problems": [
            [rule_of(p.kind).id, p.confidence.value, list(p.threads), sentence(p.detail)]
            for p in locks.problems
        ],
        "hang": locks.hang().kind,
    }
