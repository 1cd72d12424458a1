"""Threads take combinations with replacement from one iterator."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "itertools.combinations_with_replacement",
    "known": "gh-123471",
}

shared = itertools.combinations_with_replacement(range(300, 400), 6)
tell(object=id(shared))


def takes():
    while True:
        next(shared)  # op: next


run(takes, copies=4)
