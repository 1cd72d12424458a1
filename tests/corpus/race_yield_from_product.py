"""Each thread has a generator of its own that yields from one product."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": "itertools.product",
    "known": "gh-123471",
}

shared = itertools.product(*[range(7)] * 11)
tell(object=id(shared))


def rows(source):
    yield from source  # op: send or next or yield or for or iterate


def totals():
    for row in rows(shared):
        sum(row)


def sizes():
    while True:
        a, b, *rest = next(shared)  # op: next


run(totals, sizes)
