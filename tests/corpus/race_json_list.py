"""gh-157107: json.dumps() borrows a list's items while another thread replaces them."""

import json

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": "gh-157107",
}

shared = [[number] for number in range(20)]
tell(object=id(shared))


def dump():
    while True:
        json.dumps(shared)  # op: dumps, reads


def write():
    while True:
        shared[7] = ["new"]  # op: setitem


run(dump, write)
