"""gh-123471: permutations."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 20,
    "object_type": "itertools.permutations",
    "known": "gh-123471",
}

shared = itertools.permutations([object() for _ in range(60)], 6)
tell(object=id(shared))


def read():
    while True:
        next(shared)  # op: next


run(read, copies=4)
