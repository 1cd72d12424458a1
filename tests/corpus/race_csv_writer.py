"""gh-141365: a csv writer assembles its record without a lock."""

import csv

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_csv.writer",
    "known": "gh-141365",
}


class Nowhere:
    def write(self, text):
        return len(text)


shared = csv.writer(Nowhere())
tell(object=id(shared))


def short():
    while True:
        shared.writerow(["a", "b"])  # op: writerow


def long():
    while True:
        shared.writerow(["long field " * 500] * 3)  # op: writerow


run(short, long)
