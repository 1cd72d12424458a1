"""marshal.dumps walks a list that others empty and fill."""

import marshal

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": "gh-151370",
}

shared = [(number, str(number)) for number in range(60)]
tell(object=id(shared))


def dumps():
    while True:
        marshal.dumps(shared)  # op: dumps, reads


def changes():
    while True:
        shared.clear()  # op: clear
        shared.extend((number, str(number)) for number in range(60))  # op: extend


run(dumps, changes)
