"""Two threads read ``__parameters__`` of fresh unions at once, in step; what is left over is
counted, and then it aborts.

Writes ``truth.json``: how many unions there are, and how many tuples of parameters too many.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
import typing

BATCH = 2000
ENOUGH = 300
MAX_BATCHES = int(sys.argv[1]) if len(sys.argv) > 1 else 500
SPINS = 2000
DEADLINE = time.monotonic() + 45
TUPLES_OF_ONE = 3
"""A union ``list[T] | int`` has three tuples ``(T,)``: the alias's arguments and parameters, and
its own parameters.
"""


def race(unions):
    arrived = [-1, -1]

    def reader(me):
        for number, union in enumerate(unions):
            if time.monotonic() > DEADLINE:
                break
            arrived[me] = number
            spins = 0
            while arrived[1 - me] < number:
                spins += 1
                if spins % SPINS == 0:
                    os.sched_yield()  # a busy machine: the other thread waits for a processor
            _ = union.__parameters__
        arrived[me] = len(unions)

    threads = [threading.Thread(target=reader, args=(me,)) for me in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for union in unions:
        _ = union.__parameters__


def left_over(unions):
    """How many tuples there are beyond those that the unions and their aliases hold."""
    found = 0
    everything = gc.get_objects()
    for position, one in enumerate(everything):
        # The list's freed array must not go on in the slack of a live block, as a reference to each
        # orphan of this batch.
        everything[position] = None
        if (
            type(one) is tuple
            and len(one) == 1
            and type(one[0]) is typing.TypeVar
            and one[0].__name__.startswith("Mine")
        ):
            found += 1
    return found - TUPLES_OF_ONE * len(unions)


gc.disable()
unions = []
extra = 0
for batch in range(MAX_BATCHES):
    fresh = [list[typing.TypeVar(f"Mine{batch}_{number}")] | int for number in range(BATCH)]
    race(fresh)
    unions += fresh
    extra = left_over(unions)
    if extra >= ENOUGH or time.monotonic() > DEADLINE:
        break
with open("truth.json", "w") as file:
    json.dump({"unions": len(unions), "orphans": extra}, file)
os.abort()
