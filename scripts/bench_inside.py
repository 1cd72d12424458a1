"""Runs inside gdb for ``scripts/bench``: judges a list's items in bulk, and reads them one by one
through gdb.Value.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

import gdb

sys.path.insert(0, os.environ["GDBEXT_ROOT"])

from gdbext.backends.gdb.adapter import GdbDebugger
from gdbext.cpython.objects.decoded import List
from gdbext.session import Session


def main() -> None:
    address = int(os.environ["BENCH_LIST"], 0)
    session = Session(GdbDebugger())
    _ = session.heap, session.objects
    started = time.perf_counter()
    items = session.objects.list_items(address)
    verdicts = session.heap.judge_many(items)
    stale = sum(v.is_dead for v in verdicts)
    judging = time.perf_counter() - started
    sample = min(len(items), 100_000)
    decoded = session.objects.decode(address, "list")
    assert isinstance(decoded, List)
    array = decoded.buffer
    pointer = gdb.lookup_type("PyObject").pointer().pointer()
    values = gdb.Value(array).cast(pointer)
    started = time.perf_counter()
    for index in range(sample):
        int(values[index]["ob_type"])
    reading = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = {
        "items": len(items),
        "stale": stale,
        "judging": judging,
        "reading_each": reading / sample,
        "peak_kib": peak,
    }
    print("BENCH " + json.dumps(result))


main()
