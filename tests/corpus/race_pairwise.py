"""gh-123471: pairwise reuses its result tuple without a lock."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 20,
    "object_type": "itertools.pairwise",
    "known": "gh-123471",
}

shared = itertools.pairwise(itertools.count(10**6))
tell(object=id(shared))


def read():
    while True:
        next(shared)  # op: next


run(read, copies=4)
