"""any over a generator expression that takes from one permutations."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 8,
    "object_type": "itertools.permutations",
    "known": "gh-123471",
}

shared = itertools.permutations(range(11))
tell(object=id(shared))


def asks():
    while True:
        any(row[0] > 99 for row in itertools.islice(shared, 40))  # op: any or next or islice


def steps():
    while True:
        row = next(shared)  # op: next
        row[::-1]


run(asks, steps)
