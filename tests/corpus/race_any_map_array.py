"""any(map(array.append, numbers)) in one thread, deque(map(array.pop, ...)) in another."""

import array
import collections
import itertools

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"debug": {}},
    "seconds": 20,
    "attempts": 3,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}

shared = array.array("q", range(100))
tell(object=id(shared))


def collect():
    mine = array.array("q")
    while True:
        any(map(shared.append, range(5000)))  # op: append
        any(map(mine.append, range(50)))


def drain():
    mine = array.array("q", range(50))
    while True:
        mine.extend(range(5))
        collections.deque(map(shared.pop, itertools.repeat(-1)), 0)  # op: pop


run(collect, drain)
