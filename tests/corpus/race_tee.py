"""gh-153062: branches of itertools.tee share their data without a lock."""

import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 20,
    "object_type": ("itertools._tee", "itertools._tee_dataobject"),
    "known": "gh-153062",
}

shared, sibling = itertools.tee(itertools.count())
# What both branches share has another address every few steps.
tell()


def read():
    while True:
        next(shared)  # op: next


def follow():
    while True:
        next(sibling)  # op: next


run(read, follow)
