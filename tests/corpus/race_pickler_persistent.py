"""A Pickler subclass with persistent_id pickles a dict that others rewrite."""

import io
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


class Session(pickle.Pickler):
    def persistent_id(self, item):
        return None


shared = {number: [number] for number in range(100)}
tell(object=id(shared))


def saves():
    while True:
        Session(io.BytesIO()).dump(shared)  # op: dump, reads


def changes():
    while True:
        for number in range(100):
            shared[number] = [number, str(number)]  # op: setitem or store
            shared.pop(number + 1, None)  # op: pop


run(saves, changes)
