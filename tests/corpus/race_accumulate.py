"""gh-123471: accumulate replaces its total without a lock."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 20,
    "object_type": "itertools.accumulate",
    "known": "gh-123471",
}

shared = itertools.accumulate(itertools.count(10**6))
tell(object=id(shared))


def read():
    while True:
        next(shared)  # op: next


run(read, copies=4)
