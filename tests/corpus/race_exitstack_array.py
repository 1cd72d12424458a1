"""An ExitStack's callbacks shrink an array that others extend."""

import array
import contextlib

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "array.array",
    "known": ("gh-128942", "gh-146007"),
    "outside": {"contextlib.py": "clear or fromlist or callback"},
}

shared = array.array("i", range(200))
tell(object=id(shared))
block = list(range(300))


def cleans():
    while True:
        with contextlib.ExitStack() as stack:  # op: clear or fromlist
            for _ in range(20):
                stack.callback(shared.clear)
            stack.callback(shared.fromlist, block)
        shared.reverse()  # op: reverse


def adds():
    while True:
        shared.fromlist(block)  # op: fromlist
        shared.remove(250)  # op: remove


run(cleans, adds)
