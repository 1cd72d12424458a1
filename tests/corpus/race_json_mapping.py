"""gh-157106: json.dumps of a mapping whose items() is a list that changes."""

import json
import threading

from _truth import tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 6,
    "object_type": "list",
    "known": ("gh-157106", "gh-157105"),
    "known_also": ("gh-157107",),
    "known_by": "frames",
}


class Headers(dict):
    """Keeps the order and repetitions."""

    def __init__(self, pairs):
        super().__init__(pairs)
        self.pairs = pairs

    def items(self):
        return self.pairs

    def replace(self, index, name, value):
        self.pairs[index] = (name, value)  # op: setitem


headers = Headers([(f"name{n}", [n]) for n in range(50)])
tell(object=id(headers.pairs), also=[id(headers)])


def respond():
    while True:
        json.dumps(headers)  # op: dumps, reads


def edit(index=0):
    while True:
        index = (index + 1) % 50
        headers.replace(index, f"new{index}", [str(index)])


for target in [respond] * 3 + [edit] * 2:
    threading.Thread(target=target).start()
