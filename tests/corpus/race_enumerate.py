"""gh-124397: enumerate reuses its result tuple."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 20,
    "object_type": "enumerate",
    "known": "gh-124397",
}

shared = enumerate(itertools.count(10**6), 2**63)
tell(object=id(shared))


def read():
    while True:
        next(shared)  # op: next


run(read, copies=4)
