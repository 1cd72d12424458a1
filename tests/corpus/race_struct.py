"""gh-146020: Struct.__init__ frees the codes that another thread unpacks with."""

import struct

from _truth import run, tell

EXPECT = {
    "race": True,
    "builds": {"release": {}, "debug": {}},
    "seconds": 15,
    "attempts": 3,
    "object_type": "_struct.Struct",
    "known": "gh-146020",
}

shared = struct.Struct("<4i")
data = bytes(16)
tell(object=id(shared))


def again():
    while True:
        shared.__init__("<4i")  # op: __init__


def read():
    while True:
        shared.unpack(data)  # op: unpack, reads


run(again, read)
