"""A context manager refills one OrderedDict on entry and empties it on exit."""

import collections

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "collections.OrderedDict",
    "known": ("gh-125996", "gh-151627"),
}


class Session:
    def __init__(self):
        self.values = collections.OrderedDict()

    def __enter__(self):
        for key in range(20):
            self.values[key] = None  # op: store or setitem
        return self.values

    def __exit__(self, *details):
        self.values.clear()  # op: clear


session = Session()
tell(object=id(session.values))


def turn():
    while True:
        with session as values:
            list(values.items())  # op: list or items or iterate, reads
            values.popitem()  # op: popitem


run(turn, copies=4)
