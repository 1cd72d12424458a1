"""gh-132565's neighbour: groupby keeps its current key and value without a lock."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 20,
    "object_type": "itertools.groupby",
    "known": ("gh-150791", "gh-123471"),
}

shared = itertools.groupby(itertools.count(10**6))
tell(object=id(shared))


def read():
    while True:
        next(shared)  # op: next


run(read, copies=4)
