"""random.shuffle works on an array that others cut; its lines are in random.py."""

import array
import random

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
    "outside": {"random.py": "shuffle or getitem or setitem or store or [] or item"},
}

shared = array.array("l", range(3000))
tell(object=id(shared))
block = array.array("l", range(3000))


def shuffles():
    while True:
        random.Random(5).shuffle(shared)  # op: shuffle


def cuts():
    while True:
        shared.clear()  # op: clear
        shared.extend(block)  # op: extend


run(shuffles, cuts)
