"""One groupby: some threads list its groups' members, others only advance it."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("itertools.groupby", "itertools._grouper"),
    "known": ("gh-150791", "gh-143543", "gh-123471"),
}

shared = itertools.groupby(itertools.count(1000), key=lambda number: number // 3)
tell(object=id(shared))


def lists():
    while True:
        key, members = next(shared)  # op: next
        list(members)  # op: list or next or iterate


def advances():
    while True:
        next(shared)  # op: next


run(lists, advances)
