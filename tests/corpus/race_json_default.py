"""json.dumps calls a default function that lends it a list which others change."""

import json

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": ("gh-157107",),
}

shared = [object() for _ in range(30)]
plain = [[str(number)] for number in range(2000, 2030)]
tell(object=id(shared))


class Box:
    pass


def default(box):
    return shared


def encodes():
    while True:
        json.dumps({"box": Box()}, default=default)  # op: dumps, reads


def changes():
    while True:
        shared[:] = [  # op: setitem or store or [] or item
            [str(number)] for number in range(3000, 3030)
        ]
        shared.clear()  # op: clear


run(encodes, changes)
