"""Pairs are made of one iterator of large numbers in several threads."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "longrange_iterator",
    "known": "gh-124397",
}

shared = iter(range(2**70, 2**90))
tell(object=id(shared))


def pairs():
    while True:
        for _first, _second in zip(shared, range(1000)):  # op: next
            pass


def triples():
    while True:
        for _place, _number in enumerate(shared):  # op: next
            pass


run(pairs, triples)
