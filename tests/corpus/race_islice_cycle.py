"""islice, zip and unpacking take from one cycle."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 15,
    "attempts": 10,
    "object_type": "itertools.cycle",
    "known": "gh-123471",
}

shared = itertools.cycle(str(number) for number in range(2000))
tell(object=id(shared))


def slices():
    while True:
        list(itertools.islice(shared, 50))  # op: list or next or islice


def unpacks():
    while True:
        a, b, *rest = itertools.islice(shared, 20)  # op: unpack or next or islice


def pairs():
    while True:
        dict(zip("abcdef", shared))  # op: dict or next or zip


run(slices, unpacks, pairs)
