"""operator.methodcaller hides which method of one OrderedDict a loop calls."""

import collections
import operator

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "collections.OrderedDict",
    "known": ("gh-125996", "gh-151627"),
}

shared = collections.OrderedDict.fromkeys(range(40))
tell(object=id(shared))
bump = operator.methodcaller("move_to_end", 7)
empty = operator.methodcaller("clear")
fill = operator.methodcaller("update", dict.fromkeys(range(40)))


def bumps():
    while True:
        bump(shared)  # op: move_to_end


def refills():
    while True:
        empty(shared)  # op: clear
        fill(shared)  # op: update


run(bumps, refills)
