"""Star unpacking and min over one array."""

import array

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}},
    "seconds": 12,
    "attempts": 2,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
}

shared = array.array("d", range(500))
tell(object=id(shared))


def unpacks():
    while True:
        first, *rest = shared  # op: unpack or list or next, reads
        min(shared, default=0), max(shared, default=0)  # op: min or max or next, reads


def changes():
    while True:
        shared.extend(range(300))  # op: extend
        del shared[5:]  # op: del


run(unpacks, changes)
