"""gh-123471: cycle's saved list and index."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 20,
    "object_type": "itertools.cycle",
    "known": "gh-123471",
}

shared = itertools.cycle([object() for _ in range(3)])
tell(object=id(shared))


def read():
    while True:
        next(shared)  # op: next


run(read, copies=4)
