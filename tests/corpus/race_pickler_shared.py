"""One Pickler writes documents of several threads."""

import io
import pickle

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_pickle.Pickler",
    "known": ("gh-143638", None),
}

shared = pickle.Pickler(io.BytesIO())
tell(object=id(shared))


def dumps():
    while True:
        shared.dump({"numbers": list(range(50)), "text": ["x" * 100] * 20})  # op: dump


def forgets():
    while True:
        shared.clear_memo()  # op: clear_memo


run(dumps, forgets)
