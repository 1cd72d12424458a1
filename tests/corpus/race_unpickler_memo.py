"""gh-150505: several threads assign one Unpickler's memo."""

import io
import pickle

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_pickle.Unpickler",
    "known": "gh-150505",
}

shared = pickle.Unpickler(io.BytesIO(b""))
memo = {number: [number] for number in range(50)}
tell(object=id(shared))


def write():
    while True:
        shared.memo = memo  # op: setattr


def read():
    while True:
        _ = shared.memo  # op: getattr, reads


run(write, read)
