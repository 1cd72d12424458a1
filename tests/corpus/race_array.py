"""gh-128942: array.array takes no lock; a reader loads through a freed buffer."""

import array

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}

shared = array.array("i", range(100))
tell(object=id(shared))


def read():
    while True:
        shared[0]  # op: getitem, reads


def extend():
    while True:
        shared.extend(range(50))  # op: extend


def clear():
    while True:
        shared.clear()  # op: clear


run(read, extend, clear)
