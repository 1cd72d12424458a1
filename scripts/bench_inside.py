"""Runs in gdb, or alone with drgn, for ``scripts/bench``: judges a list's items in bulk, and scans
the heap.  Times are seconds of CPU.
"""

from __future__ import annotations

import json
import os
import resource
import time

from gdbext.backends import registry
from gdbext.session import Session


def main() -> None:
    """The request is in ``BENCH``: the debugger's name, the program, its core, the list."""
    debugger, executable, core, address = json.loads(os.environ["BENCH"])
    session = Session(registry.adapter(debugger).open_core(executable, core))
    _ = session.heap, session.objects
    started = time.process_time()
    items = session.objects.list_items(int(address, 0))
    stale = len(session.heap.not_alive(items))
    judging = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    found = session.heap.scan()
    result = {
        "items": len(items),
        "stale": stale,
        "judging": judging,
        "peak_kib": peak,
        "objects": found.objects,
        "scan": time.process_time() - started,
        "scan_peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    print("BENCH " + json.dumps(result), flush=True)


main()
