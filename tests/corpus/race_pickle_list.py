"""gh-146533: pickle borrows a list's items while another thread replaces them."""

import pickle

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": ("gh-146533", "gh-149816"),
}

shared = [[number] for number in range(20)]
tell(object=id(shared))


def dump():
    while True:
        pickle.dumps(shared)  # op: dumps, reads


def write():
    while True:
        shared[7] = ["new"]  # op: setitem


run(dump, write)
