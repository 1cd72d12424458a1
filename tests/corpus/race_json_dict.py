"""gh-157105: json.dumps() borrows a dict's items while another thread replaces them."""

import json

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "dict",
    "known": "gh-157105",
}

shared = {f"key{number}": [number] for number in range(20)}
tell(object=id(shared))


def dump():
    while True:
        json.dumps(shared)  # op: dumps, reads


def write():
    while True:
        shared["key7"] = ["new"]  # op: setitem


run(dump, write)
