"""gh-146452: pickle borrows a dict's items while another thread replaces them."""

import pickle

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "dict",
    "known": "gh-146452",
}

shared = {f"key{number}": [number] for number in range(20)}
tell(object=id(shared))


def dump():
    while True:
        pickle.dumps(shared)  # op: dumps, reads


def write():
    while True:
        shared["key7"] = ["new"]  # op: setitem


run(dump, write)
