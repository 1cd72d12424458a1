"""Threads replace the args of one exception and print it."""

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "ValueError",
    "known": ("gh-127192", None),
}

shared = ValueError("first", 1)
tell(object=id(shared))


def replaces():
    while True:
        shared.args = ["another", object()]  # op: args or setattr


def prints():
    while True:
        repr(shared)  # op: repr, reads
        shared.args  # op: args, reads


run(replaces, prints)
