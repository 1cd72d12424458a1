"""gh-123471: combinations advances its indices without a lock."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 20,
    "object_type": "itertools.combinations",
    "known": "gh-123471",
}

shared = itertools.combinations([object() for _ in range(10**3)], 5)
tell(object=id(shared))


def read():
    while True:
        next(shared)  # op: next


run(read, copies=4)
