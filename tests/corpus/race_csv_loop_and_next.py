"""A csv reader is iterated over by some threads and stepped by others."""

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

shared = csv.reader(itertools.repeat('alpha,"be,ta",gamma,' + "d" * 60))
tell(object=id(shared))


def loops():
    while True:
        for row in shared:  # op: for or iterate or next
            len(row)


def steps():
    while True:
        next(shared)  # op: next
        shared.line_num


run(loops, steps)
