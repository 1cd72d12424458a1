"""Schedulers in three threads run jobs that fill, reverse and empty one array."""

import array
import contextlib
import sched
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}

ring = array.array("l", range(100))
tell(object=id(ring))


def fill(amount):
    ring.extend(range(amount))  # op: extend


def turn():
    ring.reverse()  # op: reverse


def empty():
    del ring[5:]  # op: delitem


def loop(*jobs):
    while True:
        planner = sched.scheduler()
        for job, arguments in jobs:
            planner.enter(0, 1, job, arguments)
        with contextlib.suppress(MemoryError, ValueError):
            planner.run()


for name, jobs in {
    "fill": [(fill, (500,))] * 3,
    "turn": [(turn, ())] * 3,
    "empty": [(empty, ()), (turn, ())],
}.items():
    threading.Thread(target=loop, args=jobs, name=name).start()
