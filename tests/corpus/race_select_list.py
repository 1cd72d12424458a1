"""The list that is given to select is changed while select reads it."""

import select

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "list",
    "known": None,
}


class Channel:
    def __init__(self):
        self.number = 0

    def fileno(self):
        return 0


shared = [Channel() for _ in range(20)]
tell(object=id(shared))


def waits():
    while True:
        select.select(shared, [], [], 0)  # op: select, reads


def replaces():
    while True:
        for index in range(20):
            shared[index] = Channel()  # op: setitem


run(waits, replaces)
