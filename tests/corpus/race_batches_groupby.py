"""A batcher whose next batch anyone may take."""

import itertools

from _truth import run

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": ("itertools.groupby", "itertools._grouper"),
    "known": "gh-150791",
}


class Batches:
    def __init__(self):
        self.renew()

    def renew(self):
        self.groups = itertools.groupby([str(n) * 40 for n in range(100)], len)

    def take(self):
        for key, members in self.groups:  # op: next or iter
            for member in members:  # op: next or iter
                assert key == len(member)
        self.renew()


batches = Batches()


def takes():
    while True:
        batches.take()


run(takes, copies=5)
