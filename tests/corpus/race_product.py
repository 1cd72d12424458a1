"""gh-123471: product reuses its result tuple without a lock."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 20,
    "object_type": "itertools.product",
    "known": "gh-123471",
}

shared = itertools.product([object() for _ in range(10**4)], repeat=3)
tell(object=id(shared))


def read():
    while True:
        next(shared)  # op: next


run(read, copies=4)
