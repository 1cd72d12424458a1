"""The default factory of one defaultdict is replaced while it is used."""

import collections

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "collections.defaultdict",
    "known": None,
}

shared = collections.defaultdict(list)
tell(object=id(shared))


def misses():
    number = 0
    while True:
        number += 1
        shared[number % 1000]  # op: getitem or [] or item or lookup
        shared.pop(number % 1000, None)  # op: pop


def replaces():
    while True:
        shared.__init__(lambda: [1])  # op: init
        repr(shared)[:5]  # op: repr, reads


run(misses, replaces)
