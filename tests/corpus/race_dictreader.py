"""One csv.DictReader, whose own lines are in csv.py, is iterated over by several threads."""

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
    "outside": {"csv.py": "next or iterate"},
}

lines = itertools.cycle(["a,b,c", '"a long quoted field, with commas", ' * 150])
table = csv.DictReader(lines, fieldnames=["x", "y"])
tell(object=id(table.reader), also=[id(table)])


def rows():
    while True:
        for row in table:  # op: for or iterate or next
            row["x"]


run(rows, copies=4)
