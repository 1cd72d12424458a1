"""gh-124397: zip reuses its result tuple."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 20,
    "object_type": "zip",
    "known": ("gh-124397", "gh-123471"),
}

shared = zip(itertools.count(10**6), itertools.count(10**7))
tell(object=id(shared))


def read():
    while True:
        next(shared)  # op: next


run(read, copies=4)
