"""The key function of sorted() takes rows of one csv reader."""

import csv
import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_csv.reader",
    "known": "gh-141365",
}

shared = csv.reader(itertools.cycle(["3,1,2", '"a quoted, long field", ' * 100]))
tell(object=id(shared))


def key(_):
    return next(shared)  # op: next


def orders():
    while True:
        sorted(range(200), key=key)


def largest():
    while True:
        max(range(200), key=key)


run(orders, largest)
