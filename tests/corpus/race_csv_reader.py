"""gh-141365: a csv reader parses its fields without a lock."""

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

shared = csv.reader(itertools.cycle(["a,b,c", '"long field ", ' * 300]))
tell(object=id(shared))


def read():
    while True:
        next(shared)  # op: next


run(read, copies=4)
