"""Runs inside gdb, with middle.py stopped at its signal: stops it in one function after the other,
and judges its objects.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gdbext.session import Session
from gdbext.target.protocol import Debugger
from gdbext.wording import sentence


def check(debugger: Debugger, addresses: str, functions: list[str]) -> list[dict[str, Any]]:
    """For each function that the program is stopped in: the verdict and its reason on each object,
    and if a scan finds fault.
    """
    import gdb

    known = json.loads(Path(addresses).read_text())
    found = []
    for function in functions:
        gdb.execute(f"tbreak {function}", to_string=True)
        gdb.execute("continue", to_string=True)
        session = Session(debugger)
        verdicts = {name: session.heap.judge(address) for name, address in known.items()}
        result: dict[str, Any] = {
            name: [str(v.verdict), str(v.confidence), sentence(v.reason)]
            for name, v in verdicts.items()
        }
        scan = session.heap.scan()
        result["frames"] = [
            frame.function for frame in debugger.frames(debugger.threads()[0].lwp, 12)
        ]
        result["faults"] = [sentence(c.title) for c in scan.corruptions if not c.is_snapshot]
        result["faults"] += [sentence(b.reason) for b in scan.broken] + [
            f"{s.type}.{s.slot}" for s in scan.stale
        ]
        found.append(result)
    gdb.execute("kill", to_string=True)
    return found
